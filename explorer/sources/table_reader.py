"""One reader for every table: CSV and TSV, Parquet, Excel and OpenDocument workbooks, packed by gzip or not.

The content decides what a file is, never its name. Every digit stays: whole numbers are exact, nested values become
JSON, dates and times ISO 8601, and numbers that 64 bits cannot hold become text.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from ..errors import SourceError
from ..wording import counted, verb_for
from .delimited import header_at, parse, unique_names
from .table_text import decode_text

SUFFIXES = (".csv", ".tsv", ".parquet", ".xlsx", ".xls", ".xlsb", ".ods")
"""Suffixes of tables; ``.gz`` may follow."""
MAX_BYTES = 2_000_000_000
"""Maximal bytes of a table, unpacked."""
_MOST_ROWS_OF_TITLE = 50
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_HTML = re.compile(r"\s*<(!doctype|html|table|\?xml)", re.IGNORECASE)
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length. Cells are text, int (64 bits), finite float, bool, or None where empty."""

    name: str
    form: str
    """What the file is, for people: ``CSV separated by ";", UTF-16``."""
    columns: Mapping[str, list[Any]]
    lines: Sequence[int]
    """Line number of each row in the file, from 1 (the header of a text is line 1)."""
    as_text: bool = False
    """True if the file stores only text, so that numbers have to be recognised from the cells."""
    decimal_comma: bool = False
    """True if the separator leaves the comma free for decimals."""
    notes: tuple[str, ...] = ()
    """What was guessed or is irregular, one sentence each."""
    pictures: Mapping[str, Any] = field(default_factory=dict)
    """Columns that hold the bytes of encoded pictures: a sequence of bytes or None for each."""

    def __len__(self) -> int:
        return len(self.lines)

    def records(self) -> Iterator[dict[str, Any]]:
        """The rows, one at a time."""
        names = list(self.columns)
        for cells in zip(*self.columns.values(), strict=True):
            yield dict(zip(names, cells, strict=True))

    def with_columns(self, columns: Mapping[str, list[Any]], notes: Sequence[str] = ()) -> Table:
        """The same rows with other columns, and further notes."""
        return replace(self, columns=columns, notes=(*self.notes, *notes))


def is_table(name: str) -> bool:
    """True if a file has the suffix of a table."""
    return name.lower().removesuffix(".gz").endswith(SUFFIXES)


def read_table(data: bytes, *, name: str, encoding: str | None = None) -> Table:
    """The table in a file's bytes. ``encoding`` is that of a text, where it is known. Raises ``SourceError`` where it cannot be
    read in full.
    """
    what = name.rpartition("/")[2][-80:]
    if data.startswith(b"\x1f\x8b"):
        return read_table(_unpacked(data, what), name=name.removesuffix(".gz"), encoding=encoding)
    if data.startswith(b"PAR1"):
        return _parquet(data, what)
    if data.startswith(_WORKBOOKS):
        return _workbook(data, what)
    return _text(data, what, encoding)


def _unpacked(data: bytes, what: str) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as file:
            unpacked = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{what} cannot be unpacked ({error}); pack it again.") from error
    if len(unpacked) > MAX_BYTES:
        raise SourceError(f"{what} unpacks to more than {MAX_BYTES / 1e9:g} GB, more than a table may have; unpack it and split it.")
    return unpacked


def _text(data: bytes, what: str, encoding: str | None) -> Table:
    text, encoding, guessed = decode_text(data, what=what, encoding=encoding)
    if _HTML.match(text):
        raise SourceError(f"{what} is a web page that holds a table; open it in a spreadsheet program and save it as CSV UTF-8.")
    if "\0" in text:
        line = len(text[: text.index("\0")].splitlines()) or 1
        raise SourceError(f"{what} is no text table (it holds zero bytes, first in line {line}); save it as CSV UTF-8, Excel or Parquet.")
    found = parse(text, what=what)
    notes = list(found.notes)
    if guessed:
        guess = f"it is read as {encoding}, a guess; see that names look right, or give the option encoding"
        notes.insert(0, f"{what} does not say its encoding and is no UTF-8: {guess}")
    columns = {name: [row[at] or None for row in found.rows] for at, name in enumerate(found.header)}
    separator = "tabs" if found.separator == "\t" else f'"{found.separator}"'
    return Table(
        name=what,
        form=f"text separated by {separator}, {encoding}",
        columns=columns,
        lines=found.lines,
        as_text=True,
        decimal_comma=found.separator != ",",
        notes=tuple(notes),
    )


# -- workbooks


def _workbook(data: bytes, what: str) -> Table:
    """The first sheet with anything in it; its first row names the columns."""
    import python_calamine

    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        sheets = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=True) for name in book.sheet_names}
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise SourceError(f"{what} cannot be read as a workbook ({error}); save it as CSV UTF-8.") from error
    filled = {name: rows for name, rows in sheets.items() if rows}
    if not filled:
        raise SourceError(f"{what} has no sheet with anything in it; fill one or give another table.")
    sheet, rows = next(iter(filled.items()))
    first = header_at([["" if cell is None else str(_plain(cell) or "") for cell in row] for row in rows[:_MOST_ROWS_OF_TITLE]])
    header = ["" if cell is None else str(_plain(cell)).strip() for cell in rows[first]]
    width = len(header)
    body = [(number, row) for number, row in enumerate(rows[first + 1 :], start=first + 2) if any(cell not in ("", None) for cell in row)]
    keep = [at for at in range(width) if header[at] or any(row[at] not in ("", None) for _, row in body)]
    names = unique_names([header[at] for at in keep], what=what)
    columns = {name: _even([_plain(row[at]) for _, row in body]) for name, at in zip(names, keep, strict=True)}
    others = [name for name in filled if name != sheet]
    notes = [f"{what}: sheet {sheet!r} is read, and {len(others)} more ({', '.join(others)[:60]}) are not"] if others else []
    if first:
        notes.append(f"{what}: {counted(first, 'row')} above the names of the columns {verb_for(first, 'is')} left out")
    return Table(name=what, form=f"workbook, sheet {sheet!r}", columns=columns, lines=[number for number, _ in body], notes=tuple(notes))


# -- Parquet


def _parquet(data: bytes, what: str) -> Table:
    """All columns, named levels of a pandas index among them. Columns of pictures stay bytes and are kept apart."""
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(data)).read()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise SourceError(f"{what} cannot be read as Parquet ({str(error)[:80]}); write it again.") from error
    names = unique_names([_index_name(name, table.column_names) for name in table.column_names], what=what)
    classes = _class_names(table.schema.metadata or {})
    columns: dict[str, list[Any]] = {}
    pictures: dict[str, Any] = {}
    notes: list[str] = []
    for name, column in zip(names, table.columns, strict=True):
        found = _picture_column(column)
        if found is not None:
            cells, columns[name] = found
            if cells is not None:
                pictures[name] = cells
            continue
        values = _even([_plain(value) for value in column.to_pylist()])
        if name in classes and all(value is None or (isinstance(value, int) and value < len(classes[name])) for value in values):
            values = [None if value is None or value < 0 else classes[name][value] for value in values]
            notes.append(f"{what}: the numbers of column {name!r} are named as the file itself names them")
        columns[name] = values
    return Table(name=what, form="Parquet", columns=columns, lines=range(1, table.num_rows + 1), notes=tuple(notes), pictures=pictures)


def _index_name(name: str, names: Sequence[str]) -> str:
    """pandas writes nameless levels of its index under names of its own."""
    plain = name.removeprefix("__index_level_").removesuffix("__")
    return "index" if name == f"__index_level_{plain}__" and plain == "0" and "index" not in names else name


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Names of class numbers, from the description that Hugging Face ``datasets`` writes into its Parquet files."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return {name: list(kind["names"]) for name, kind in features.items() if isinstance(kind, dict) and "names" in kind}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _picture_column(column: Any) -> tuple[Any, list[Any]] | None:
    """The bytes of a column of pictures (binary, or a struct of ``bytes`` and ``path``; None where all are empty) and the paths beside
    them; None for another column.
    """
    import pyarrow

    from .images import is_picture

    paths: list[Any] = [None] * len(column)
    if pyarrow.types.is_struct(column.type) and {"bytes", "path"} <= {kind.name for kind in column.type}:
        parts = [chunk.flatten() for chunk in column.chunks]
        at = {kind.name: number for number, kind in enumerate(column.type)}
        cells = pyarrow.chunked_array([part[at["bytes"]] for part in parts], type=column.type.field("bytes").type)
        paths = [path or None for part in parts for path in part[at["path"]].to_pylist()]
        return (None if cells.null_count == len(cells) else cells), paths
    if pyarrow.types.is_binary(column.type) or pyarrow.types.is_large_binary(column.type):
        first = next((value.as_py() for value in column if value.is_valid), b"")
        if is_picture(first[:16]):
            return column, paths
    return None


# -- cells


def _plain(value: Any) -> Any:
    """A cell as text, int, finite float, bool or None."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int | Decimal):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes):
        return _bytes_as_text(value)
    return json.dumps(value, ensure_ascii=False, default=lambda value: str(value) if isinstance(value, Decimal) else _plain(value))


def _bytes_as_text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex()


def _even(values: list[Any]) -> list[Any]:
    """One type for a column: whole floats beside integers become integers; mixtures or numbers beyond 64 bits become text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {Decimal} and all(value is None or _fits_float(value) for value in values):
        return [None if value is None else float(value) for value in values]
    if kinds <= {int, float} and float in kinds and all(value is None or _is_whole(value) for value in values):
        return [None if value is None else int(value) for value in values]
    if kinds == {int} and all(value is None or value in _INT64 for value in values):
        return values
    if len(kinds) <= 1 and not kinds & {int, Decimal}:
        return values
    if kinds == {int, float} and all(value is None or abs(value) < 2**53 for value in values):
        return [None if value is None else float(value) for value in values]
    return [None if value is None else _as_text(value) for value in values]


def _fits_float(value: Decimal) -> bool:
    return len(value.as_tuple().digits) <= 15 and abs(value) < 10**15


def _as_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and _is_whole(value) else str(value)


def _is_whole(value: float) -> bool:
    return float(value).is_integer() and abs(value) < 2**53
