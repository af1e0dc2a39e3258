"""Folders and zips: labels and splits from folders, columns from labels.csv, what is passed over, what is refused."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from bad_files import encoded, patch

from explorer.errors import ImageRejected, SourceError, UnsafeArchive
from explorer.sources import open_source, reading_of
from explorer.types import Item, Limits, Source

PNG = encoded(patch(8), "PNG")


def folder(root: Path, *names: str, **files: bytes) -> Path:
    """A folder with a small picture under each name, and other files by name=bytes (``__`` for a dot)."""
    for name, data in [*((name, PNG) for name in names), *((name.replace("__", "."), data) for name, data in files.items())]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def zipped(path: Path, *names: str, **files: bytes) -> Path:
    """The same as a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [*((name, PNG) for name in names), *((name.replace("__", "."), data) for name, data in files.items())]:
            archive.writestr(name, data)
    return path


def rows(source: Source, *names: str) -> list[tuple[object, ...]]:
    return [tuple(getattr(item, name) for name in names) for item in source.items()]


def reasons(source: Source) -> dict[str, str]:
    return {reject.uri: reject.reason for reject in source.rejects()}


@pytest.fixture(params=["folder", "zip"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    """Makes the same files as a folder or as a zip, and opens it."""

    def make(*names: str, **files: bytes) -> Source:
        if request.param == "folder":
            return open_source(folder(tmp_path / "root", *names, **files))
        return open_source(zipped(tmp_path / "root.zip", *names, **files))

    return make


def test_one_folder_per_class(place) -> None:
    source = place("TUM/2.png", "ADI/1.png", "TUM/deep/er/3.png", "TUM/10.png")
    assert rows(source, "uri", "label", "split") == [
        ("ADI/1.png", "ADI", None),
        ("TUM/10.png", "TUM", None),
        ("TUM/2.png", "TUM", None),
        ("TUM/deep/er/3.png", "TUM", None),
    ]
    assert rows(source, "id") == rows(source, "uri")


def test_a_flat_folder_has_no_labels(place) -> None:
    assert rows(place("b.png", "a.png"), "uri", "label") == [("a.png", None), ("b.png", None)]


def test_split_then_class(place) -> None:
    source = place("train/TUM/a.png", "Test/ADI/b.png", "val/c.png")
    assert rows(source, "split", "label") == [("Test", "ADI"), ("train", "TUM"), ("val", None)]


def test_labels_csv_gives_columns_and_wins_over_folders(place) -> None:
    csv = (
        "file;label;patient;slide;site;magnification;mpp;age;code\n"
        "TUM/a.png;carcinoma;P1;S1;Aachen;20x;0,5;61;007\n./ADI\\b.png;;P2;S2;;40x;0.25;;010\n"
    )
    source = place("TUM/a.png", "ADI/b.png", "ADI/c.png", labels__csv=csv.encode("utf-8-sig"))
    assert rows(source, "label", "patient", "slide", "site", "mpp") == [
        ("ADI", "P2", "S2", None, 0.25),
        ("ADI", None, None, None, None),
        ("carcinoma", "P1", "S1", "Aachen", 0.5),
    ]
    assert [dict(item.extra) for item in source.items()] == [
        {"magnification": "40x", "age": None, "code": "010"},
        {},
        {"magnification": "20x", "age": 61, "code": "007"},
    ]
    assert not source.rejects()


def test_labels_csv_may_give_bare_names_and_old_encodings(place) -> None:
    source = place("TUM/ä.png", "TUM/b.png", labels__csv="Image Name, Ort\nä.png, Köln\n".encode("cp1252"))
    assert [item.extra.get("Ort") for item in source.items()] == [None, "Köln"]


def test_lines_of_labels_csv_that_lead_nowhere_are_said(place) -> None:
    csv = b"file,label\nTUM/a.png,X\ngone.png,Y\nTUM/a.png,Z\n"
    source = place("TUM/a.png", labels__csv=csv)
    assert rows(source, "label") == [("X",)]
    assert not source.rejects(), "lines of a table are no pictures"
    reading = reading_of(source)
    (table,) = reading.tables
    assert (table.lines, table.matched, table.repeated, table.unmatched, table.names_without_picture) == (3, 1, 1, 1, ("gone.png",))
    assert "1 of 3 lines of labels.csv names no picture, such as 'gone.png' (nearest are TUM/a.png)" in reading.notes
    assert "1 of 3 lines of labels.csv names a picture again, such as 'TUM/a.png'; the first line counts" in reading.notes


@pytest.mark.parametrize("csv", [b"width,height\n1,2\n", b"", b'file,label\na.png,"b\nb,c,d', b"file,label\na.png,b,c,d\n"])
def test_a_labels_csv_that_cannot_be_used_is_an_error_not_a_loss(place, csv: bytes) -> None:
    with pytest.raises(SourceError, match=r"labels\.csv"):
        place("a.png", labels__csv=csv).items()


def test_tcga_barcodes_give_patient_and_site_unless_a_column_does(place) -> None:
    name = "LUAD/TCGA-05-4244-01Z-00-DX1.d4ff32cd_tile3.png"
    source = place(name, "LUAD/tcga-a7-a0cd_1.png", labels__csv=f"file,patient\n{name},mine\n".encode())
    assert rows(source, "patient", "site", "slide") == [
        ("mine", "05", "TCGA-05-4244-01Z-00-DX1"),
        ("TCGA-A7-A0CD", "A7", None),
    ]


def test_junk_is_passed_over_and_said(place) -> None:
    source = place(
        *("a.png", ".hidden.png", ".cache/b.png", "__MACOSX/._a.png", "Thumbs.db"),
        *("s.svs", "d.dcm"),
        notes__txt=b"words",
        table__csv=b"a,b\n",
        inner__zip=b"PK\x03\x04",
    )
    assert rows(source, "uri") == [("a.png",)]
    said = reasons(source)
    assert "hidden" in said[".hidden.png"] and "operating system" in said["Thumbs.db"]
    assert any("hidden" in reason for uri, reason in said.items() if uri.startswith(".cache"))
    assert any("operating system" in reason for uri, reason in said.items() if uri.startswith("__MACOSX"))
    assert "whole-slide" in said["s.svs"] and "a DICOM file" in said["d.dcm"]
    assert (
        said["notes.txt"] == "not a picture (.txt)"
        and said["table.csv"] == "a table that is not read"
        and "an archive among the pictures" in said["inner.zip"]
    )


def test_content_decides_where_the_name_says_nothing(place) -> None:
    source = place("scan", "scan.001", readme=b"words")
    assert rows(source, "uri") == [("scan",), ("scan.001",)]
    assert reasons(source) == {"readme": "not a picture (no suffix)"}
    np.testing.assert_array_equal(source.read("scan.001"), patch(8))


def test_nothing_to_read_is_one_sentence(place, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds no pictures \(1 entry passed over, such as notes\.txt: not a picture"):
        place(notes__txt=b"words").items()
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="is empty"):
        open_source(tmp_path / "empty")
    with pytest.raises(SourceError, match="does not exist"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="neither a folder nor"):
        open_source(folder(tmp_path, "one.png") / "one.png")


def test_kinds_and_options_that_do_not_exist(tmp_path: Path) -> None:
    folder(tmp_path, "a.png")
    with pytest.raises(SourceError, match="no kind of source called 'floder'"):
        open_source(tmp_path, kind="floder")
    with pytest.raises(SourceError, match="takes the options table, columns, empty, encoding, folders, not root"):
        open_source(tmp_path, options={"root": "x"})


def test_symbolic_links_are_followed_only_inside_the_root(tmp_path: Path) -> None:
    outside = folder(tmp_path / "outside", "secret.png")
    beside = folder(tmp_path / "root2", "secret.png")  # its path begins with the letters of the root's
    root = folder(tmp_path / "root", "TUM/a.png", "ADI/b.png")
    (root / "TUM" / "inside.png").symlink_to("a.png")
    (root / "TUM" / "out.png").symlink_to(outside / "secret.png")
    (root / "TUM" / "beside.png").symlink_to(beside / "secret.png")
    (root / "away").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "gone.png").symlink_to("nothing.png")
    (root / "labels.csv").symlink_to(folder(tmp_path, labels__csv=b"file,label\na.png,stolen\n") / "labels.csv")
    source = open_source(root)
    assert rows(source, "uri", "label") == [("ADI/b.png", "ADI"), ("TUM/a.png", "TUM"), ("TUM/inside.png", "TUM")]
    assert reasons(source) == {
        "TUM/out.png": "a link that leaves the folder",
        "TUM/beside.png": "a link that leaves the folder",
        "away": "a link that leaves the folder",
        "labels.csv": "a link that leaves the folder",
        "loop": "a link to a folder that is listed already",
        "gone.png": "a link to a file that is gone",
    }
    for uri in ("TUM/out.png", "TUM/beside.png", "away/secret.png", "../outside/secret.png", "../root2/secret.png"):
        with pytest.raises(ImageRejected, match="leaves the folder"):
            source.read(uri)
    np.testing.assert_array_equal(source.read("TUM/inside.png"), patch(8))


def test_named_pipes_and_undecodable_names_are_left_out(tmp_path: Path) -> None:
    root = folder(tmp_path / "root", "a.png")
    os.mkfifo(root / "pipe.png")
    (root / os.fsdecode(b"caf\xe9.png")).write_bytes(PNG)
    source = open_source(root)
    assert rows(source, "uri") == [("a.png",)]
    assert reasons(source) == {"pipe.png": "not a regular file", r"caf\udce9.png": "its name is not valid text; rename it"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_become_rejects(tmp_path: Path) -> None:
    root = folder(tmp_path / "root", "a.png", "shut/b.png", "c.png")
    (root / "shut").chmod(0)
    (root / "c.png").chmod(0)
    source = open_source(root)
    assert "Permission denied" in reasons(source)["shut/"]
    with pytest.raises(ImageRejected, match="Permission denied"):
        source.read("c.png")
    (root / "shut").chmod(0o700)


def test_a_file_larger_than_any_picture_is_not_read(place) -> None:
    source = place("a.png")
    limited = open_source(source.uri, limits=Limits(max_pixels=4))
    with pytest.raises(ImageRejected, match="more than any picture"):
        limited.read("a.png")


def test_a_picture_that_has_gone_is_a_reject(tmp_path: Path) -> None:
    source = open_source(folder(tmp_path, "a.png", "b.png"))
    source.items()
    (tmp_path / "a.png").unlink()
    with pytest.raises(ImageRejected, match="no such file"):
        source.read("a.png")


def test_a_zip_around_one_folder_is_that_folder(tmp_path: Path) -> None:
    csv = b"file,patient\nTUM/a.png,P1\n"
    path = zipped(tmp_path / "p.zip", "crc/data/TUM/a.png", "crc/data/ADI/b.png", **{"crc/data/labels__csv": csv})
    source = open_source(path)
    assert rows(source, "uri", "label", "patient") == [("crc/data/ADI/b.png", "ADI", None), ("crc/data/TUM/a.png", "TUM", "P1")]
    split = open_source(zipped(tmp_path / "s.zip", "train/TUM/a.png", "train/ADI/b.png"))
    assert rows(split, "split", "label") == [("train", "ADI"), ("train", "TUM")]


@pytest.mark.parametrize("name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "..\\evil.png", "C:\\evil.png", "c:/evil.png"])
def test_zip_slip_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeArchive, match="outside"):
        open_source(zipped(tmp_path / "p.zip", "a.png", name))


def test_a_member_that_unpacks_without_end_is_passed_over_and_a_blank_tile_is_not(tmp_path: Path) -> None:
    path = zipped(tmp_path / "p.zip", "a.png", zeros__png=bytes(5_000_000))
    source = open_source(path, limits=Limits(max_pixels=4_000_000))
    assert [item.uri for item in source.items()] == ["a.png"]
    assert ["bomb" in reject.reason and "EXPLORER_MAX_ARCHIVE_RATIO" in reject.reason for reject in source.rejects()] == [True]
    assert len(open_source(path, limits=Limits(max_pixels=5_000_000)).items()) == 2
    tile = encoded(np.full((1024, 1024, 3), 255, np.uint8), "TIFF")
    blank = open_source(zipped(tmp_path / "tile.zip", "a.png", blank__tif=tile))
    assert (blank.read("blank.tif") == 255).all() and list(blank.rejects()) == []


def test_an_archive_that_unpacks_to_too_many_bytes_is_refused(tmp_path: Path) -> None:
    many = zipped(tmp_path / "many.zip", *(f"{i}.png" for i in range(30)))
    with pytest.raises(UnsafeArchive, match="max_archive_bytes"):
        open_source(many, limits=Limits(max_archive_bytes=10 * len(PNG)))
    blank = encoded(np.full((256, 256, 3), 255, np.uint8), "BMP")
    assert len(open_source(zipped(tmp_path / "blank.zip", "a.png", blank__bmp=blank)).items()) == 2


def test_a_member_that_lies_about_its_size_is_cut_there(tmp_path: Path) -> None:
    path = zipped(tmp_path / "p.zip", "b.png", a__png=bytes(200_000))
    data = path.read_bytes()
    lie, truth = struct.pack("<I", 1000), struct.pack("<I", 200_000)
    path.write_bytes(data.replace(truth, lie))
    source = open_source(path)
    with pytest.raises(ImageRejected, match="damaged inside the archive"):
        source.read("a.png")
    np.testing.assert_array_equal(source.read("b.png"), patch(8))


def test_zip_members_that_cannot_be_read_become_rejects(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("a.png", PNG)
        archive.writestr("a.png", encoded(patch(8, seed=1), "PNG"))
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("locked.png", PNG)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"locked.png") - 46  # its entry in the central directory
    data[at + 8] |= 1
    path.write_bytes(bytes(data))
    source = open_source(path)
    assert rows(source, "uri") == [("a.png",)]
    np.testing.assert_array_equal(source.read("a.png"), patch(8))
    assert reasons(source) == {
        "a.png": "the archive holds this name twice; the first is used",
        "link.png": "a link, which is not followed inside an archive",
        "locked.png": "protected by a password",
    }
    with pytest.raises(ImageRejected):
        source.read("locked.png")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 but no more", b"\x1f\x8b\x08"])
def test_a_file_that_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "p.zip").write_bytes(data)
    with pytest.raises(SourceError, match="not a zip archive, or is damaged"):
        open_source(tmp_path / "p.zip")


def test_a_damaged_member_is_a_reject(tmp_path: Path) -> None:
    path = zipped(tmp_path / "p.zip", "a.png", "b.png")
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(bytes(data))
    source = open_source(path)
    assert len(source.items()) == 2
    with pytest.raises(ImageRejected, match="damaged inside the archive"):
        source.read("a.png")


def test_a_damaged_labels_csv_in_a_zip_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", PNG)
        archive.writestr("labels.csv", "file,label\na.png,TUM\n")
    path.write_bytes(path.read_bytes().replace(b",TUM", b",STR"))
    with pytest.raises(SourceError, match=r"labels\.csv in .* cannot be read \(damaged inside the archive\)"):
        open_source(path).items()


def test_real_folders_are_read_with_their_labels(shared_data: Path) -> None:
    crc5 = open_source(shared_data / "crc5")
    assert Counter(item.label for item in crc5.items()) == dict.fromkeys(
        ["adenocarcinoma", "healthy", "serrated_adenoma", "tubular_adenoma", "villous_adenoma"], 360
    )
    assert not crc5.rejects()
    regions: list[Item] = list(open_source(shared_data / "lymphnode_regions").items())
    assert {(item.patient, item.extra["node"]) for item in regions} == {("patient_101", "node_4")}
    odd = open_source(shared_data / "odd")
    assert len(odd.items()) == 51 and set(reasons(odd)) == {"files.csv", "test-ole-file.doc"}
    slides = open_source(shared_data / "slides")
    assert rows(slides, "uri") == [("boxes.tiff",)] and len(slides.rejects()) == 4


def test_a_list_of_names_does_not_make_a_folder_an_upload(tmp_path: Path) -> None:
    source = open_source(folder(tmp_path, "a.png", names__jsonl=b'{"stored": "x", "name": "y", "bytes": 1}\n'))
    assert source.kind == "folder"
    assert rows(source, "uri") == [("a.png",)]
    (tmp_path / ".explorer-upload.jsonl").write_text('{"stored": "x"}\n')
    assert open_source(tmp_path).kind == "folder"


@pytest.mark.parametrize(
    ("name", "reason"), [("gone.png", "there is no such file"), ("a\0b", "the file cannot be opened (not a file name)")]
)
def test_reject_reasons_fit_after_a_colon(tmp_path: Path, name: str, reason: str) -> None:
    """A collection puts the name of the picture and of itself before them, and what to do next behind."""
    with pytest.raises(ImageRejected) as caught:
        open_source(folder(tmp_path, "a.png")).read(name)
    assert caught.value.reason == reason
