"""Tables, folders, zips and uploads built from a description: whatever their shape, nothing is lost and nothing is changed.

For each: pictures and what was passed over are what is there; every line of a table is counted once; each label, patient and
number comes back as it was written; reading twice gives the same; nothing but a ``SourceError`` of one short sentence is raised.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picture_files import PNG, written
from table_files import workbook

from explorer.errors import SourceError
from explorer.sources import open_source, reading_of
from explorer.sources.cell_values import EMPTY_WORDS
from explorer.sources.delimited import parse
from explorer.sources.table_reader import read_table
from explorer.types import Item, Source

IN_CI = os.environ.get("CI", "").lower() in ("true", "1")
BOUNDED = settings(
    max_examples=40 if IN_CI else int(os.environ.get("EXPLORER_WIDE_EXAMPLES", "60")),
    derandomize=IN_CI,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

LETTERS = "abcXYZ019 äßéÖ癌−_-.'"
WORDS = (
    st.text(LETTERS, min_size=1, max_size=8)
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: text and text.casefold() not in EMPTY_WORDS)
)
LABELS = st.one_of(WORDS, st.sampled_from(["TUM, poorly", 'so-called "normal"', "two\nlines", "1", "007", "=cmd", "<b>", "0.10"]))
PATIENTS = st.one_of(st.integers(0, 2**63 - 1), st.sampled_from([90071992547409931, 90071992547409933])).map(str)
NUMBERS = st.one_of(st.integers(-(10**12), 10**12), st.floats(-1e6, 1e6).map(lambda value: round(value, 3)))
NAMES = st.lists(st.text("abcdeäé0123_", min_size=1, max_size=8), min_size=2, max_size=7, unique_by=lambda text: text.casefold())
FOLDERS = st.sampled_from(["", "tiles/", "outer folder/tiles/", "A/", "train/"])
SOURCES = st.sampled_from(["folder", "zip", "upload"])
FORMS = st.sampled_from(["csv", "semicolon", "tab", "utf-16", "bom", "cr", "gzip", "quoted", "parquet", "sep", "titled", "workbook"])


def table_bytes(form: str, rows: list[dict[str, object]]) -> tuple[str, bytes]:
    """The name and the bytes of a table in a form people bring."""
    if form == "parquet":
        out = io.BytesIO()
        pq.write_table(pa.Table.from_pylist([{**row, "patient": int(str(row["patient"]))} for row in rows]), out)
        return "labels.parquet", out.getvalue()
    if form == "workbook":
        cells: list[list[object]] = [list(rows[0]), *([row[name] for name in row] for row in rows)]
        return "labels.xlsx", workbook(cells)
    separator = {"semicolon": ";", "tab": "\t", "utf-16": "\t", "sep": "|"}.get(form, ",")
    text = io.StringIO()
    writer = csv.DictWriter(
        text,
        list(rows[0]),
        delimiter=separator,
        lineterminator={"cr": "\r", "tab": "\r\n"}.get(form, "\n"),
        quoting=csv.QUOTE_ALL if form in ("quoted", "cr") else csv.QUOTE_MINIMAL,
    )
    writer.writeheader()
    writer.writerows(rows)
    above = {"sep": "sep=|\n", "titled": "# made by hand\nCohort of 2024,,,\n"}.get(form, "")
    written_text = above + text.getvalue()
    data = written_text.encode({"utf-16": "utf-16", "bom": "utf-8-sig"}.get(form, "utf-8"))
    return ("labels.csv.gz", gzip.compress(data)) if form == "gzip" else ("labels.csv", data)


def described(data: st.DataObject, names: list[str]) -> list[dict[str, object]]:
    """A row for each picture, named in one of the ways people name them."""
    return [
        {
            "file": data.draw(st.sampled_from([f"{name}.png", f"/mnt/x/{name}.png", f"C:\\data\\{name}.png", f"{name}.PNG", name])),
            "label": data.draw(LABELS),
            "patient": data.draw(PATIENTS),
            "score": data.draw(NUMBERS),
        }
        for name in names
    ]


def assert_as_written(items: Sequence[Item], rows: list[dict[str, object]], names: list[str]) -> None:
    """Each label, patient and number is that of the row of its picture."""
    by_name = {Path(item.uri).stem: item for item in items}
    assert set(by_name) == set(names)
    for name, row in zip(names, rows, strict=True):
        item, number = by_name[name], float(str(row["score"]))
        assert (item.label, item.patient) == (str(row["label"]), str(row["patient"]))
        assert item.extra["score"] == number or item.extra["score"] == str(row["score"])


def assert_the_same_again(source: Source) -> None:
    """Reading twice gives the same."""
    again = open_source(source.uri, kind=source.kind, options=source.options)
    assert again.items() == source.items() and again.rejects() == source.rejects() and reading_of(again) == reading_of(source)


@BOUNDED
@given(st.data(), FORMS, FOLDERS, NAMES)
def test_a_manifest_gives_back_every_row_as_written(data: st.DataObject, form: str, folder: str, names: list[str]) -> None:
    rows = described(data, names)
    gone = data.draw(st.integers(0, len(names) - 1))
    table_name, table = table_bytes(form, rows)
    there = names[:gone] + names[gone + 1 :]
    with tempfile.TemporaryDirectory() as place:
        root = written("folder", Path(place), {f"{folder}{name}.png": PNG for name in there} | {table_name: table})
        source = open_source(root / table_name)
        assert_as_written(source.items(), rows[:gone] + rows[gone + 1 :], there)
        assert [reject.uri for reject in source.rejects()] == [rows[gone]["file"]]
        (reading,) = reading_of(source).tables
        assert (reading.lines, reading.matched, reading.unmatched) == (len(rows), len(there), 1)
        assert_the_same_again(source)


@BOUNDED
@given(st.data(), SOURCES, FORMS, FOLDERS, NAMES)
def test_values_come_back_as_written(data: st.DataObject, kind: str, form: str, folder: str, names: list[str]) -> None:
    rows = described(data, names)
    table_name, table = table_bytes(form, rows)
    files = {f"{folder}{name}.png": PNG for name in names} | {folder + table_name: table, "notes.doc": b"words"}
    with tempfile.TemporaryDirectory() as place:
        source = open_source(written(kind, Path(place), files))
        items = source.items()
        assert len(items) + len(source.rejects()) == len(files) - 1, "every file is a picture, passed over, or the one table"
        assert_as_written(items, rows, names)
        (reading,) = reading_of(source).tables
        assert reading.lines == reading.matched == len(rows)
        assert_the_same_again(source)
        json.dumps(reading_of(source).to_json(), allow_nan=False)


@BOUNDED
@given(st.data(), SOURCES, FOLDERS, NAMES)
def test_every_line_and_every_file_is_accounted_for(data: st.DataObject, kind: str, folder: str, names: list[str]) -> None:
    pictures = [f"{folder}{data.draw(st.sampled_from(['', 'A/', 'B/', 'A/deep/']))}{name}.png" for name in names]
    lines = data.draw(
        st.lists(st.sampled_from([*pictures, *(f"{name}.png" for name in names), *names, "gone.png", "", "x/y.jpg"]), max_size=9)
    )
    table = "file,label\n" + "".join(f"{line},L{number}\n" for number, line in enumerate(lines))
    junk = data.draw(st.sets(st.sampled_from(["Thumbs.db", ".hidden.png", "slide.svs", "notes.txt", "cohort.csv"])))
    files = dict.fromkeys(pictures, PNG) | {folder + "labels.csv": table.encode()} | dict.fromkeys(junk, b"file,x\n")
    with tempfile.TemporaryDirectory() as place:
        source = open_source(written(kind, Path(place), files))
        try:
            items = source.items()
        except SourceError as error:
            assert len(str(error)) < 300 and "labels.csv" in str(error) and "\n" not in str(error)
            return
        assert sorted(item.uri for item in items) == sorted(pictures)
        assert {reject.uri for reject in source.rejects()} == junk
        (reading,) = reading_of(source).tables
        counted = reading.matched + reading.repeated + reading.ambiguous + reading.unmatched + reading.empty
        assert reading.lines == counted == len(lines)
        labelled = [item for item in items if (item.label or "").startswith("L")]
        assert len(labelled) == reading.matched and len({item.label for item in labelled}) == len(labelled)
        assert all(len(note) < 300 and "\n" not in note for note in reading_of(source).notes)
        assert_the_same_again(source)


@BOUNDED
@given(st.lists(st.lists(st.text('ab ,"', max_size=6), min_size=3, max_size=3), min_size=1, max_size=8))
def test_any_quotation_marks_keep_every_line_or_are_refused_with_the_line(rows: list[list[str]]) -> None:
    """Cells are written without any quoting, so commas and marks stand wherever they happen to fall."""
    text = "file,label,note\n" + "".join(f"f{number}{','.join(row)}\n" for number, row in enumerate(rows))
    try:
        found = parse(text, what="labels.csv")
    except SourceError as error:
        assert "ine " in str(error) and len(str(error)) < 300
        return
    spanned = sum(cell.count("\n") for row in found.rows for cell in row)
    assert len(found.rows) + spanned == len(rows), "a record that runs over lines counts for all of them"
    assert all(row[0].startswith(("f", '"f')) for row in found.rows)


@BOUNDED
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"file,label\na.png,", b"\xff\xfe", b"PAR1", b"PK\x03\x04", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0"]),
)
def test_any_bytes_are_a_table_or_one_short_sentence(data: bytes, start: bytes) -> None:
    try:
        table = read_table(start + data, name="labels.csv")
    except SourceError as error:
        assert len(str(error)) < 300 and "\n" not in str(error)
        return
    assert all(len(cells) == len(table) for cells in table.columns.values())


@BOUNDED
@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**64 - 1)), min_size=1, max_size=6), st.booleans())
def test_whole_numbers_of_any_size_keep_their_digits(values: list[int | None], as_patient: bool) -> None:
    fits_signed = all(value is None or value < 2**63 for value in values)
    fits_unsigned = all(value is None or value >= 0 for value in values)
    if not (fits_signed or fits_unsigned):
        values = [value for value in values if value is None or value >= 0] or [0]
    kind = pa.int64() if all(value is None or value < 2**63 for value in values) else pa.uint64()
    column = "patient" if as_patient else "hash"
    table = pa.table({"file": [f"{row}.png" for row in range(len(values))], column: pa.array(values, kind)})
    with tempfile.TemporaryDirectory() as place:
        for row in range(len(values)):
            Path(place, f"{row}.png").write_bytes(PNG)
        pq.write_table(table, Path(place, "t.parquet"))
        items = open_source(Path(place, "t.parquet")).items()
    found = [item.patient if as_patient else item.extra[column] for item in items]
    assert [None if value is None else str(value) for value in found] == [None if value is None else str(value) for value in values]
