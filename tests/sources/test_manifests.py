"""Manifest tables: paths that lead elsewhere, pictures inside the table, and what is not to be read at all."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bad_files import encoded, patch
from picture_files import PNG, contents, fields, write_folder

from explorer.errors import ImageRejected, SourceError
from explorer.sources import open_source, reading_of


def test_paths_that_go_up_are_read_where_the_root_holds_them(tmp_path: Path) -> None:
    write_folder(tmp_path, contents("images/1.png", "images/2.png"))
    table = tmp_path / "metadata" / "cohort.csv"
    table.parent.mkdir()
    table.write_text("path,label\n../images/1.png,A\n../images/2.png,B\n")
    with pytest.raises(
        SourceError, match=r"All 2 paths in cohort\.csv leave its folder, such as \.\./images/1\.png; say --option root=\.\. "
    ):
        open_source(table).items()
    assert fields(open_source(table, options={"root": ".."}), "label") == {"images/1.png": ("A",), "images/2.png": ("B",)}
    assert fields(open_source(table, options={"root": "../images"}), "label") == {"1.png": ("A",), "2.png": ("B",)}


def test_an_identifier_names_the_files_where_no_column_holds_paths(tmp_path: Path) -> None:
    write_folder(tmp_path, contents("img/t1.png", "img/t2.png", t__csv="image_id,age,label\nt1,61,A\nt2,62,B\n"))
    assert fields(open_source(tmp_path / "t.csv"), "label") == {"img/t1.png": ("A",), "img/t2.png": ("B",)}


@pytest.mark.parametrize(("rows", "words"), [(1, "the only line does not name a file"), (3, "none of the 3 lines names a file")])
def test_a_table_whose_files_are_not_there_is_refused_with_the_nearest_names(tmp_path: Path, rows: int, words: str) -> None:
    lines = "".join(f"old/slide_{row}.png\n" for row in range(rows))
    write_folder(tmp_path, contents("new/slide-0.png", "new/other.png", t__csv=f"path\n{lines}"))
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / "t.csv").items()
    message = str(caught.value)
    assert words in message and "'old/slide_0.png' is not, nearest are new/slide-0.png" in message and len(message) < 300


def test_paths_of_another_machine_letter_case_and_unicode_form_are_found(tmp_path: Path) -> None:
    write_folder(tmp_path, contents("pics/Pra\u0308p.png", "pics/b.png", "pics/c.png"))
    table = tmp_path / "t.csv"
    table.write_text("file,label\npics/Pr\u00e4p.png,A\nD:\\study\\pics\\b.png,B\npics/C.PNG,C\nd.png,D\n", encoding="utf-8")
    source = open_source(table)
    assert fields(source, "label") == {"pics/Pra\u0308p.png": ("A",), "pics/b.png": ("B",), "pics/c.png": ("C",)}
    assert [(reject.uri, reject.reason) for reject in source.rejects()] == [("d.png", "there is no such file")]
    assert any("1 of 4 lines of t.csv names no file, such as 'd.png'" in note for note in reading_of(source).notes)


@pytest.mark.parametrize("name", ["t.csv.gz", "t.txt", "t.TSV"])
def test_packed_tables_and_text_files_are_tables(tmp_path: Path, name: str) -> None:
    data = b"file\tlabel\n1.png\tA\n"
    write_folder(tmp_path, contents("1.png") | {name: gzip.compress(data) if name.endswith(".gz") else data})
    assert fields(open_source(tmp_path / name), "label") == {"1.png": ("A",)}


@pytest.mark.parametrize(
    ("name", "words"), [("p.tar.gz", "unpack it"), ("p.7z", "unpack it"), ("x.h5.gz", "gunzip x.h5.gz"), ("a.png", "one picture")]
)
def test_what_is_no_source_is_named_with_the_remedy(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"\x1f\x8b\x08")
    with pytest.raises(SourceError, match=words):
        open_source(tmp_path / name)


@pytest.mark.parametrize("form", ["struct", "binary"])
def test_pictures_inside_a_table_are_read(tmp_path: Path, form: str) -> None:
    """As Hugging Face ``datasets`` writes them: bytes and the name of the file, and the class as a number."""
    data = [encoded(patch(8, seed=seed), "PNG") for seed in range(3)]
    cells = [*data[:2], None]
    image = pa.array([None if cell is None else {"bytes": cell, "path": f"x_{row}.png"} for row, cell in enumerate(cells)])
    column = image if form == "struct" else pa.array(cells, pa.binary())
    pq.write_table(pa.table({"image": column, "label": [0, 1, 1]}), tmp_path / "train.parquet")
    source = open_source(tmp_path / "train.parquet")
    assert fields(source, "label") == {"row[0]": ("0",), "row[1]": ("1",)}
    assert [reject.uri for reject in source.rejects()] == ["row[2]"]
    np.testing.assert_array_equal(source.read("row[1]"), patch(8, seed=1))
    for uri in ("row[2]", "row[3]", "row[-1]", "x_0.png"):
        with pytest.raises(ImageRejected):
            source.read(uri)


def test_a_cell_as_long_as_a_picture_is_no_path_and_makes_no_long_sentence(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": ["x" * 50_000 + ".png"], "label": [1]}), tmp_path / "t.parquet")
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / "t.parquet").items()
    assert len(str(caught.value)) < 300


def test_a_manifest_without_names_of_columns_loses_no_first_line(tmp_path: Path) -> None:
    write_folder(tmp_path, contents("1.png", "2.png", t__csv="1.png,A\n2.png,B\n"))
    with pytest.raises(SourceError, match=r"t\.csv begins with a picture \(1\.png\)"):
        open_source(tmp_path / "t.csv").items()


def test_the_column_whose_paths_are_there_is_taken(tmp_path: Path) -> None:
    write_folder(tmp_path, contents("1.png", "2.png", t__csv="path,where,label\n/data,1.png,A\n/data,2.png,B\n"))
    assert fields(open_source(tmp_path / "t.csv"), "label") == {"1.png": ("A",), "2.png": ("B",)}


def test_each_line_without_a_file_has_the_nearest_pictures_that_no_line_names(tmp_path: Path) -> None:
    for name in ("tile_1.png", "tile_2.png", "tile_3.png", "tile_9.csv"):
        (tmp_path / name).write_bytes(PNG)
    (tmp_path / "t.csv").write_text("file,label\ntile_1.png,A\ntile_1.png,B\ntile_9x.png,C\n,D\n")
    (table,) = reading_of(open_source(tmp_path / "t.csv")).tables
    assert (table.lines, table.matched, table.repeated, table.unmatched, table.empty) == (4, 1, 1, 1, 1)
    assert table.names_without_picture == ("tile_9x.png",)
    assert set(table.nearest_pictures[0]) == {"tile_2.png", "tile_3.png"}


def test_a_file_that_one_row_names_exactly_is_not_given_to_a_row_that_names_it_nearly(tmp_path: Path) -> None:
    (tmp_path / "01.png").write_bytes(PNG)
    (tmp_path / "t.csv").write_text("file,label\n1.png,A\n01.png,B\n")
    source = open_source(tmp_path / "t.csv")
    assert [(item.uri, item.label) for item in source.items()] == [("01.png", "B")]
    assert [(reject.uri, reject.reason) for reject in source.rejects()] == [("1.png", "there is no such file")]


def test_names_that_fit_several_files_are_listed_with_these(tmp_path: Path) -> None:
    write_folder(tmp_path, contents("p/A/0.png", "p/B/0.png", "p/B/1.png", t__csv="file,label\n0.png,X\n1.png,Y\n9.png,Z\n"))
    source = open_source(tmp_path / "t.csv")
    (table,) = reading_of(source).tables
    assert (table.lines, table.matched, table.ambiguous, table.unmatched) == (3, 1, 1, 1)
    assert table.ambiguous_names == ("0.png",) and table.fitting_pictures == (("p/A/0.png", "p/B/0.png"),)
    assert table.names_without_picture == ("9.png",)
    assert {reject.uri: reject.reason for reject in source.rejects()} == {
        "0.png": "it fits several files; give its path with the folder",
        "9.png": "there is no such file",
    }
    assert (
        "1 of 3 lines of t.csv does not name one file, such as '0.png' (p/A/0.png and p/B/0.png); give paths with their folder"
        in reading_of(source).notes
    )
