"""``explorer inspect`` and what the other commands say of tables: in the terminal, in JSON, and in the record of the collection."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from picture_files import contents, write_folder

from explorer.cli import main
from explorer.collection import open_collection


@pytest.fixture
def place(tmp_path: Path) -> Path:
    table = "file,label,patient,mpp\n1,A,P1,0.5\n2,B,NA,0.5\n9,B,P9,0.5\n"
    return write_folder(tmp_path / "files", contents("1.png", "2.png", labels__csv=table))


def run(*arguments: str, home: Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["--home", str(home), *arguments])
    return result.exit_code, result.output


def test_what_was_understood_is_printed_before_anything_is_built(place: Path, tmp_path: Path) -> None:
    code, output = run("inspect", str(place), home=tmp_path / "home")
    assert code == 0 and not (tmp_path / "home").exists()
    assert "folder: 2 pictures, 0 files passed over" in output and "labels: 2 on 2 pictures: A 1, B 1" in output
    assert 'labels.csv (text separated by ",", UTF-8): 3 lines; 2 matched, 1 names no picture' in output
    assert "names no picture  nearest are\n9                 1.png, 2.png" in output
    assert "file     name of the picture" in output and "- labels.csv: patient is not known in 1 line (NA)" in output


def test_the_first_lines_without_a_picture_are_printed_and_the_others_counted(tmp_path: Path) -> None:
    table = "file\n1.png\n" + "".join(f"gone_{row}.png\n" for row in range(12))
    source = write_folder(tmp_path / "files", contents("1.png", labels__csv=table))
    _, output = run("inspect", str(source), home=tmp_path / "home")
    assert "gone_9.png" in output and "gone_10.png" not in output and "... and 2 more; --json lists 12 of them" in output
    assert "labels: none" in output


def test_one_file_passed_over_is_said_in_the_singular(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "files", contents("1.png", notes__docx="x"))
    code, output = run("inspect", str(source), home=tmp_path / "home")
    assert code == 0 and "folder: 1 picture, 1 file passed over" in output


def test_files_passed_over_are_named_with_the_reason(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "files", contents("1.png", **{f"notes_{n:02}__docx": "x" for n in range(12)}))
    _, output = run("inspect", str(source), home=tmp_path / "home")
    assert "passed over notes_09.docx: not a picture (.docx)" in output and "notes_10" not in output
    assert "... and 2 more; --json lists them all" in output
    _, document = run("inspect", str(source), "--json", home=tmp_path / "home")
    assert len(json.loads(document)["passed_over"]) == 12


def test_a_table_of_no_lines_is_printed_as_such(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "files", contents("1.png", labels__csv="file,label\n"))
    _, output = run("inspect", str(source), home=tmp_path / "home")
    assert 'labels.csv (text separated by ",", UTF-8): 0 lines\n' in output and "1 of 1 picture has no line in labels.csv" in output


def test_the_same_as_json_with_a_mapping_of_columns(place: Path, tmp_path: Path) -> None:
    code, output = run("inspect", str(place), "--json", "--option", 'columns={"slide": "patient", "patient": null}', home=tmp_path)
    reading = json.loads(output)
    assert code == 0 and reading["distinct"] == {"label": 2, "patient": 0, "slide": 1, "site": 0, "split": 0}
    assert [(column["name"], column["taken_for"]) for column in reading["tables"][0]["columns"]] == [
        ("file", "uri"),
        ("label", "label"),
        ("patient", "slide"),
        ("mpp", "mpp"),
    ]


def test_the_notes_are_said_when_it_is_built_and_kept_with_the_collection(place: Path, tmp_path: Path) -> None:
    code, output = run("ingest", str(place), "--name", "c", home=tmp_path / "home")
    assert code == 0 and "1 of 3 lines of labels.csv names no picture, such as '9'" in output
    reading = open_collection("c", home=tmp_path / "home").record["reading"]
    assert reading["tables"][0]["names_without_picture"] == ["9"] and reading["pictures"] == 2


def test_a_table_that_cannot_be_read_is_one_sentence(place: Path, tmp_path: Path) -> None:
    (place / "labels.csv").write_text("file,label,label\n1,A,B\n")
    code, output = run("inspect", str(place), home=tmp_path)
    assert code == 1 and output == "explorer: labels.csv has 2 columns called 'label'; rename all but one.\n"
