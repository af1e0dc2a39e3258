"""The reader of tables: encodings, separators, quotation marks, lines, workbooks and Parquet; nothing is lost in silence."""

from __future__ import annotations

import gzip
import io
import json
from datetime import date, datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from table_files import workbook

from explorer.errors import SourceError
from explorer.sources.metadata import convert, find_columns
from explorer.sources.table_reader import Table, read_table
from explorer.sources.table_text import check_encoding

GERMAN = "Datei;Diagnose;Größe (µm)\na.png;Präkanzerose;5,5\nb.png;Drüse;0,25\n"


def read(data: bytes | str, name: str = "labels.csv") -> Table:
    return read_table(data.encode() if isinstance(data, str) else data, name=name)


def converted(data: bytes | str) -> Table:
    table = read(data)
    return convert(table, find_columns(table.columns))


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


# -- encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_with_a_known_encoding_is_read_as_written(encoding: str) -> None:
    table = read(GERMAN.encode(encoding))
    assert table.columns["Diagnose"] == ["Präkanzerose", "Drüse"]
    assert not table.notes and encoding.upper().removesuffix("-SIG") in table.form


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_without_a_mark_is_guessed_and_said(encoding: str) -> None:
    table = read(GERMAN.encode(encoding))
    assert table.columns["Diagnose"] == ["Präkanzerose", "Drüse"] and "a guess" in table.notes[0]


@pytest.mark.parametrize("at", [3, 300])
def test_one_zero_byte_is_refused_with_its_line_and_is_no_utf_16(at: int) -> None:
    text = "file,label\n" + "".join(f"{row}.png,Drüse{chr(0) if row == at else ''}\n" for row in range(400))
    with pytest.raises(SourceError, match=f"holds zero bytes, first in line {at + 2}"):
        read(text.encode())


@pytest.mark.parametrize(
    ("text", "encoding", "words"),
    [
        (GERMAN, "cp1252", "Windows-1252"),
        (GERMAN, "mac_roman", "MacRoman"),
        ("file,label\na.png,cáncer\nb.png,año\n", "mac_roman", "MacRoman"),
        ("file,size µm\na.png,3\n", "cp1252", "Windows-1252"),
        ("file,label\na.png,zdravá tkáň\nb.png,nádor žláz\n", "cp1250", "Windows-1250"),
        ("file,label\na.png,rak złośliwy\nb.png,łagodny\n", "cp1250", "Windows-1250"),
        ("file,label\na.png,sağlıklı\nb.png,tümör hücresi\n", "cp1254", "Windows-1254"),
        ("file,label\na.png,Опухоль\nb.png,Норма\n", "cp1251", "Windows-1251"),
        ("file,label\na.png,良性腫瘤\nb.png,惡性腫瘤\n", "big5", "Big5"),
        ("file,label\na.png,腺癌\nb.png,正常粘膜\n", "cp932", "Shift JIS"),
        ("file,label\na.png,선암\nb.png,정상\n", "cp949", "Korean"),
        ("fichier,étiquette\na.png,tumeur bénigne\n", "cp1252", "Windows-1252"),
        ("file,label\na.png,腺癌\nb.png,正常黏膜\n", "gb18030", "GB18030"),
        ("file,label\na.png,аденокарцинома\n", "cp1251", "Windows-1251"),
        ("file,label\na.png,żołądek\nb.png,łagodny\n", "cp1250", "Windows-1250"),
        ("文件,标签\na.png,癌\n", "gb18030", "GB18030"),
    ],
)
def test_an_encoding_that_is_not_announced_is_guessed_and_said(text: str, encoding: str, words: str) -> None:
    table = read(text.encode(encoding))
    expected = [line.split(";" if ";" in text else ",") for line in text.splitlines()]
    assert [list(table.columns), *map(list, zip(*table.columns.values(), strict=True))] == expected
    assert words in table.notes[0] and "a guess" in table.notes[0]


def test_an_encoding_that_is_given_is_taken_and_an_unknown_one_refused() -> None:
    data = "file,label\na.png,Größe\n".encode("mac_roman")
    table = read_table(data, name="labels.csv", encoding="mac_roman")
    assert table.columns["label"] == ["Größe"] and not table.notes
    with pytest.raises(SourceError, match="was said to be UTF-8 but is none from byte"):
        read_table(data, name="labels.csv", encoding="utf-8")
    with pytest.raises(SourceError, match="There is no encoding 'utf-99'"):
        check_encoding("utf-99")


def test_utf_8_with_a_broken_character_stays_utf_8_and_is_said() -> None:
    data = ("file,label\n" + "".join(f"{row}.png,Drüse\n" for row in range(20))).encode() + b"x.png,Dr\xfcse\n"
    table = read(data)
    assert table.columns["label"] == ["Drüse"] * 20 + ["Dr\ufffdse"]
    assert "UTF-8 in which 1 character is broken" in table.notes[0]


def test_text_that_breaks_off_in_its_announced_encoding_is_refused() -> None:
    with pytest.raises(SourceError, match="announces UTF-16 but is none"):
        read(GERMAN.encode("utf-16")[:-1])


# -- separators and lines


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_and_line_ends(separator: str, end: str) -> None:
    table = read(end.join(separator.join(row) for row in (["file", "label", "note"], ["a.png", "A", "x"], ["b.png", "B", ""])))
    assert dict(table.columns) == {"file": ["a.png", "b.png"], "label": ["A", "B"], "note": ["x", None]}
    assert list(table.lines) == [2, 3]


def test_a_line_that_announces_the_separator_is_obeyed() -> None:
    assert dict(read("sep=;\nfile;a,b\nx.png;1,2\n").columns) == {"file": ["x.png"], "a,b": ["1,2"]}
    assert dict(read('"sep=|"\r\nfile|b\r\nx.png|1\r\n').columns) == {"file": ["x.png"], "b": ["1"]}


def test_a_comma_in_a_field_does_not_make_it_the_separator() -> None:
    assert list(read("file;name, first;x\na.png;Doe, J;1\n").columns) == ["file", "name, first", "x"]


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(SourceError, match="2 columns called 'label'"):
        read("file,label,label\na.png,x,y\n")


def test_a_column_without_a_name_is_called_by_its_place_and_an_empty_one_is_dropped() -> None:
    assert dict(read(",file,\n0,a.png,\n1,b.png,\n").columns) == {"column 1": ["0", "1"], "file": ["a.png", "b.png"]}


def test_a_line_with_too_many_fields_is_refused_with_its_number() -> None:
    with pytest.raises(SourceError, match=r"Line 4 of labels\.csv has 3 fields, but its first line names 2"):
        read("file,label\na.png,x\n\nb.png,y,z\n")


def test_lines_with_too_few_fields_are_kept_and_said() -> None:
    table = read("file,label,age\na.png,x\nb.png,y,7\nc.png\n")
    assert table.columns["age"] == [None, "7", None] and table.columns["label"] == ["x", "y", None]
    assert table.notes == ("labels.csv: 2 lines (the first is line 2) have fewer fields than the first line names",)


@pytest.mark.parametrize("data", ["", "\n\n", "sep=;\n"])
def test_an_empty_text_is_refused(data: str) -> None:
    with pytest.raises(SourceError, match="it is empty"):
        read(data)


# -- quotation marks


def test_lines_of_separators_only_are_no_rows() -> None:
    assert read("file,label\na.png,A\n,,\n,\n").columns == {"file": ["a.png"], "label": ["A"]}


@pytest.mark.parametrize(
    ("above", "said"),
    [
        ("# made by a program\n# on a day\n", "lines 1 to 2 above the names of the columns are left out"),
        ("Cohort of 2024,,\n\n", "lines 1 to 2 above the names of the columns are left out"),
        ("Cohort of 2024\n", "line 1 above the names of the columns is left out"),
    ],
)
def test_titles_and_comments_above_the_header_are_left_out_and_said(above: str, said: str) -> None:
    table = read(f"{above}file,label,patient\na.png,A,P1\nb.png,B,P2\n")
    assert table.columns == {"file": ["a.png", "b.png"], "label": ["A", "B"], "patient": ["P1", "P2"]}
    assert list(table.notes) == [f"labels.csv: {said}"]


@pytest.mark.parametrize(
    "text", ["file,\na.png,A\nb.png,B\n", ",file\n0,a.png\n1,b.png\n", "file\na b\nc d\n", "id,x,y,z\nA,,,\nB,1,2,3\n"]
)
def test_a_header_that_names_few_columns_is_no_title(text: str) -> None:
    table = read(text)
    assert len(table) == 2 and not any("above the names" in note for note in table.notes)


def test_a_web_page_called_like_a_workbook_is_refused() -> None:
    with pytest.raises(SourceError, match=r"labels\.xls is a web page"):
        read("<html><table><tr><td>file</td></tr></table></html>", "labels.xls")


def test_quoted_fields_hold_separators_quotes_and_line_ends() -> None:
    table = read('file,note,label\na.png,"x, ""y""",A\nb.png,"first\nsecond",B\n')
    assert table.columns["note"] == ['x, "y"', "first\nsecond"] and table.columns["label"] == ["A", "B"]
    assert list(table.lines) == [2, 3] and not table.notes


def test_a_stray_quotation_mark_swallows_no_line() -> None:
    """The mark in line 3 is closed by that in line 6 only by chance."""
    table = read('file,label,note\na.png,A,ok\nb.png,A,"3 mm\nc.png,B,ok\nd.png,B,"x, y"\ne.png,B,end" of it\nf.png,B,ok\n')
    assert table.columns["file"] == ["a.png", "b.png", "c.png", "d.png", "e.png", "f.png"]
    assert table.columns["note"] == ["ok", '"3 mm', "ok", "x, y", 'end" of it', "ok"]
    assert table.notes == ("labels.csv: a quotation mark that does not close is read as written in line 3; no line was lost",)


def test_a_quotation_mark_that_never_closes_is_read_as_written_or_refused_with_its_line() -> None:
    assert read('file,note\na.png,"5 mm\nb.png,x\n').columns["note"] == ['"5 mm', "x"]
    with pytest.raises(SourceError, match=r"A quotation mark in line 3 of labels\.csv does not close"):
        read('file,label,note\na.png,A,x\nb.png,"A\nc.png,B,y\n')


def test_a_long_cell_is_read_in_full() -> None:
    outline = "1 2 " * 50_000
    assert read(f'file,outline\na.png,"{outline},0"\n').columns["outline"] == [f"{outline},0"]


# -- packed, Excel


def test_gzip_is_unpacked_and_a_cut_one_refused() -> None:
    packed = gzip.compress(b"file,label\na.png,A\n")
    assert read(packed, "t.csv.gz").columns["label"] == ["A"]
    with pytest.raises(SourceError, match="cannot be unpacked"):
        read(packed[:-9], "t.csv.gz")


def test_a_workbook_is_read_with_whole_numbers_whole() -> None:
    data = workbook([["file", "patient", "Ki67", "label"], ["a.png", 17, 0.5, "Drüse"], ["b.png", 18, None, "007"]])
    table = read(data, "labels.xlsx")
    assert dict(table.columns) == {"file": ["a.png", "b.png"], "patient": [17, 18], "Ki67": [0.5, None], "label": ["Drüse", "007"]}


def test_a_title_above_the_columns_of_a_workbook_is_left_out_and_said() -> None:
    rows: list[list[object]] = [["My cohort", None, None], ["file", "label", "patient"], ["a.png", "A", "007"], ["b.png", "B", "P2"]]
    table = read(workbook(rows), "labels.xlsx")
    assert dict(table.columns) == {"file": ["a.png", "b.png"], "label": ["A", "B"], "patient": ["007", "P2"]}
    assert list(table.lines) == [3, 4] and "labels.xlsx: 1 row above the names of the columns is left out" in table.notes


def test_a_file_that_is_no_workbook_is_refused_in_a_sentence() -> None:
    with pytest.raises(SourceError, match="cannot be read as a workbook") as caught:
        read(b"PK\x03\x04 and nothing more", "labels.xlsx")
    assert len(str(caught.value)) < 300


# -- Parquet


def test_parquet_keeps_every_digit() -> None:
    whole = [90071992547409931, None, 90071992547409933]
    table = read(
        parquet(
            pa.table(
                {
                    "patient": pa.array(whole, pa.int64()),
                    "hash": pa.array([2**64 - 1, 2**63, None], pa.uint64()),
                    "small": pa.array([1, None, 3], pa.int8()),
                    "price": pa.array([Decimal("1.50"), Decimal("12345678901234567890.12"), None], pa.decimal128(24, 2)),
                    "share": pa.array([0.1, None, float("nan")], pa.float64()),
                }
            )
        )
    )
    assert table.columns["patient"] == whole
    assert table.columns["hash"] == ["18446744073709551615", "9223372036854775808", None]
    assert table.columns["small"] == [1, None, 3] and table.columns["share"] == [0.1, None, None]
    assert table.columns["price"] == ["1.50", "12345678901234567890.12", None]
    known = convert(table, {"patient": "patient"})
    assert known.columns["patient"] == ["90071992547409931", None, "90071992547409933"]


def test_parquet_decimals_that_stay_text_keep_their_zeros() -> None:
    values = [Decimal("1.10"), Decimal("12345678901234567.89")]
    table = read(
        parquet(
            pa.table({"dose": pa.array(values, pa.decimal128(30, 2)), "small": pa.array([Decimal("1.10"), None], pa.decimal128(5, 2))})
        ),
        "t.parquet",
    )
    assert table.columns["dose"] == ["1.10", "12345678901234567.89"] and table.columns["small"] == [1.1, None]


def test_pictures_of_which_parquet_holds_only_the_paths_are_named_by_them() -> None:
    table = read(parquet(pa.table({"image": [{"bytes": None, "path": "a.png"}, {"bytes": None, "path": "b.png"}]})), "t.parquet")
    assert table.columns["image"] == ["a.png", "b.png"] and not table.pictures


def test_parquet_writes_nested_cells_as_json_and_times_as_iso() -> None:
    table = read(
        parquet(
            pa.table(
                {
                    "box": [[1, 2], None],
                    "of": [{"a": 1, "b": [None, "ä"]}, None],
                    "day": pa.array([date(2024, 2, 29), None]),
                    "at": pa.array([datetime(2024, 1, 1, 12, 30, 0, 5), None]),
                    "text": pa.array([b"caf\xc3\xa9", None], pa.binary()),
                }
            )
        )
    )
    assert json.loads(table.columns["box"][0]) == [1, 2] and json.loads(table.columns["of"][0]) == {"a": 1, "b": [None, "ä"]}
    assert table.columns["day"] == ["2024-02-29", None] and table.columns["at"][0] == "2024-01-01T12:30:00.000005"
    assert table.columns["text"] == ["café", None]


def test_the_index_of_a_frame_is_a_column() -> None:
    def written(frame: pd.DataFrame) -> Table:
        out = io.BytesIO()
        frame.to_parquet(out)
        return read(out.getvalue())

    names = ["a.png", "b.png"]
    assert written(pd.DataFrame({"label": ["A", "B"]}, index=pd.Index(names, name="file"))).columns["file"] == names
    assert written(pd.DataFrame({"label": ["A", "B"]}, index=names)).columns["index"] == names
    assert list(written(pd.DataFrame({"label": ["A", "B"]})).columns) == ["label"]


def test_class_numbers_are_named_as_the_parquet_file_names_them() -> None:
    features = {"info": {"features": {"label": {"names": ["benign", "malignant"], "_type": "ClassLabel"}}}}
    table = pa.table({"file": ["a.png", "b.png", "c.png"], "label": [1, 0, None]})
    found = read(parquet(table.replace_schema_metadata({"huggingface": json.dumps(features)})))
    assert found.columns["label"] == ["malignant", "benign", None] and "named as the file itself names them" in found.notes[0]


# -- what cells stand for


def test_words_that_mean_nothing_is_known_are_empty_in_four_fields_only() -> None:
    table = converted("file,label,patient,slide,site,note\na,tumor,NA,nan,-,NA\nb,unknown,P1,s,Unknown,-\nc,None,N/A,s,x,x\n")
    assert table.columns["label"] == ["tumor", None, None]
    assert table.columns["patient"] == [None, "P1", None]
    assert table.columns["slide"] == [None, "s", "s"] and table.columns["site"] == [None, None, "x"]
    assert table.columns["note"] == ["NA", "-", "x"]
    assert "labels.csv: patient is not known in 2 lines (N/A, NA); to keep such words as values, use --option empty=[]" in table.notes


def test_words_that_mean_nothing_can_be_kept_and_a_minus_beside_a_plus_is_a_result() -> None:
    table = read("file,label\na,unknown\nb,x\n")
    assert convert(table, find_columns(table.columns), empty=()).columns["label"] == ["unknown", "x"]
    assert converted("file,label\na,-\nb,+\n").columns["label"] == ["-", "+"]
    assert converted("file,label\na,-\nb,x\n").columns["label"] == [None, "x"]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["5,5", "0,25", ""], [5.5, 0.25, None]),
        (["1,234", "2,5"], [1.234, 2.5]),
        (["12", "7"], [12, 7]),
        (["1.5", "2"], [1.5, 2.0]),
        (["1.5", "2,5"], None),
        (["007", "1"], None),
        (["12345678901234567"], None),
        (["1e400"], None),
    ],
)
def test_further_columns_of_numbers(cells: list[str], numbers: list[float | None] | None) -> None:
    table = converted("file;x\n" + "".join(f"{row}.png;{cell}\n" for row, cell in enumerate(cells)))
    assert table.columns["x"] == (numbers or [cell or None for cell in cells])
    assert any("decimal points" in note for note in table.notes) == (numbers is not None and "," in "".join(cells))


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,234,567", "12", "2,500"], [1234567, 12, 2500]),
        (["1,234.5", "2.25"], [1234.5, 2.25]),
        (["1.234,5", "2,25", "7"], [1234.5, 2.25, 7.0]),
        (["1.234.567", "5"], [1234567, 5]),
        (["1\u00a0234,5", "2"], [1234.5, 2.0]),
        (["1'234", "2'000,5"], [1234.0, 2000.5]),
        (["1,234,56", "1"], None),
    ],
)
def test_thousands_are_joined_where_a_cell_shows_that_they_are(cells: list[str], numbers: list[float] | None) -> None:
    table = converted("file,x\n" + "".join(f'{row}.png,"{cell}"\n' for row, cell in enumerate(cells)))
    assert table.columns["x"] == (numbers or cells)
    assert any("between the thousands" in note for note in table.notes) == (numbers is not None)


def test_words_that_mean_nothing_do_not_make_numbers_text() -> None:
    table = converted("file,ki67,note,mpp\na,5,NA,0.5\nb,NA,x,NA\nc,7,y,0.25\n")
    assert table.columns["ki67"] == [5, None, 7] and table.columns["note"] == ["NA", "x", "y"] and table.columns["mpp"] == [0.5, None, 0.25]
    assert any("ki67 is not known in 1 line (NA)" in note for note in table.notes) and "mpp_" not in table.columns


def test_a_column_mostly_of_numbers_that_stays_text_is_said() -> None:
    table = converted("file,score\na,1\nb,<5\nc,3\n")
    assert table.columns["score"] == ["1", "<5", "3"]
    assert "labels.csv: column 'score' stays text, since not all of its cells are numbers, such as '<5'" in table.notes


def test_quoted_thousands_between_commas_stay_text() -> None:
    assert converted('file,x\na,"1,234"\nb,"2,500"\n').columns["x"] == ["1,234", "2,500"]
    assert converted('file,x\na,"0,5"\nb,"12,25"\n').columns["x"] == [0.5, 12.25]


def column_notes(text: str, name: str) -> list[str]:
    return [note for note in converted(text).notes if name in note]


def test_a_point_that_may_stand_before_thousands_is_said() -> None:
    assert column_notes('file,cells\na,"1,234,567"\nb,1.234\n', "'1.234'") == [
        "labels.csv: '1.234' in cells was read as a decimal, although it may be 1234"
    ]
    other_column = "file;weight;cells\na;2,5;1.234\nb;3,5;12\n"
    assert converted(other_column).columns["cells"] == [1.234, 12.0]
    assert column_notes(other_column, "cells") == ["labels.csv: '1.234' in cells was read as a decimal, although it may be 1234"]
    assert not column_notes("file;weight;cells\na;2,5;1.234\nb;3,5;12.5\n", "in cells")
    assert not column_notes("file,weight,cells\na,2.5,1.234\nb,3.5,12\n", "cells")


@pytest.mark.parametrize(
    ("cells", "shown"),
    [(["2,5", "1.234"], "'2,5' and '1.234'"), (["1,234", "2,500"], "'1,234'"), (["1.234,5", "7.25"], "'1.234,5' and '7.25'")],
)
def test_numbers_that_can_be_read_in_several_ways_stay_text_and_it_is_said(cells: list[str], shown: str) -> None:
    table = converted("file,x\n" + "".join(f'{row}.png,"{cell}"\n' for row, cell in enumerate(cells)))
    assert table.columns["x"] == cells
    assert table.notes == (f"labels.csv: column 'x' stays text, since its numbers can be read in several ways, such as {shown}",)


def test_numbers_with_units_are_converted_or_kept_as_text_and_said() -> None:
    table = converted("file,mpp,x_px0\na,0.25 um,10\nb,250nm/px,10.0\nc,20x,10.5\nd,,1e300\ne,-1,\n")
    assert table.columns["mpp"] == [0.25, 0.25, None, None, None] and table.columns["mpp_"] == ["0.25 um", "250nm/px", "20x", None, "-1"]
    assert table.columns["x_px0"] == [10, 10, None, None, None] and table.columns["x_px0_"] == ["10", "10.0", "10.5", "1e300", None]
    assert "labels.csv: the unit in mpp is set aside (2 of 5 lines), as in '0.25 um'" in table.notes
    assert "labels.csv: 2 cells of mpp are not micrometres per pixel, such as '20x'; they stay as text in mpp_" in table.notes
