"""From a query vector to hits: which rows may answer, and what is said of those that do.

Works on the table of items and an index; where they come from is the business of ``collection``.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32

from ..cosine import unit
from ..errors import InputError
from ..types import LIST_SEPARATOR, TAGS_COLUMN, Allowed, Queries, VectorIndex, Vectors

INTERNAL = ("sha256",)
"""Columns that mean nothing to a person; they can be filtered on but are not shown with a hit."""

BOUNDS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
"""How a range says its ends."""

Marked = Float32[np.ndarray, "_ d"]
"""Vectors of patches a reader marked; there may be none."""
LIKED_WEIGHT = 0.75
DISLIKED_WEIGHT = 0.15


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer: its rank from 1, its row, its cosine similarity, and everything known of that row."""

    rank: int
    row: int
    id: str
    uri: str
    score: float
    label: str | None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A flat JSON object."""
        own = {"rank": self.rank, "row": self.row, "id": self.id, "uri": self.uri, "score": round(self.score, 6), "label": self.label}
        return own | {f"{name}_" if name in own else name: value for name, value in self.facts.items()}


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first, and what was asked."""

    collection: str
    encoder: str
    query: Mapping[str, Any]
    hits: Sequence[Hit]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The document ``explorer search --json`` prints."""
        return {
            "collection": self.collection,
            "encoder": self.encoder,
            "query": dict(self.query),
            "hits": [hit.to_json() for hit in self.hits],
            "seconds": round(self.seconds, 4),
        }

    def label_shares(self) -> dict[str, float]:
        """Share of each label among the labelled hits, largest first; the nearest hit breaks ties."""
        labels = [hit.label for hit in self.hits if hit.label is not None]
        return {label: count / len(labels) for label, count in Counter(labels).most_common()}


def allowed_rows(
    items: pd.DataFrame,
    *,
    where: Mapping[str, Any] | None = None,
    exclude_same: Sequence[str] = (),
    like: int | Sequence[int] | None = None,
) -> Allowed | None:
    """True for the rows that may answer; None where all may.

    ``where`` maps a column to a value, to a list of values of which one must match, or to the ends of a range of numbers,
    such as ``{">=": 50, "<": 60}``; an empty cell lies in no range. ``exclude_same`` names columns
    in which an answer must differ from row ``like``, or from each of several; an empty cell equals nothing, but the rows
    themselves never answer then. Raises ``InputError`` for an unknown column, or where ``exclude_same`` has no row to compare with.
    """
    if not where and not exclude_same:
        return None
    allowed = np.ones(len(items), dtype=bool)
    for column, wanted in (where or {}).items():
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
        values = _column(items, column)
        allowed &= ~values.isin(values.iloc[asked].dropna()).to_numpy(dtype=bool)
    allowed[asked] = False
    return allowed


def find_hits(
    items: pd.DataFrame,
    *,
    index: VectorIndex,
    query: Queries,
    k: int,
    allowed: Allowed | None = None,
) -> list[Hit]:
    """The k allowed rows nearest to one query vector (1 d); fewer where fewer are allowed."""
    if k < 1:
        raise InputError(f"k is {k}; ask for at least one hit.")
    if not np.isfinite(query).all():
        raise InputError("The query vector has values that are not numbers; encode the picture again.")
    scores, rows = index.search(query, min(k, index.n), allowed=allowed)
    found = [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row >= 0]
    table = items.iloc[[row for row, _ in found]]
    return [
        make_hit(rank, row, score, record)
        for rank, ((row, score), record) in enumerate(zip(found, table.to_dict("records"), strict=True), start=1)
    ]


def mean_direction(vectors: Vectors) -> Queries:
    """One query (1 d) for several patches (n d): the mean of their unit vectors, to which each has the same say."""
    mean: Queries = unit(vectors).mean(0, keepdims=True, dtype=np.float32)
    return mean


def refine(query: Queries, *, liked: Marked, disliked: Marked) -> Queries:
    """The query (1 d) moved towards patches (p d) that were marked as wanted and away from others (m d) that were not.

    Rocchio's relevance feedback (Rocchio 1971; Manning, Raghavan & Schuetze 2008, section 9.1.1, with its usual weights)
    on unit vectors. Either may be empty.
    """
    moved = unit(query)
    if len(liked):
        moved = moved + LIKED_WEIGHT * mean_direction(liked)
    if len(disliked):
        moved = moved - DISLIKED_WEIGHT * mean_direction(disliked)
    return moved


def make_hit(rank: int, row: int, score: float, record: Mapping[Any, Any]) -> Hit:
    """A hit from a row of the items table."""
    facts = {str(name): plain(value) for name, value in record.items() if name not in INTERNAL}
    facts = {name: value for name, value in facts.items() if value is not None}
    label = facts.pop("label", None)
    return Hit(rank, row, str(facts.pop("id")), str(facts.pop("uri")), score, None if label is None else str(label), facts)


def plain(value: Any) -> Any:
    """A cell as a JSON value; None for an empty one."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)


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
