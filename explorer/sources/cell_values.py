"""The value of a table cell: a number with or without its unit, plain text, or missing ("NA", "unknown")."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from typing import Any

EMPTY_WORDS = (
    *("na", "n/a", "n.a.", "#n/a", "<na>", "nan", "none", "null", "nil"),
    *("-", "--", "–", "—", "?", ".", "unknown", "unk", "missing", "not available", "not known", "not reported", "n.d.", "'--"),
    *("[unknown]", "[not available]", "unbekannt", "k.a.", "k. a.", "inconnu", "desconocido"),
)
"""Words that mean "missing", in lower case."""

_PLAIN = re.compile(r"(?=.{0,15}$)[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?")  # longer ones are identifiers
_COMMA = re.compile(r"(?=.{0,15}$)[+-]?(0|[1-9]\d*)(,\d+)?")
_GROUPED = (  # numbers with thousands apart, how to tell that they are, what stands between thousands, and the decimal point
    (re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?"), re.compile(r".*,\d+[,.]\d+"), ",", "."),
    (re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?"), re.compile(r".*\.\d+[,.]\d+"), ".", ","),
    (re.compile(r"[+-]?[1-9]\d{0,2}([\u00a0\u202f'’]\d{3})+([.,]\d+)?"), re.compile(r".*[\u00a0\u202f'’].*"), "\u00a0\u202f'’", ","),
)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_POINT_OR_THOUSAND = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
_LENGTH = re.compile(r"([+-]?\d*[.,]?\d+(?:[eE][+-]?\d+)?)\s*(um|µm|μm|microns?|micromet(?:er|re)s?|nm|mm)?\s*(?:/|per)?\s*(?:px|pixels?)?")
_PER_UM = {"nm": 1e-3, "mm": 1e3}
MAX_WHOLE = 2**53


def numbers(cells: Sequence[Any], *, decimal_comma: bool) -> list[Any] | None:
    """The numbers that all cells of a column of text are (None stays None); None where any is not a plain number.

    Leading zeros and more than 15 characters make an identifier, which is no number. A comma is taken for decimals where
    ``decimal_comma``, or where no cell looks like thousands.
    """
    texts = [cell for cell in cells if cell is not None]
    if not texts:
        return None
    if not all(map(_PLAIN.fullmatch, texts)):
        if not all(_COMMA.fullmatch(text) or _PLAIN.fullmatch(text) for text in texts):
            return None
        with_comma = [text for text in texts if "," in text]
        if (not decimal_comma and all(map(_THOUSANDS.fullmatch, with_comma))) or any("." in text for text in texts):
            return None
        cells = [None if cell is None else cell.replace(",", ".") for cell in cells]
    whole = all(cell is None or cell.lstrip("+-").isdecimal() for cell in cells)
    values = [None if cell is None else int(cell) if whole else float(cell) for cell in cells]
    return values if all(value is None or math.isfinite(value) for value in values) else None


def without_thousands(cells: Sequence[Any]) -> list[Any] | None:
    """The cells of a column of text without what stands between thousands, and with decimal points.

    None where a cell is no number, or none of them shows that these are thousands: ``1,234`` alone may be a decimal.
    """
    texts = [cell for cell in cells if cell is not None]
    for pattern, certain, between, point in _GROUPED:
        plain = re.compile(rf"[+-]?(0|[1-9]\d*)([{re.escape(point)}]\d+)?")
        if any(map(certain.fullmatch, texts)) and all(pattern.fullmatch(text) or plain.fullmatch(text) for text in texts):
            apart = str.maketrans({**dict.fromkeys(between, ""), point: "."})
            return [None if cell is None else cell.translate(apart) for cell in cells]
    return None


def is_number_somehow(text: str) -> bool:
    """True for a number in any notation: with decimal points or commas, with or without marks between thousands."""
    return any(pattern.fullmatch(text) for pattern in (_PLAIN, _COMMA, *(grouped for grouped, *_ in _GROUPED)))


def may_be_thousands(text: str) -> bool:
    """True for ``1.234``, which is a decimal in English and more than a thousand in German."""
    return _POINT_OR_THOUSAND.fullmatch(text) is not None


def share_of_numbers(cells: Sequence[Any]) -> tuple[float, str]:
    """The share of the cells that are plain numbers, and the first cell with letters or signs that is none (empty if there is none)."""
    texts = [cell for cell in cells if cell is not None]
    others = [text for text in texts if not _PLAIN.fullmatch(text)]
    odd = next((text for text in others if not text.isdecimal()), "")
    return (1 - len(others) / len(texts) if texts else 0.0), odd


def micrometres(cell: Any) -> float | None:
    """Micrometres per pixel from a number or from text such as ``0.25``, ``0,25``, ``0.25 um/px``, ``250 nm``; None for anything else."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, str):
        found = _LENGTH.fullmatch(cell.strip())
        if found is None:
            return None
        cell = float(found[1].replace(",", ".")) * _PER_UM.get(found[2] or "", 1.0)
    value = float(cell)
    return value if math.isfinite(value) and value > 0 else None


def pixels(cell: Any) -> int | None:
    """A whole number of pixels; None for anything else, and for numbers no slide has."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and value.is_integer() and abs(value) < MAX_WHOLE else None


def text(cell: Any) -> str:
    """A cell as text; whole numbers without a point."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() and abs(cell) < MAX_WHOLE else str(cell)


def empty_words(cells: Collection[str], words: Collection[str]) -> set[str]:
    """The distinct cells that mean "missing". A minus is a value where a plus occurs too (test results)."""
    distinct = set(cells)
    found = {cell for cell in distinct if cell.strip().casefold() in words}
    return found - {"-", "–", "—"} if "+" in distinct else found
