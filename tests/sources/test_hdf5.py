"""HDF5: labels in every form people store them, and virtual datasets whose files are gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from bad_files import patch

from explorer.errors import SourceError
from explorer.sources import open_source

X = np.stack([patch(16, seed=seed) for seed in range(4)])


def labels_of(tmp_path: Path, y: Any, **options: Any) -> list[str | None]:
    path = tmp_path / "patches.h5"
    with h5py.File(path, "w") as file:
        file["x"] = X
        file.create_dataset("y", data=y, **options)
    return [item.label for item in open_source(path).items()]


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (np.array([0, 1, 1, 3], np.uint8).reshape(4, 1, 1, 1), ["0", "1", "1", "3"]),
        (np.array([0.0, 1.0, 2.5, np.nan]), ["0", "1", "2.5", None]),
        (np.array([[1, 0], [0, 1], [0, 1], [1, 0]]), ["0", "1", "1", "0"]),
        (np.eye(4, 7, k=2, dtype=np.float32), ["2", "3", "4", "5"]),
        (np.array(["Drüse".encode("latin-1"), b"TUM", "Drüse".encode("latin-1"), b"a"]), ["Drüse", "TUM", "Drüse", "a"]),
        (np.array(["Drüse".encode(), b"TUM", b"b", b"a"]), ["Drüse", "TUM", "b", "a"]),
        (np.array([True, False, True, True]), ["True", "False", "True", "True"]),
    ],
    ids=["whole numbers in four dimensions", "floats", "one-hot", "one-hot of seven", "Latin-1", "UTF-8", "yes or no"],
)
def test_labels_in_every_form_become_text(tmp_path: Path, y: Any, expected: list[str | None]) -> None:
    assert labels_of(tmp_path, y) == expected


def test_texts_of_variable_length_become_labels(tmp_path: Path) -> None:
    y = np.array(["TUM", "Drüse", "a", "b"], dtype=object)
    assert labels_of(tmp_path, y, dtype=h5py.string_dtype()) == ["TUM", "Drüse", "a", "b"]


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.zeros(3), "4 pictures but labels of shape (3,)"),
        (3, "4 pictures but labels of shape ()"),
        (np.array([[1, 1], [0, 1], [0, 1], [1, 0]]), "not one-hot"),
        (np.full((4, 2), 0.5), "not one-hot"),
    ],
)
def test_labels_that_fit_no_picture_are_refused_with_their_shape(tmp_path: Path, y: Any, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        labels_of(tmp_path, y)
    assert words in str(caught.value)


def test_rows_of_a_virtual_dataset_whose_file_is_gone_are_rejected_and_never_blank(tmp_path: Path) -> None:
    for name, part in (("first.h5", X[:2]), ("second.h5", X[2:])):
        with h5py.File(tmp_path / name, "w") as file:
            file["pictures"] = part
    layout = h5py.VirtualLayout(shape=(5, 16, 16, 3), dtype=np.uint8)
    layout[:2] = h5py.VirtualSource("first.h5", "pictures", shape=(2, 16, 16, 3))
    layout[2:4] = h5py.VirtualSource("second.h5", "pictures", shape=(2, 16, 16, 3))
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file.create_virtual_dataset("x", layout)
    whole = open_source(tmp_path / "all.h5")
    assert [item.uri for item in whole.items()] == ["x[0]", "x[1]", "x[2]", "x[3]"]
    np.testing.assert_array_equal(whole.read("x[3]"), X[3])
    assert {reject.uri: "gap" in reject.reason for reject in whole.rejects()} == {"x[4]": True}
    (tmp_path / "second.h5").unlink()
    rest = open_source(tmp_path / "all.h5")
    assert [item.uri for item in rest.items()] == ["x[0]", "x[1]"]
    reasons = {reject.uri: reject.reason for reject in rest.rejects()}
    assert set(reasons) == {"x[2]", "x[3]", "x[4]"} and "second.h5" in reasons["x[2]"]
    (tmp_path / "first.h5").unlink()
    with pytest.raises(SourceError, match="holds no pictures"):
        open_source(tmp_path / "all.h5").items()
