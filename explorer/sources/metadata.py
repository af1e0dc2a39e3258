"""The user's columns become fields of ``Item``: names are recognised or mapped, values converted, the rest kept.

Shared by ``labels.csv`` beside a folder of pictures and by manifest tables.
"""

from __future__ import annotations

import io
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from ..errors import SourceError
from ..types import Item

TEXT_FIELDS = ("id", "label", "patient", "slide", "site", "split")
NUMBER_FIELDS = ("mpp", "x_px0", "y_px0", "side_px0")
FIELDS = ("uri", *TEXT_FIELDS, *NUMBER_FIELDS)

# Names people give to these columns, lower case with underscores; earlier ones win.
KNOWN = {
    "uri": "uri file path filename file_name filepath file_path image image_name image_path image_file img img_path tile patch patch_path",
    "id": "id image_id tile_id patch_id",
    "label": "label class category class_name majority_vote_label tissue diagnosis target",
    "patient": "patient patient_id patientid case case_id subject subject_id submitter_id",
    "slide": "slide slide_id slide_name wsi wsi_id",
    "site": "site center centre hospital institution tissue_source_site tss",
    "split": "split partition fold set subset",
    "mpp": "mpp mpp_x um_per_px microns_per_pixel",
    "x_px0": "x_px0 x_level0",
    "y_px0": "y_px0 y_level0",
    "side_px0": "side_px0 patch_size_level0",
}

_PLAIN_NUMBER = re.compile(r"(?=.{0,15}$)([+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?)?")  # longer ones are identifiers
_TCGA = re.compile(r"TCGA-(?P<site>[A-Z0-9]{2})-[A-Z0-9]{4}(?:-\d{2}[A-Z]-\d{2}-[A-Z]{2}[A-Z0-9]{1,2})?", re.IGNORECASE)


def find_columns(names: Iterable[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our field -> the user's column. ``given`` is the user's own mapping; other fields are found by common names.

    Raises ``SourceError`` for a field that does not exist or a column that is not in the table.
    """
    names, given = list(names), given or {}
    for field, column in given.items():
        if field not in FIELDS:
            raise SourceError(f"Column mapping names {field!r}, which is none of our fields; use {', '.join(FIELDS)}.")
        if column not in names:
            raise SourceError(f"The table has no column {column!r} for {field}; it has {', '.join(names)}.")
    found = dict(given)
    by_plain_name = {_plain(name): name for name in reversed(names) if name not in given.values()}
    for field, aliases in KNOWN.items():
        if field not in found:
            alias = next((alias for alias in aliases.split() if alias in by_plain_name), None)
            if alias is not None:
                found[field] = by_plain_name.pop(alias)
    return found


def make_item(uri: str, record: Mapping[str, Any], columns: Mapping[str, str], **otherwise: str | None) -> Item:
    """One row as an ``Item``; ``otherwise`` stands in for fields the row leaves empty, TCGA barcodes after that."""
    fields: dict[str, Any] = {name: value for name, value in otherwise.items() if value}
    if record:
        for name, column in columns.items():
            value = (_number if name in NUMBER_FIELDS else _text)(record[column])
            if value is not None and name != "uri":
                fields[name] = value if name == "mpp" or isinstance(value, str) else round(value)
    if barcode := _TCGA.search(uri):
        whole = barcode[0].upper()
        fields.setdefault("patient", whole[:12])
        fields.setdefault("site", barcode["site"].upper())
        if len(whole) > 12:
            fields.setdefault("slide", whole)
    fields.setdefault("id", uri)
    ours = columns.values()
    return Item(uri=uri, extra={name: value for name, value in record.items() if name not in ours}, **fields)


def read_csv(data: bytes, *, what: str, given: Mapping[str, str] | None = None) -> tuple[pd.DataFrame, dict[str, str]]:
    """A table and its ``find_columns``. The separator (comma, semicolon, tab) is taken from the first line.

    Our own fields stay text as written; of the user's further columns those of plain numbers (no leading zeros, at most
    15 characters) become numbers. Raises ``SourceError`` where it is no table.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:  # Excel on Windows
        text = data.decode("cp1252", errors="replace")
    first_line = text.partition("\n")[0]
    separator = max(",;\t", key=first_line.count)
    try:
        table = pd.read_csv(io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise SourceError(f"{what} cannot be read as a table ({error}); save it again as CSV.") from error
    if not isinstance(table.index, pd.RangeIndex):  # pandas took the surplus for row names
        raise SourceError(f"{what} has lines with more fields than its first line names; put quotes around fields that hold the separator.")
    table.columns = [str(name).strip() for name in table.columns]
    if table.columns.has_duplicates:
        raise SourceError(f"{what} has two columns called {table.columns[table.columns.duplicated()][0]!r}; rename one.")
    columns = find_columns(table.columns, given)
    for name in table.columns:
        if name not in columns.values():
            table[name] = _numbers_where_plain(table[name])
    return table, columns


def records(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows, one at a time, as Python values; missing ones are None."""
    names = [str(name) for name in table.columns]
    for row in zip(*(table[name].tolist() for name in table.columns), strict=True):
        yield {name: None if _missing(value) else value for name, value in zip(names, row, strict=True)}


def path_key(text: str) -> str:
    """One spelling for a relative path: forward slashes, no leading ``./``, composed Unicode."""
    return unicodedata.normalize("NFC", text.strip().replace("\\", "/").removeprefix("./"))


def _numbers_where_plain(column: pd.Series) -> pd.Series:
    text = column.str.strip()
    plain = text.str.fullmatch(_PLAIN_NUMBER)
    if plain.all() and (text != "").any():
        return pd.to_numeric(text.where(text != ""), dtype_backend="numpy_nullable")
    return column


def _missing(value: Any) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, str) and not value)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None


def _number(value: Any) -> float | None:
    try:
        number = float(str(value).replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
