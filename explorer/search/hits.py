"""The result of a search."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int64

from .query import Query

INTERNAL = ("sha256",)
"""Columns that mean nothing to a person; they can be filtered on but are not shown with a hit."""
_LIKE_SOMETHING = 0.05
"""Least ``Facts.closer_than`` of a query that the collection holds something like."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit: its rank from 1, its cosine similarity, and all columns of its row."""

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
        return beside(own, self.facts)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the query itself."""

    rows: tuple[int, ...] = ()
    """Rows the query was taken from; of a picture from outside the row with exactly its pixels."""
    not_excluded: tuple[str, ...] = ()
    """Columns of ``exclude_same`` of which no value is known for the query: rows that share them were not left out."""
    allowed: int = 0
    """Rows that could be returned."""
    closer_than: float | None = None
    """Share of the collection's patches whose own nearest neighbour is less similar to them than this query's is to it.

    None for several examples, which are no patch, and for a collection of one row.
    """
    nearest: tuple[tuple[int, float], ...] = ()
    """The rows nearest to the query and their cosines, whatever the filters; the query's own rows are not among them."""
    map_xy: tuple[float, float] | None = None
    """Where the query lies on the newest map; None where there is no map or nothing near."""

    @property
    def closeness(self) -> str:
        """Whether the collection holds anything like the query, as a sentence; empty where ``closer_than`` is not known."""
        if self.closer_than is None:
            return ""
        if self.closer_than >= _LIKE_SOMETHING:
            others = percent(self.closer_than)
            return f"The query is more similar to its nearest patch than {others} of the collection's patches are to theirs."
        others = percent(1 - self.closer_than)
        return f"Nothing here is really like the query: {others} of the collection's patches are at least as similar to their nearest one."

    def to_json(self) -> dict[str, Any]:
        """JSON values; what is not known is left out."""
        value: dict[str, Any] = {"rows": list(self.rows), "not_excluded": list(self.not_excluded), "allowed": self.allowed}
        if self.closer_than is not None:
            value["closer_than"] = round(self.closer_than, 6)
        if self.map_xy is not None:
            value["map_xy"] = [round(at, 4) for at in self.map_xy]
        return value


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first, with the query and the facts about it."""

    collection: str
    encoder: str
    embedding: str
    """Key of the embedding that was searched."""
    query: Query
    facts: Facts
    hits: Sequence[Hit]
    seconds: float

    def to_json(self, *, pixels: bool = False) -> dict[str, Any]:
        """The document ``explorer search --json`` prints. With ``pixels`` it can be replayed where pictures were searched with."""
        return {
            "collection": self.collection,
            "encoder": self.encoder,
            "embedding": self.embedding,
            "query": self.query.to_json(pixels=pixels),
            "facts": self.facts.to_json(),
            "hits": [hit.to_json() for hit in self.hits],
            "seconds": round(self.seconds, 4),
        }

    def label_shares(self) -> dict[str, float]:
        """Share of each label among the labelled hits, largest first; the nearest hit breaks ties."""
        labels = [hit.label for hit in self.hits if hit.label is not None]
        return {label: count / len(labels) for label, count in Counter(labels).most_common()}


def make_hit(rank: int, row: int, score: float, record: Mapping[Any, Any]) -> Hit:
    """A hit from a row of the items table."""
    facts = {str(name): plain(value) for name, value in record.items() if name not in INTERNAL}
    facts = {name: value for name, value in facts.items() if value is not None}
    label = facts.pop("label", None)
    return Hit(rank, row, str(facts.pop("id")), str(facts.pop("uri")), score, None if label is None else str(label), facts)


def records(items: pd.DataFrame, rows: Sequence[int]) -> list[dict[str, Any]]:
    """Rows of a table as dictionaries. Text is taken by Arrow, which stores it: pandas needs six times as long for a few rows."""
    numbers = np.array(rows, np.int64)  # of no rows too, whose list Arrow would not take for numbers
    columns = {str(name): _taken(items[name].array, numbers) for name in items.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _taken(values: Any, rows: Int64[np.ndarray, " m"]) -> list[Any]:
    is_arrow_text = isinstance(values.dtype, pd.StringDtype) and values.dtype.storage == "pyarrow"
    taken: list[Any] = values.__arrow_array__().take(rows).to_pylist() if is_arrow_text else values.take(rows).tolist()
    return taken


def beside(own: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Both as one flat object. A fact whose name ``own`` uses gets underscores at its end until no other field has that name."""
    taken = own.keys() | facts.keys()
    joined = dict(own)
    for name, value in facts.items():
        free = name
        while free in joined or (free != name and free in taken):
            free += "_"
        joined[free] = value
    return joined


def percent(share: float) -> str:
    """A share from 0 to 1 in percent; 0 and 100 only for exactly 0 and 1."""
    rounded = round(100 * share)
    if share > 0 and rounded == 0:
        return "under 1 %"
    return "over 99 %" if share < 1 and rounded == 100 else f"{rounded} %"


def plain(value: Any) -> Any:
    """A cell as a JSON value; None for an empty one."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)
