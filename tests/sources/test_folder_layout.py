"""One rule for outer folders, the layouts of public data sets, and the tables beside pictures: in a folder, a zip and an upload alike."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from picture_files import PNG, contents, fields, write_folder, written

from explorer.errors import SourceError, UnsafeArchive
from explorer.sources import open_source, reading_of
from explorer.sources.folder_layout import arrange
from explorer.types import Source

KINDS = ("folder", "zip", "upload")


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    """Opens the same files as a folder, a zip or an upload."""

    def make(files: dict[str, bytes], **options: object) -> Source:
        return open_source(written(request.param, tmp_path, files), options=options)

    return make


def labels(*pictures: str) -> dict[str, object]:
    return {name: fields["label"] for name, fields in arrange(pictures).fields.items()}


def splits(*pictures: str) -> dict[str, object]:
    return {name: fields["split"] for name, fields in arrange(pictures).fields.items()}


# -- folders


def test_folders_that_everything_shares_are_no_labels() -> None:
    assert labels("CRC/data/A/1.png", "CRC/data/B/2.png") == {"CRC/data/A/1.png": "A", "CRC/data/B/2.png": "B"}
    assert labels("tiles/1.png", "tiles/2.png") == {"tiles/1.png": None, "tiles/2.png": None}
    assert labels("A/1.png", "A/deeper/2.png", "B/x/3.png") == {"A/1.png": "A", "A/deeper/2.png": "A", "B/x/3.png": "B"}


def test_splits_around_or_inside_classes() -> None:
    names = ("x/train/A/1.png", "x/train/B/2.png", "x/Test/A/3.png")
    assert list(labels(*names).values()) == ["A", "B", "A"] and list(splits(*names).values()) == ["train", "train", "Test"]
    names = ("A/train/1.png", "A/test/2.png", "B/train/3.png")
    assert list(labels(*names).values()) == ["A", "A", "B"] and list(splits(*names).values()) == ["train", "test", "train"]
    names = ("train/data/A/1.png", "train/data/B/2.png", "val/data/A/3.png")
    assert list(labels(*names).values()) == ["A", "B", "A"]
    names = ("data/train/A/1.png", "data/train/B/2.png")
    assert list(labels(*names).values()) == ["A", "B"] and set(splits(*names).values()) == {"train"}


def test_a_class_called_test_stays_a_class() -> None:
    names = ("test/1.png", "control/2.png")
    assert list(labels(*names).values()) == ["test", "control"] and set(splits(*names).values()) == {None}


def test_that_no_picture_has_a_label_is_said(opened) -> None:
    assert reading_of(opened(contents("tiles/1.png", "tiles/2.png"))).notes == (
        "no picture has a label; give each class a folder, or name classes in a column 'label' of labels.csv",
        "all pictures lie in one folder (tiles), which is not taken for a label",
    )


def test_that_all_pictures_have_one_label_is_said(opened) -> None:
    files = contents("1.png", "2.png", labels__csv="file,label\n1.png,A\n2.png,A\n")
    assert reading_of(opened(files)).notes == ("all 2 pictures have the one label 'A'; nothing can be told apart by it",)


# -- tables beside pictures


@pytest.mark.parametrize("prefix", ["", "tiles/", "outer/tiles/"])
@pytest.mark.parametrize("name", ["labels.csv", "Labels.CSV", "metadata.csv", "labels.tsv", "labels.txt", "labels.csv.gz"])
def test_the_table_is_found_in_the_lowest_shared_folder(opened, prefix: str, name: str) -> None:
    text = b"file\tlabel\tpatient\n1.png\tA\tP1\n2.png\tB\tP2\n"
    data = gzip.compress(text) if name.endswith(".gz") else text
    source = opened({prefix + "1.png": PNG, prefix + "2.png": PNG, prefix + name: data})
    assert fields(source, "label", "patient") == {prefix + "1.png": ("A", "P1"), prefix + "2.png": ("B", "P2")}
    assert not source.rejects() and reading_of(source).tables[0].matched == 2


def test_each_part_may_have_a_table_of_its_own(opened) -> None:
    table = "file_name,label\n1.png,{}\n"
    tables = {"train/metadata.csv": table.format("A").encode(), "test/metadata.csv": table.format("B").encode()}
    files = contents("train/1.png", "test/1.png") | tables
    assert fields(opened(files), "label", "split") == {"train/1.png": ("A", "train"), "test/1.png": ("B", "test")}


def test_another_table_is_named_and_read_on_demand(opened) -> None:
    files = contents("a/1.png", "a/2.png", cohort__csv="file,label\n1.png,A\n2.png,B\n")
    plain = opened(files)
    assert [(reject.uri, reject.reason) for reject in plain.rejects()] == [("cohort.csv", "a table that is not read")]
    assert any(
        "cohort.csv is a table and is not read" in note and "--option 'table=cohort.csv'" in note for note in reading_of(plain).notes
    )


def test_a_table_chosen_by_hand_and_none_at_all(tmp_path: Path) -> None:
    files = contents("a/1.png", "b/2.png", cohort__csv="bild,art\n1.png,A\n2.png,B\n", labels__csv="file,label\nx,y\n")
    place = write_folder(tmp_path, files)
    chosen = open_source(place, options={"table": "cohort.csv", "columns": {"label": "art"}})
    assert fields(chosen, "label") == {"a/1.png": ("A",), "b/2.png": ("B",)}
    assert fields(open_source(place, options={"table": "none"}), "label") == {"a/1.png": ("a",), "b/2.png": ("b",)}
    with pytest.raises(SourceError, match=r"No table among the pictures is called 'nothing\.csv'"):
        open_source(place, options={"table": "nothing.csv"}).items()


def test_a_column_can_be_kept_from_a_field(tmp_path: Path) -> None:
    place = write_folder(tmp_path, contents("1.png", labels__csv="file,label,site\n1.png,A,x\n"))
    (item,) = open_source(place, options={"columns": {"site": None}}).items()
    assert item.site is None and item.extra == {"site": "x"}


def test_of_several_columns_the_one_that_matches_most_names_the_pictures(opened) -> None:
    source = opened(contents("1.png", "2.png", labels__csv="path,id,label\n/data/tiles,1,A\n/data/tiles,2,B\n"))
    assert fields(source, "label", "id") == {"1.png": ("A", "1"), "2.png": ("B", "2")}
    source_reading = reading_of(source)
    assert "labels.csv: column 'id' is taken to name the pictures" in source_reading.notes
    assert "labels.csv: 2 of 2 lines are matched by their name without suffix" in source_reading.notes


def test_a_table_that_names_no_picture_is_an_error_with_the_nearest_names(opened) -> None:
    source = opened(contents("tile_1.png", "tile_2.png", labels__csv="file,label\nslide_1.svs,A\nslide_2.svs,B\n"))
    with pytest.raises(
        SourceError, match=r"none of the 2 lines names a picture: column 'file' says 'slide_1.svs', .*tile_1\.png"
    ) as caught:
        source.items()
    assert len(str(caught.value)) < 300


def test_bare_names_that_lie_in_several_folders_are_an_error_that_says_so(opened) -> None:
    source = opened(contents("A/0.png", "B/0.png", labels__csv="file,patient\n0.png,P0\n"))
    with pytest.raises(SourceError, match=r"'0\.png' fits A/0\.png and B/0\.png; give paths with their folder"):
        source.items()


def test_labels_from_folders_beside_labels_from_a_table_are_said(opened) -> None:
    table = "file,label\na.png,X\nb.png,Y\nc.png,X\n"
    reading = reading_of(opened(contents("s1/a.png", "s1/b.png", "s2/a.png", "s2/c.png", labels__csv=table)))
    assert reading.labels == {"s1": 1, "Y": 1, "s2": 1, "X": 1}
    words = "2 of 4 pictures take the label from their folders, since no table gives one, such as 's1/a.png' (label 's1')"
    assert words in reading.notes


@pytest.mark.parametrize("column", ["label", "stage"])
def test_a_table_that_labels_all_pictures_or_none_says_nothing_of_folders(opened, column: str) -> None:
    reading = reading_of(opened(contents("A/1.png", "B/2.png", labels__csv=f"file,{column}\n1.png,X\n2.png,Y\n")))
    assert not any("folder" in note for note in reading.notes)


def test_a_table_without_names_of_columns_loses_no_first_line(opened) -> None:
    source = opened(contents("1.png", "2.png", labels__csv="1.png,A\n2.png,B\n"))
    with pytest.raises(SourceError, match=r"labels\.csv begins with a picture \(1\.png\) instead of the names of its columns"):
        source.items()


def test_lines_and_pictures_left_alone_are_counted_with_an_example(opened) -> None:
    source = opened(contents("1.png", "2.png", "3.png", labels__csv="file,label\n1.png,A\n9.png,B\n"))
    notes = reading_of(source).notes
    assert any(note.startswith("1 of 2 lines of labels.csv names no picture, such as '9.png' (nearest are") for note in notes)
    assert "2 of 3 pictures have no line in labels.csv, such as '2.png'" in notes


# -- public data sets


def test_bach_without_its_kind_has_its_labels_and_names_the_kind(opened) -> None:
    files = {f"ICIAR2018_BACH_Challenge/Photos/{label}/{label[0]}001.tif": PNG for label in ("Benign", "InSitu", "Invasive", "Normal")}
    reading = reading_of(opened(files | {"ICIAR2018_BACH_Challenge/Photos/microscopy_ground_truth.csv": b"b001.tif,Benign\n"}))
    assert reading.layout == "BACH" and reading.suggested_kind == "bach" and len(reading.labels) == 4
    assert any("--kind bach" in note for note in reading.notes)


@pytest.mark.parametrize("wrapper", ["", "breast/"])
def test_the_photos_of_bach_by_themselves_name_the_kind(opened, wrapper: str) -> None:
    classes = ("Benign", "InSitu", "Invasive", "Normal")
    reading = reading_of(opened(contents(*(f"{wrapper}{label}/{number}.tif" for label in classes for number in range(3)))))
    assert reading.suggested_kind == "bach" and reading.labels == dict.fromkeys(classes, 3)
    assert any("--kind bach" in note for note in reading.notes)


def test_three_of_its_four_classes_or_other_files_are_not_taken_for_bach() -> None:
    assert arrange([f"{label}/1.tif" for label in ("Benign", "Invasive", "Normal")]).known is None
    assert arrange([f"{label}/1.png" for label in ("Benign", "InSitu", "Invasive", "Normal")]).known is None


def test_both_parts_of_crc_side_by_side_are_splits(opened) -> None:
    classes = ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")
    names = [f"{part}/{label}/1.tif" for part in ("NCT-CRC-HE-100K", "CRC-VAL-HE-7K") for label in classes]
    source = opened(contents(*names))
    assert {label for label, _ in fields(source, "label", "split").values()} == set(classes)
    assert {split for name, (_, split) in fields(source, "label", "split").items() if name.startswith("NCT")} == {"train"}
    assert {split for name, (_, split) in fields(source, "label", "split").items() if name.startswith("CRC")} == {"val"}


def test_the_validation_part_of_crc_alone_names_its_own_kind(opened) -> None:
    classes = ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")
    reading = reading_of(opened(contents(*(f"CRC-VAL-HE-7K/{label}/1.tif" for label in classes))))
    assert reading.layout == "CRC-VAL-HE-7K" and reading.suggested_kind == "crc-val"
    assert reading.labels == dict.fromkeys(classes, 1) and reading.distinct["split"] == 1


def test_breakhis_gives_class_patient_type_and_magnification(opened) -> None:
    root = "BreaKHis_v1/histology_slides/breast"
    names = [
        f"{root}/benign/SOB/adenosis/SOB_B_A_14-22549AB/40X/SOB_B_A-14-22549AB-40-001.png",
        f"{root}/malignant/SOB/lobular_carcinoma/SOB_M_LC_14-12204/400X/SOB_M_LC-14-12204-400-031.png",
    ]
    source = opened(contents(*names))
    assert list(fields(source, "label", "patient").values()) == [("benign", "14-22549AB"), ("malignant", "14-12204")]
    assert [dict(item.extra) for item in source.items()] == [
        {"tumor_type": "adenosis", "magnification": 40},
        {"tumor_type": "lobular_carcinoma", "magnification": 400},
    ]


def test_camelyon17_of_wilds_joins_by_coordinates(opened) -> None:
    header = ",patient,node,x_coord,y_coord,tumor,slide,center,split\n"
    names = [f"patches/patient_004_node_4/patch_patient_004_node_4_x_{x}_y_21344.png" for x in (3328, 3200)]
    table = header + "0,4,4,3328,21344,1,0,0,0\n1,4,4,3200,21344,0,0,0,1\n2,9,9,1,1,0,0,0,0\n"
    source = opened(contents(*names, metadata__csv=table))
    assert fields(source, "label", "patient", "slide", "site", "split") == {
        names[0]: ("1", "4", "0", "0", "0"),
        names[1]: ("0", "4", "0", "0", "1"),
    }
    assert reading_of(source).tables[0].unmatched == 1


def test_mhist_annotations_are_read_and_its_kind_named(opened) -> None:
    table = "Image Name,Majority Vote Label,Number of Annotators who Selected SSA (Out of 7),Partition\nMHIST_a.png,SSA,6,train\n"
    source = opened(contents("images/MHIST_a.png", annotations__csv=table))
    assert fields(source, "label", "split") == {"images/MHIST_a.png": ("SSA", "train")}
    assert reading_of(source).suggested_kind == "mhist"


def test_lc25000_and_kather_2016_take_the_class_folder(opened) -> None:
    names = ["set/colon_image_sets/colon_aca/1.jpeg", "set/colon_image_sets/colon_n/2.jpeg", "set/lung_image_sets/lung_scc/3.jpeg"]
    kather = ["Kather_texture_2016_image_tiles_5000/01_TUMOR/1.tif", "Kather_texture_2016_image_tiles_5000/02_STROMA/2.tif"]
    assert list(labels(*names).values()) == ["colon_aca", "colon_n", "lung_scc"]
    assert list(labels(*kather).values()) == ["01_TUMOR", "02_STROMA"]
    assert [value for (value,) in fields(opened(contents(*names)), "label").values()] == ["colon_aca", "colon_n", "lung_scc"]


def test_panda_tiles_take_the_line_of_their_slide(opened) -> None:
    table = "image_id,data_provider,isup_grade,gleason_score\n0005f7aa,karolinska,0,0+0\n000920ad,radboud,3,4+3\n"
    source = opened(contents("train/0005f7aa_0.png", "train/0005f7aa_1.png", "train/000920ad_0.png", train__csv=table))
    assert fields(source, "label", "site") == {
        "train/0005f7aa_0.png": ("0", "karolinska"),
        "train/0005f7aa_1.png": ("0", "karolinska"),
        "train/000920ad_0.png": ("3", "radboud"),
    }


def test_kaggle_identifiers_without_suffix(opened) -> None:
    source = opened(contents("train/f38a6374.tif", "train/c18f2d88.tif", train_labels__csv="id,label\nf38a6374,0\nc18f2d88,1\n"))
    assert fields(source, "label", "id") == {"train/f38a6374.tif": ("0", "f38a6374"), "train/c18f2d88.tif": ("1", "c18f2d88")}


def test_patchcamelyon_is_recognised_and_its_packed_files_named(tmp_path: Path) -> None:
    parts = [f"camelyonpatch_level_2_split_{part}_{of}.h5" for part in ("train", "valid", "test") for of in "xy"]
    packed = write_folder(tmp_path / "packed", {f"{name}.gz": b"\x1f\x8b" for name in parts})
    with pytest.raises(SourceError, match=r"gunzip \*\.h5\.gz', then build with --kind pcam"):
        open_source(packed)


# -- names inside archives


def zip_without_flag(path: Path, names: dict[bytes, bytes], extra: bytes = b"") -> Path:
    """An archive whose names carry no flag for UTF-8, as macOS and older packers write them."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, data in enumerate(names.values()):
            info = zipfile.ZipInfo(f"{number:0{len(list(names)[number])}d}")
            info.extra = extra
            archive.writestr(info, data)
    whole = path.read_bytes()
    for number, name in enumerate(names):
        whole = whole.replace(f"{number:0{len(name)}d}".encode(), name)
    path.write_bytes(whole)
    return path


def test_names_in_utf8_without_the_flag(tmp_path: Path) -> None:
    names = {"Drüsen/ä1.png".encode(): PNG, "Stroma/ß2.png".encode(): PNG}
    source = open_source(zip_without_flag(tmp_path / "p.zip", names))
    assert fields(source, "label") == {"Drüsen/ä1.png": ("Drüsen",), "Stroma/ß2.png": ("Stroma",)}
    assert source.read("Drüsen/ä1.png").shape == (8, 8, 3) and not any("guess" in note for note in reading_of(source).notes)


@pytest.mark.parametrize("encoding", ["cp1252", "cp850"])
def test_names_in_another_encoding_are_guessed_and_said(tmp_path: Path, encoding: str) -> None:
    names = {"Drüsen/é1.png".encode(encoding): PNG, "Stroma/ö2.png".encode(encoding): PNG}
    source = open_source(zip_without_flag(tmp_path / "p.zip", names))
    assert fields(source, "label") == {"Drüsen/é1.png": ("Drüsen",), "Stroma/ö2.png": ("Stroma",)}
    assert "2 names in the archive do not say the encoding; it is guessed, as in 'Drüsen/é1.png'" in reading_of(source).notes


def unicode_path(name: str, raw: bytes) -> bytes:
    body = b"\x01" + struct.pack("<I", zlib.crc32(raw)) + name.encode()
    return struct.pack("<HH", 0x7075, len(body)) + body


def test_the_unicode_name_beside_a_plain_one_is_taken_but_leads_nowhere_outside(tmp_path: Path) -> None:
    raw = b"a/\x84.png"
    good = zip_without_flag(tmp_path / "good.zip", {raw: PNG}, unicode_path("a/ä.png", raw))
    assert [item.uri for item in open_source(good).items()] == ["a/ä.png"]
    with pytest.raises(UnsafeArchive, match="outside"):
        open_source(zip_without_flag(tmp_path / "bad.zip", {raw: PNG}, unicode_path("../ä.png", raw)))


@pytest.mark.parametrize("kind", ["folder", "zip", "upload"])
def test_pictures_that_an_inner_table_describes_are_not_missed_by_an_outer_one(tmp_path: Path, kind: str) -> None:
    files = {f"A/{name}.png": PNG for name in ("a1", "a2")} | {f"B/{name}.png": PNG for name in ("b1", "b2")}
    files |= {"labels.csv": b"file,label\nb1.png,X\nb9.png,Y\n", "A/labels.csv": b"file,label\na1.png,P\na9.png,Q\n"}
    reading = reading_of(open_source(written(kind, tmp_path, files)))
    inner, outer = (
        next(table for table in reading.tables if table.lines == 2 and name in table.names_without_picture) for name in ("a9.png", "b9.png")
    )
    assert (inner.nearest_pictures, outer.nearest_pictures) == ((("a2.png",),), (("B/b2.png", "A/a2.png"),))
    assert (inner.pictures_without_line, outer.pictures_without_line) == (1, 2)


@pytest.mark.parametrize(("column", "field"), [("slide", "slide"), ("Patient ID", "patient")])
def test_lines_for_slides_or_patients_name_groups_of_pictures_and_stay_slides_or_patients(tmp_path: Path, column: str, field: str) -> None:
    files = {"one/1.png": PNG, "one/2.png": PNG, "two/1.png": PNG, "labels.csv": f"{column},label\none,A\ntwo,B\n".encode()}
    items = open_source(written("folder", tmp_path, files)).items()
    assert [(item.label, getattr(item, field)) for item in items] == [("A", "one"), ("A", "one"), ("B", "two")]


def test_split_folders_may_say_what_they_hold(tmp_path: Path) -> None:
    files = {f"{part}/{label}/{part}{label}.png": PNG for part in ("train_images", "val_images") for label in "AB"}
    reading = reading_of(open_source(written("folder", tmp_path, files)))
    assert reading.labels == {"A": 2, "B": 2} and reading.distinct["split"] == 2


def test_patches_of_invasive_ductal_carcinoma_lie_in_patients_and_are_labelled_by_their_names(tmp_path: Path) -> None:
    files = {
        f"{patient}/{label}/{patient}_idx5_x{x}_y1_class{label}.png": PNG for patient in (8863, 9250) for label in "01" for x in (51, 101)
    }
    reading = reading_of(open_source(written("folder", tmp_path, files)))
    assert reading.labels == {"0": 4, "1": 4} and reading.distinct["patient"] == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("more.zip", "an archive among the pictures"),
        ("x.h5", "an HDF5 file"),
        ("x.png.gz", "packed; unpack it"),
        ("labels.json", "JSON, which is not read"),
        ("scan.dcm", "a DICOM file, which is not read"),
    ],
)
def test_files_that_hold_something_useful_are_left_out_with_a_remedy(tmp_path: Path, name: str, words: str) -> None:
    source = open_source(written("folder", tmp_path, {"A/1.png": PNG, name: b"x"}))
    (reject,) = source.rejects()
    assert reject.uri == name and words in reject.reason


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_dicom_and_heic_files_are_named_whatever_their_suffix(tmp_path: Path, kind: str) -> None:
    files = {"A/1.png": PNG, "scan": bytes(128) + b"DICM" + bytes(60), "photo.heic": b"\0\0\0\x18ftypheic" + bytes(60)}
    reasons = {reject.uri: reject.reason for reject in open_source(written(kind, tmp_path, files)).rejects()}
    assert reasons == {
        "photo.heic": "HEIC, which is not read; save it as a PNG (.heic)",
        "scan": "a DICOM file, which is not read; save it as a PNG (no suffix)",
    }


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["test_x", "test_y"], "2 files packed and 4 files missing"),
        (["train_x", "train_y", "valid_x", "valid_y", "test_x", "test_y"], "6 files packed; unpack"),
    ],
)
def test_packed_files_of_patch_camelyon_are_named_with_the_remedy(tmp_path: Path, names: list[str], words: str) -> None:
    folder = written("folder", tmp_path, {f"camelyonpatch_level_2_split_{name}.h5.gz": b"\x1f\x8b" for name in names})
    with pytest.raises(SourceError, match=words):
        open_source(folder)
    with pytest.raises(SourceError, match=r"lies in .*; give that folder"):
        open_source(folder.parent)


def test_names_that_fit_several_pictures_are_listed_with_these(tmp_path: Path) -> None:
    files = {"A/0.png": PNG, "B/0.png": PNG, "B/1.png": PNG, "labels.csv": b"file,label\n0.png,X\n1.png,Y\n"}
    (table,) = reading_of(open_source(written("folder", tmp_path, files))).tables
    assert table.ambiguous_names == ("0.png",) and table.fitting_pictures == (("A/0.png", "B/0.png"),)
