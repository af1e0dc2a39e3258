"""The four data sets: their splits and labels are eva's, and what is not whole is refused with what to do."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import replicas
from contracts.source_contract import Opened, SourceContract

from explorer.errors import SourceError
from explorer.sources import open_source
from explorer.sources.benchmark_table import BENCHMARKS


class TestBenchmark(SourceContract):
    @pytest.fixture(params=["bach", "crc", "mhist", "pcam"])
    def opened(self, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Opened:
        name = request.param
        if name != "bach":
            replicas.shrink(monkeypatch, name)
        again = partial(open_source, getattr(replicas, name)(tmp_path / name), kind=name)
        return Opened(source=again(), again=again)


def test_bach_is_split_where_eva_splits_it(tmp_path: Path) -> None:
    """By hand: of the classes' files b001, ..., b041 are train, b042, ..., b059 val, b060 train, and so on to n100."""
    source = open_source(replicas.bach(tmp_path), kind="bach")
    items = source.items()
    assert Counter(item.split for item in items) == {"train": 268, "val": 132}
    split = {Path(item.uri).stem: item.split for item in items}
    train = {
        "b": [*range(1, 42), 60, *range(91, 101)],
        "is": [*range(1, 40), *range(70, 101)],
        "iv": [*range(1, 41), 59, 60, *range(74, 101)],
        "n": [*range(1, 46), *range(69, 101)],
    }
    for prefix, numbers in train.items():
        assert [i for i in range(1, 101) if split[f"{prefix}{i:03d}"] == "train"] == numbers
    assert [item.label for item in items] == [label for label in ("Benign", "InSitu", "Invasive", "Normal") for _ in range(100)]
    assert items[0].uri == "ICIAR2018_BACH_Challenge/Photos/Benign/b001.tif"
    assert {item.mpp for item in items} == {0.42}
    assert [reject.uri for reject in source.rejects()] == ["ICIAR2018_BACH_Challenge/Photos/Benign/Thumbs.db"]


def test_the_photos_of_bach_by_themselves_have_the_same_splits(tmp_path: Path) -> None:
    whole = open_source(replicas.bach(tmp_path), kind="bach")
    photos = open_source(tmp_path / "ICIAR2018_BACH_Challenge" / "Photos", kind="bach")
    assert [(item.uri.removeprefix("ICIAR2018_BACH_Challenge/Photos/"), item.label, item.split) for item in whole.items()] == [
        (item.uri, item.label, item.split) for item in photos.items()
    ]
    assert photos.read(photos.items()[0].uri).shape == whole.read(whole.items()[0].uri).shape


def test_a_missing_bach_picture_is_refused_because_it_would_shift_the_split(tmp_path: Path) -> None:
    photos = replicas.bach(tmp_path) / "ICIAR2018_BACH_Challenge" / "Photos"
    (photos / "InSitu" / "is050.tif").rename(photos / "Normal" / "n101.tif")
    with pytest.raises(SourceError, match=r"InSitu holds 99 pictures instead of 100"):
        open_source(tmp_path, kind="bach").items()


def test_crc_is_split_by_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replicas.shrink(monkeypatch, "crc")
    items = open_source(replicas.crc(tmp_path), kind="crc").items()
    assert Counter((item.split, item.label) for item in items) == {
        (split, label): n for split, n in (("train", 4), ("val", 2)) for label in BENCHMARKS["crc"].classes
    }
    assert all(item.uri.startswith("NCT-CRC-HE-100K/" if item.split == "train" else "CRC-VAL-HE-7K/") for item in items)
    assert all(item.uri.split("/")[1] == item.label for item in items)


def test_crc_val_is_the_val_part_of_crc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replicas.shrink(monkeypatch, "crc", "crc-val")
    whole, part = (open_source(replicas.crc(tmp_path), kind=kind).items() for kind in ("crc", "crc-val"))
    assert list(part) == [item for item in whole if item.split == "val"]
    assert {item.mpp for item in part} == {0.5}


def test_mhist_takes_the_official_test_partition_for_val(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replicas.shrink(monkeypatch, "mhist")
    items = {item.id: item for item in open_source(replicas.mhist(tmp_path), kind="mhist").items()}
    assert (items["MHIST_aaa.png"].label, items["MHIST_aaa.png"].split) == ("SSA", "train")
    assert (items["MHIST_bbb.png"].label, items["MHIST_bbb.png"].split) == ("HP", "train")
    assert (items["MHIST_ccc.png"].label, items["MHIST_ccc.png"].split) == ("SSA", "val")
    assert items["MHIST_ccc.png"].uri == "images/MHIST_ccc.png"
    assert items["MHIST_bbb.png"].extra == {"Number of Annotators who Selected SSA (Out of 7)": 1}


def test_pcam_is_split_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replicas.shrink(monkeypatch, "pcam")
    source = open_source(replicas.pcam(tmp_path), kind="pcam")
    items = source.items()
    assert [(item.split, item.label) for item in items[:3]] == [("train", "no_tumor"), ("train", "tumor"), ("train", "tumor")]
    assert items[24].uri == "val/x[0]" and items[36].uri == "test/x[0]"
    np.testing.assert_array_equal(source.read("val/x[1]"), replicas.picture(1, seed=101))
    np.testing.assert_array_equal(source.read("test/x[0]"), replicas.picture(0, seed=200))


def test_class_numbers_are_eva_s() -> None:
    assert BENCHMARKS["bach"].classes == ("Benign", "InSitu", "Invasive", "Normal")
    assert BENCHMARKS["crc"].classes == ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")
    assert BENCHMARKS["mhist"].classes == ("SSA", "HP")
    assert BENCHMARKS["pcam"].classes == ("no_tumor", "tumor")
    assert {name: sum(b.counts.values()) for name, b in BENCHMARKS.items()} == {
        "bach": 400,
        "crc": 107_180,
        "crc-val": 7_180,
        "mhist": 3_152,
        "pcam": 327_680,
    }


def test_a_part_of_a_data_set_is_refused_with_its_counts(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"36 train pictures instead of 100000 and 18 val pictures instead of 7180; fetch it again into another folder"
    ):
        open_source(replicas.crc(tmp_path / "crc"), kind="crc").items()
    with pytest.raises(SourceError, match=r"16 train pictures instead of 2175"):
        open_source(replicas.mhist(tmp_path / "mhist"), kind="mhist").items()
    with pytest.raises(SourceError, match=r"12 test pictures instead of 32768"):
        open_source(replicas.pcam(tmp_path / "pcam"), kind="pcam").items()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bach", ["Photos is missing", "--tasks bach --accept-licence", "10.4 GB", "CC BY-NC-ND 4.0", "ICIAR2018_BACH_Challenge.zip"]),
        (
            "crc",
            [
                "NCT-CRC-HE-100K and CRC-VAL-HE-7K are missing",
                "12.5 GB",
                "CC BY 4.0",
                "CRC-VAL-HE-7K.zip from https://zenodo.org/records/1214456",
            ],
        ),
        (
            "mhist",
            ["images and annotations.csv are missing", "fill in the form at https://bmirds.github.io/MHIST/", "put images and annotations"],
        ),
        (
            "pcam",
            [
                "split_train_x.h5 and 5 other files are missing",
                "8.0 GB",
                "CC0 1.0",
                "unpack them from https://zenodo.org/",
            ],
        ),
    ],
)
def test_what_is_not_here_is_named_with_where_to_get_it_and_put_it(name: str, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path, kind=name)
    sentence = str(caught.value)
    for word in [*words, str(tmp_path)]:
        assert word in sentence
    assert len(sentence.replace(str(tmp_path), "/home/someone/pathology/data/" + name)) < 300


def test_a_label_that_is_none_of_the_classes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replicas.shrink(monkeypatch, "mhist")
    path = replicas.mhist(tmp_path) / "annotations.csv"
    path.write_text(path.read_text().replace("MHIST_ddd.png,HP", "MHIST_ddd.png,hyperplastic"))
    with pytest.raises(SourceError, match=r"MHIST_ddd\.png .* has the label 'hyperplastic'"):
        open_source(tmp_path, kind="mhist").items()
