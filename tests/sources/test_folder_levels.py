"""Folders inside folders: patients with classes in them are recognised, others are named, and each level can be corrected."""

from __future__ import annotations

from pathlib import Path

import pytest
from picture_files import contents, fields, written

from explorer.errors import SourceError
from explorer.sources import open_source, reading_of
from explorer.sources.folder_layout import arrange
from explorer.types import Source


@pytest.fixture(params=["folder", "zip", "upload"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    """Opens the same files as a folder, a zip or an upload."""

    def make(files: dict[str, bytes], **options: object) -> Source:
        return open_source(written(request.param, tmp_path, files), options=options)

    return make


def patients_and_labels(*pictures: str) -> list[tuple[object, object]]:
    return [(fields.get("patient"), fields.get("label")) for fields in arrange(pictures).fields.values()]


@pytest.mark.parametrize("patients", [("P1", "P2", "P3"), ("case_a", "case_b", "case_c"), ("TCGA-AA-3492", "TCGA-BH-A0B3", "TCGA-D8-A1XY")])
@pytest.mark.parametrize("classes", [("normal", "tumor"), ("0", "1")])
def test_patients_with_the_same_few_folders_in_each_give_patients_and_labels(
    opened, patients: tuple[str, ...], classes: tuple[str, ...]
) -> None:
    files = contents(*(f"data/{patient}/{label}/{number}.png" for patient in patients for label in classes for number in range(2)))
    source = opened(files)
    reading = reading_of(source)
    assert dict(reading.labels) == dict.fromkeys(classes, 6) and reading.distinct["patient"] == 3
    assert {(item.patient, item.label) for item in source.items()} == {(patient, label) for patient in patients for label in classes}
    (note,) = reading.notes
    assert "taken for patients and labels, which is a guess" in note and note.endswith("--option folders=label") and len(note) < 300
    again = open_source(source.uri, kind=source.kind, options={"folders": "label"})
    assert reading_of(again).labels == dict.fromkeys(patients, 4) and not reading_of(again).notes


def test_patients_of_whom_each_has_one_class_are_seen_and_so_are_splits_around_them() -> None:
    names = [f"P{number}/{label}/1.png" for number, label in enumerate(["in", "out"] * 3)]
    assert patients_and_labels(*names) == [(f"P{number}", label) for number, label in enumerate(["in", "out"] * 3)]
    names = [f"{part}/{part}{number}/{label}/1.png" for part in ("train", "test") for number in range(3) for label in ("in", "out")]
    layout = arrange(names)
    assert layout.fields["test/test1/out/1.png"] == {"split": "test", "patient": "test1", "label": "out"}
    assert layout.note.endswith("--option folders=split/label")


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (("benign", "malignant", "normal"), ("40X", "100X")),
        (("benign", "malignant", "normal"), ("P1", "P2")),
        (("P1", "P2", "P3"), ("slide1", "slide2")),
        (("grade1", "grade2", "grade3"), ("lyon", "basel")),
        (("01_TUMOR", "02_STROMA", "03_COMPLEX"), ("lyon", "basel")),
        (("c1", "c2"), ("p1", "p2", "p3")),
    ],
)
def test_other_nested_folders_stay_as_they_are_and_the_note_names_the_inner_ones(
    opened, outer: tuple[str, ...], inner: tuple[str, ...]
) -> None:
    files = contents(*(f"{first}/{second}/1.png" for first in outer for second in inner))
    reading = reading_of(opened(files))
    assert dict(reading.labels) == dict.fromkeys(outer, len(inner)) and not reading.distinct["patient"]
    (note,) = reading.notes
    assert (
        f"labels are the outer folders, such as {min(outer)!r}; the {len(inner)} folders in them, such as {min(inner)!r}, are not used"
        in note
    )
    assert "--option folders=label/patient or --option folders=patient/label" in note and len(note) < 300


def test_each_level_of_folders_can_be_named(opened) -> None:
    files = contents("lyon/P1/x/tumor/1.png", "basel/P2/y/stroma/2.png", "basel/P2/3.png")
    source = opened(files, folders="site/patient/-/label")
    assert fields(source, "site", "patient", "label") == {
        "lyon/P1/x/tumor/1.png": ("lyon", "P1", "tumor"),
        "basel/P2/y/stroma/2.png": ("basel", "P2", "stroma"),
        "basel/P2/3.png": ("basel", "P2", None),
    }


@pytest.mark.parametrize("given", ["label/label", "class", "", "patient//label"])
def test_levels_that_do_not_exist_are_refused_with_those_that_do(opened, given: str) -> None:
    with pytest.raises(SourceError, match="use label, patient, slide, site, split") as caught:
        opened(contents("a/1.png"), folders=given)
    assert len(str(caught.value)) < 300


def test_a_table_that_gives_the_labels_leaves_nothing_to_say_about_folders(opened) -> None:
    files = contents("A/x/1.png", "B/y/2.png", labels__csv="file,label\n1.png,one\n2.png,two\n")
    assert not any("folders" in note for note in reading_of(opened(files)).notes)
