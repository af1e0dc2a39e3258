"""Which rows a search may return."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError
from ..types import LIST_SEPARATOR, TAGS_COLUMN, Allowed

BOUNDS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
"""The words for the ends of a range."""


def allowed_rows(
    items: pd.DataFrame,
    *,
    where: Mapping[str, Any] | None = None,
    exclude_same: Sequence[str] = (),
    like: int | Sequence[int] | None = None,
    check: Callable[[], None] = lambda: None,
) -> Allowed | None:
    """True for the rows that a search may return; None where all are allowed.

    ``where`` maps a column to a value, to a list of values of which one must match, or to the ends of a range of numbers, such
    as ``{">=": 50, "<": 60}``; an empty cell is in no range. ``exclude_same`` names columns in which a hit must differ from row
    ``like``, or from each of several; an empty cell equals nothing, but the rows themselves are never returned then. Raises
    ``InputError`` for an unknown column, or where ``exclude_same`` has no row to compare with. ``check`` is called before each
    column and may raise.
    """
    if not where and not exclude_same:
        return None
    allowed = np.ones(len(items), dtype=bool)
    for column, wanted in (where or {}).items():
        check()
        allowed &= _matches(_column(items, column), wanted)
    if not exclude_same:
        return allowed
    if like is None:
        raise InputError(
            f"Leaving out the same {' and '.join(exclude_same)} needs a query whose {exclude_same[0]} is known; "
            "query by a row of the collection, or leave this out."
        )
    asked = [like] if isinstance(like, int | np.integer) else list(like)
    for column in exclude_same:
        check()
        values = _column(items, column)
        allowed &= ~values.isin(values.iloc[asked].dropna()).to_numpy(dtype=bool)
    allowed[asked] = False
    return allowed


def _column(items: pd.DataFrame, name: str) -> pd.Series[Any]:
    if name not in items.columns:
        raise InputError(f"There is no column {name!r}; the columns are {', '.join(map(str, items.columns))}.")
    return items[name]


def _matches(values: pd.Series[Any], wanted: Any) -> Allowed:
    if isinstance(wanted, Mapping):
        return _in_range(values, wanted)
    options = list(wanted) if isinstance(wanted, list | tuple | set | frozenset) else [wanted]
    if pd.api.types.is_bool_dtype(values):
        options = [_as_bool(values.name, option) for option in options]
    elif pd.api.types.is_numeric_dtype(values):
        options = [_as_number(values.name, option) for option in options]
    else:
        values, options = values.astype("string"), [str(option) for option in options]
        if str(values.name).rstrip("_") == TAGS_COLUMN:
            options = [cell for cell in values.dropna().unique() if not {cell, *cell.split(LIST_SEPARATOR)}.isdisjoint(options)]
    matches: Allowed = values.isin(options).to_numpy(dtype=bool)
    return matches


def _in_range(values: pd.Series[Any], ends: Mapping[Any, Any]) -> Allowed:
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        raise InputError(f"Column {values.name} does not hold numbers, so nothing of it lies in a range; filter it by a value.")
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    inside: Allowed = ~np.isnan(numbers)
    for bound, end in ends.items():
        if bound not in BOUNDS:
            raise InputError(f"A range of {values.name} is given by {', '.join(BOUNDS)}, and {bound!r} is none of these.")
        number = _as_number(values.name, end)
        if math.isnan(number):
            raise InputError(f"A range of {values.name} cannot end at {end!r}; give a number.")
        inside &= BOUNDS[bound](numbers, number)
    return inside


def _as_number(column: Any, option: Any) -> float:
    try:
        return float(option)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"Column {column} holds numbers, and {option!r} is none; filter it by a number.") from None


def _as_bool(column: Any, option: Any) -> bool:
    word = str(option).lower()
    if word in ("true", "1", "yes"):
        return True
    if word in ("false", "0", "no"):
        return False
    raise InputError(f"Column {column} holds yes or no, and {option!r} is neither; filter it by true or false.")
