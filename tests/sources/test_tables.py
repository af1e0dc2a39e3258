"""Manifest tables and HDF5 files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from bad_files import encoded, patch

from explorer.errors import ImageRejected, SourceError
from explorer.sources import open_source, reading_of
from explorer.types import Limits

PNG = encoded(patch(8), "PNG")


def pictures(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(PNG)
    return root


def table(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_mhist_columns_are_recognised(tmp_path: Path) -> None:
    pictures(tmp_path, "MHIST_aaa.png", "MHIST_aab.png")
    path = table(
        tmp_path / "annotations.csv",
        "Image Name,Majority Vote Label,Number of Annotators who Selected SSA (Out of 7),Partition\n"
        "MHIST_aaa.png,SSA,6,train\nMHIST_aab.png,HP,0,test\n",
    )
    first, second = open_source(path).items()
    assert (first.uri, first.label, first.split) == ("MHIST_aaa.png", "SSA", "train")
    assert dict(second.extra) == {"Number of Annotators who Selected SSA (Out of 7)": 0}


def test_every_field_by_its_own_name(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png")
    path = table(
        tmp_path / "t.tsv",
        "uri\tid\tlabel\tpatient\tslide\tsite\tsplit\tmpp\tx_px0\ty_px0\tside_px0\tmore\na.png\tid7\tL\tP\tS\tC\tval\t0.25\t10\t20\t512\tx\n",
    )
    (item,) = open_source(path).items()
    assert (item.id, item.label, item.patient, item.slide, item.site, item.split) == ("id7", "L", "P", "S", "C", "val")
    assert (item.mpp, item.x_px0, item.y_px0, item.side_px0, dict(item.extra)) == (0.25, 10, 20, 512, {"more": "x"})


@pytest.mark.parametrize(
    "header",
    [
        "Datei;Diagnose;Patienten-ID;Schnitt;Klinik",
        "Fichier;Catégorie;N° patient;Lame;Hôpital",
        "Archivo;Etiqueta;Paciente;Laminilla;Centro",
        "Bild;Klasse;Patient;Objektträger;Standort",
        "file;Diagnostic;Patient;Slide;Site",
    ],
)
def test_columns_named_in_other_languages_are_guessed_and_it_is_said(tmp_path: Path, header: str) -> None:
    root = pictures(tmp_path, "1.png", "2.png")
    (root / "labels.csv").write_text(f"{header}\n1.png;A;P1;S1;C1\n2.png;B;P2;S2;C2\n", encoding="utf-8")
    for source in (open_source(root), open_source(root / "labels.csv")):
        assert [(item.label, item.patient, item.slide, item.site) for item in source.items()] == [
            ("A", "P1", "S1", "C1"),
            ("B", "P2", "S2", "C2"),
        ]
        said = [note for note in reading_of(source).notes if "a guess by its name" in note]
        assert f"labels.csv: column {header.split(';')[1]!r} is taken for label, which is a guess by its name" in said


def test_english_names_of_columns_come_before_others(tmp_path: Path) -> None:
    root = pictures(tmp_path, "1.png")
    (root / "labels.csv").write_text("file,Diagnose,label\n1.png,long words,A\n")
    source = open_source(root)
    assert [(item.label, item.extra) for item in source.items()] == [("A", {"Diagnose": "long words"})]
    assert not any("guess" in note for note in reading_of(source).notes)


def test_a_mapping_names_the_columns_and_wins(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png")
    path = table(tmp_path / "t.csv", "label,Bild,Befund,nr\nwrong,a.png,tumour,0042\n")
    source = open_source(path, options={"columns": {"uri": "Bild", "label": "Befund", "patient": "nr"}})
    (item,) = source.items()
    assert (item.uri, item.label, item.patient, dict(item.extra)) == ("a.png", "tumour", "0042", {"label": "wrong"})
    assert open_source(source.uri, kind=source.kind, options=source.options).items() == source.items()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": {"uri": "Bild"}}, "no column 'Bild'"),
        ({"columns": {"picture": "a"}}, "none of our fields"),
        ({"columns": "a"}, r"""maps fields .*\{"uri": "my column"\}"""),
        ({"root": "nowhere"}, "not a folder"),
        ({"rot": "."}, "not rot"),
        ({}, r"""no column known to hold paths.*\{"uri": "my column"\}"""),
    ],
)
def test_invalid_options_are_refused(tmp_path: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        open_source(table(tmp_path / "t.csv", "a,b\n1,2\n"), options=options).items()


def test_rows_that_cannot_be_taken_are_said(tmp_path: Path) -> None:
    root = pictures(tmp_path / "data", "a.png", "b.png", "sub/c.png")
    pictures(tmp_path, "outside.png", "data2/beside.png")  # beside the root ``data``, with the same first letters
    (root / "link.png").symlink_to(tmp_path / "outside.png")
    (root / "link2.png").symlink_to(tmp_path / "data2" / "beside.png")
    (root / "notes.txt").write_text("words")
    said = [
        "a.png",
        str(root / "b.png"),
        "sub\\c.png",
        "./a.png",
        "../outside.png",
        "/etc/passwd",
        "link.png",
        "link2.png",
        str(tmp_path / "data2" / "beside.png"),
        "gone.png",
        "notes.txt",
        "sub",
    ]
    path = table(root / "t.csv", "file,n\n" + "".join(f"{name},{n}\n" for n, name in enumerate(said)) + '"",9\n')
    source = open_source(path)
    assert [item.uri for item in source.items()] == ["a.png", "b.png", "sub/c.png"]
    assert [reject.reason for reject in source.rejects()] == [
        "named twice in the table; the first row counts",
        "its path leaves the folder (the option root can name a wider one)",
        "its path leaves the folder (the option root can name a wider one)",
        "its path leaves the folder",
        "its path leaves the folder",
        "its path leaves the folder (the option root can name a wider one)",
        "there is no such file",
        "not a picture (.txt)",
        "there is no such file",
        "the row names no file",
    ]
    for uri in ("../outside.png", "link.png", "link2.png", "../data2/beside.png"):
        with pytest.raises(ImageRejected, match="leaves the folder"):
            source.read(uri)


def test_root_is_seen_from_the_table(tmp_path: Path) -> None:
    pictures(tmp_path, "images/a.png")
    path = table(tmp_path / "lists" / "t.csv", "file\nimages/a.png\n")
    with pytest.raises(SourceError, match="no pictures"):
        open_source(path).items()
    source = open_source(path, options={"root": ".."})
    assert [item.uri for item in source.items()] == ["images/a.png"]
    np.testing.assert_array_equal(source.read("images/a.png"), patch(8))


def test_parquet_keeps_types_and_missing_values(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png")
    frame = pd.DataFrame(
        {
            "path": ["a.png", "b.png"],
            "case_id": pd.array([17, None], dtype="Int64"),
            "grade": [1.5, np.nan],
            "when": pd.to_datetime(["2024-01-01", None]),
            "vector": [np.ones(3), np.zeros(3)],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    first, second = open_source(tmp_path / "t.parquet").items()
    assert (first.patient, second.patient) == ("17", None)
    assert (first.extra["grade"], second.extra["grade"], second.extra["when"]) == (1.5, None, None)
    assert (first.extra["when"], first.extra["vector"]) == ("2024-01-01T00:00:00", "[1.0, 1.0, 1.0]")


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(SourceError, match="cannot be read"):
        open_source(tmp_path / name).items()


def test_identifiers_stay_as_written(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png")
    path = table(
        tmp_path / "t.csv",
        "file,patient,code,long,number,share,dash,empty\na.png,1E5,001,1234567890123456789,12,.5,-,\nb.png,3.10,2,2,,1e3,-,\n",
    )
    items = open_source(path).items()
    assert [item.patient for item in items] == ["1E5", "3.10"]
    assert [repr(dict(item.extra)) for item in items] == [
        repr({"code": "001", "long": "1234567890123456789", "number": 12, "share": 0.5, "dash": "-", "empty": None}),
        repr({"code": "2", "long": "2", "number": None, "share": 1000.0, "dash": "-", "empty": None}),
    ]


def hdf5(path: Path, **arrays: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


def test_patchcamelyon_with_its_meta_table(tmp_path: Path) -> None:
    stem = "camelyonpatch_level_2_split_train"
    x = np.stack([patch(16, seed=seed) for seed in range(3)])
    path = hdf5(tmp_path / f"{stem}_x.h5", x=x)
    hdf5(tmp_path / f"{stem}_y.h5", y=np.array([1, 0, 1], np.uint8).reshape(3, 1, 1, 1))
    (tmp_path / f"{stem}_meta.csv").write_text(
        ",coord_y,coord_x,tumor_patch,center_tumor_patch,wsi\n"
        + "".join(f"{row},{row},{row},True,True,camelyon16_train_tumor_03{row}\n" for row in range(3))
    )
    items = open_source(path).items()
    assert [(item.uri, item.label, item.split, item.slide) for item in items] == [
        ("x[0]", "tumor", "train", "camelyon16_train_tumor_030"),
        ("x[1]", "no_tumor", "train", "camelyon16_train_tumor_031"),
        ("x[2]", "tumor", "train", "camelyon16_train_tumor_032"),
    ]
    assert items[2].extra["coord_x"] == 2


def test_labels_of_hdf5_files_other_than_patchcamelyon(tmp_path: Path) -> None:
    x = np.zeros((2, 8, 8, 3), np.uint8)
    assert [item.label for item in open_source(hdf5(tmp_path / "a.h5", x=x)).items()] == [None, None]
    assert [item.label for item in open_source(hdf5(tmp_path / "b.h5", x=x, y=np.array([0, 1]))).items()] == ["0", "1"]
    named = hdf5(tmp_path / "c.h5", x=x, y=np.array([b"TUM", b"STR"]))
    assert [item.label for item in open_source(named).items()] == ["TUM", "STR"]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": np.zeros((2, 8, 8, 3), np.uint8)}, "no dataset x"),
        ({"x": np.zeros((2, 8, 8), np.uint8)}, "should be"),
        ({"x": np.zeros((2, 3, 8, 8), np.uint8)}, "should be"),
        ({"x": np.zeros((2, 8, 8, 3), np.float32)}, "should be"),
        ({"x": np.zeros((0, 8, 8, 3), np.uint8)}, "should be"),
        ({"x": np.zeros((2, 8, 8, 3), np.uint8), "y": np.zeros(3)}, "belong together"),
    ],
)
def test_hdf5_of_another_layout(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        open_source(hdf5(tmp_path / "a.h5", **arrays)).items()


def test_oversized_and_damaged_hdf5_files_are_refused(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "a.h5", x=np.zeros((2, 8, 8, 3), np.uint8))
    with pytest.raises(SourceError, match="max_pixels"):
        open_source(path, limits=Limits(max_pixels=63))
    (tmp_path / "b.h5").write_bytes(b"not HDF5")
    with pytest.raises(SourceError, match="not an HDF5 file"):
        open_source(tmp_path / "b.h5")
    (tmp_path / "c.h5").write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SourceError, match="not an HDF5 file, or is damaged"):
        open_source(tmp_path / "c.h5")


def test_a_damaged_part_of_an_hdf5_file_is_a_reject(tmp_path: Path) -> None:
    x = np.stack([patch(32, seed=seed) for seed in range(4)])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("x", data=x, chunks=(1, 32, 32, 3), compression="gzip", fletcher32=True)
        info = data.id.get_chunk_info(2)
    whole = bytearray((tmp_path / "a.h5").read_bytes())
    whole[info.byte_offset + 50] ^= 0xFF
    (tmp_path / "a.h5").write_bytes(bytes(whole))
    source = open_source(tmp_path / "a.h5")
    with pytest.raises(ImageRejected, match="damaged"):
        source.read("x[2]")
    np.testing.assert_array_equal(source.read("x[3]"), x[3])
