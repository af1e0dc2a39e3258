"""The one search: from a query to hits. Page, command line, REST, notebook and demo all call ``search``."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import MutableMapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, Int64

from ..errors import InputError
from ..projection import place
from ..sources.pixels import cut
from ..types import Allowed, Image, Points, Queries, Vectors, VectorStore
from .deadline import Deadline
from .feedback import Marked, mean_direction, refine
from .filters import allowed_rows
from .hits import Facts, Hit, SearchResult, make_hit, records
from .query import Example, Picture, Query, Region, Row, Rows, Selection

PLACED_BY = 15
"""Neighbours that decide where a query that is no row falls on the map."""
MOST_OVERFETCHED = 64
"""Own rows up to which more hits are asked for and dropped; more are left out by a filter, which reads every row."""
MOST_MEAN_ROWS = 20_000
"""Rows of one example that are averaged; of more, an even sample."""

NO_LIMIT = Deadline()

VectorCache = MutableMapping[tuple[str, ...], Float32[np.ndarray, "1 _"]]
"""Vectors of pictures that were searched with before, (1 d) each, where d differs by embedding; the caller bounds it."""


class Searchable(ABC):
    """The parts of an embedding that a search needs. ``collection.Embedding`` is one."""

    @property
    @abstractmethod
    def key(self) -> str: ...
    @property
    @abstractmethod
    def encoder_name(self) -> str: ...
    @property
    @abstractmethod
    def collection_name(self) -> str: ...
    @property
    @abstractmethod
    def items(self) -> pd.DataFrame:
        """One line per row."""

    @property
    @abstractmethod
    def annotated_items(self) -> pd.DataFrame:
        """``items`` with the columns that people made; hits have these too."""

    @property
    @abstractmethod
    def vectors(self) -> Vectors: ...
    @property
    @abstractmethod
    def index(self) -> VectorStore: ...
    @property
    @abstractmethod
    def nearest_scores(self) -> Float[np.ndarray, " n"]:
        """Cosine of each row to its nearest other row, ascending."""

    @property
    @abstractmethod
    def layout(self) -> Points | None:
        """The newest map; None where there is none."""

    @abstractmethod
    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        """``items``, with further columns such as map quality where these are named."""

    @abstractmethod
    def image(self, row: int) -> Image:
        """The picture of a row."""

    @abstractmethod
    def row_of(self, sha256: str) -> int | None:
        """The first row with these pixels."""

    @abstractmethod
    def selection(self, name: str) -> Int64[np.ndarray, " m"]:
        """Rows of a saved selection. Raises ``InputError``."""

    @abstractmethod
    def encode(self, image: Image) -> Queries:
        """(h w 3) uint8 -> (1 d) by the encoder that made the embedding."""


def search(embedding: Searchable, query: Query, *, cache: VectorCache | None = None, deadline: Deadline = NO_LIMIT) -> SearchResult:
    """The ``query.k`` allowed rows nearest to the query, best first; fewer where fewer are allowed.

    ``cache`` keeps vectors of pictures between calls. Raises ``InputError`` for a query that does not fit this collection,
    ``SearchTooSlow`` where ``deadline`` passes before the end.
    """
    started = time.perf_counter()
    if not query.like:
        raise InputError("There is nothing to search with; give a row, a picture or a selection.")
    n = len(embedding.items)
    vector = query_vector(embedding, query, cache=cache, deadline=deadline)
    own = own_rows(embedding, query.like)
    left_out = np.empty(0, np.int64) if query.include_query else own
    allowed = _allowed(embedding, query, own, deadline)
    n_allowed = n - len(left_out) if allowed is None else int(allowed.sum() - allowed[left_out].sum())
    deadline.check()
    hits, nearest = _nearest(embedding.index, vector, query.k, allowed=allowed, left_out=left_out, own=own)
    deadline.check()
    if query.min_score is not None:
        hits = [(row, score) for row, score in hits if score >= query.min_score]
    facts = Facts(
        rows=tuple(own.tolist()) if len(own) <= MOST_OVERFETCHED else (),
        not_excluded=_not_excluded(embedding, query, own),
        allowed=n_allowed,
        closer_than=_closer_than(embedding, query, nearest),
        nearest=tuple(nearest),
        map_xy=_map_xy(embedding, query, own, nearest),
    )
    return SearchResult(
        embedding.collection_name,
        embedding.encoder_name,
        embedding.key,
        query,
        facts,
        _as_hits(embedding.annotated_items, hits),
        time.perf_counter() - started,
    )


def query_vector(embedding: Searchable, query: Query, *, cache: VectorCache | None = None, deadline: Deadline = NO_LIMIT) -> Queries:
    """(1 d) the vector of the query. Raises ``InputError``, ``SearchTooSlow``."""
    base = _stacked(embedding, query.like, cache, deadline)
    if len(base) > 1:
        base = mean_direction(base)
    if query.more_like or query.unlike:
        more_like, unlike = (_stacked(embedding, examples, cache, deadline) for examples in (query.more_like, query.unlike))
        base = refine(base, more_like=more_like, unlike=unlike)
    if not np.isfinite(base).all():
        raise InputError("The query vector has values that are not numbers; encode the picture again.")
    return base


def own_rows(embedding: Searchable, examples: Sequence[Example]) -> Int64[np.ndarray, " m"]:
    """Rows of the collection the examples were taken from, ascending; of a picture from outside the row with its pixels."""
    found = [_rows(embedding, example) for example in examples]
    return np.unique(np.concatenate([np.empty(0, np.int64), *found]))


def _rows(embedding: Searchable, example: Example) -> Int64[np.ndarray, " m"]:
    match example:
        case Row(row):
            rows = np.array([row], np.int64)
        case Rows(given):
            rows = np.array(given, np.int64)
        case Selection(name):
            return embedding.selection(name)
        case Region(of):
            return _rows(embedding, of)
        case Picture():
            same = embedding.row_of(example.sha256)
            return np.array([] if same is None else [same], np.int64)
    n = len(embedding.items)
    if len(rows) == 0:
        raise InputError("No rows are given to search with; choose some first.")
    if rows.min() < 0 or rows.max() >= n:
        wrong = int(rows[(rows < 0) | (rows >= n)][0])
        raise InputError(f"Row {wrong} is not in {embedding.collection_name!r}; rows go from 0 to {n - 1}.")
    return rows


def _stacked(embedding: Searchable, examples: Sequence[Example], cache: VectorCache | None, deadline: Deadline) -> Marked:
    found = []
    for example in examples:
        deadline.check()
        found.append(_vector(embedding, example, cache))
    return np.concatenate(found) if found else np.empty((0, embedding.index.dim), np.float32)


def _vector(embedding: Searchable, example: Example, cache: VectorCache | None) -> Queries:
    """(1 d) of one example."""
    match example:
        case Row(row):
            _rows(embedding, example)
            return np.array(embedding.vectors[[row]])
        case Rows() | Selection():
            rows = _rows(embedding, example)
            if len(rows) > MOST_MEAN_ROWS:
                rows = rows[np.linspace(0, len(rows) - 1, MOST_MEAN_ROWS).astype(int)]
            return mean_direction(np.array(embedding.vectors[rows]))
        case Picture() if (same := embedding.row_of(example.sha256)) is not None:
            return np.array(embedding.vectors[[same]])
    of, box = (example.of, example.box) if isinstance(example, Region) else (example, None)
    source = f"row {of.row}" if isinstance(of, Row) else of.sha256
    name = (embedding.collection_name, embedding.key, source, str(box))
    if cache is not None and name in cache:
        return cache[name]
    _rows(embedding, of)
    image = embedding.image(of.row) if isinstance(of, Row) else of.pixels
    vector = embedding.encode(image if box is None else cut(image, box))
    if cache is not None:
        cache[name] = vector
    return vector


def _allowed(embedding: Searchable, query: Query, own: Int64[np.ndarray, " m"], deadline: Deadline) -> Allowed | None:
    columns = [*query.where, *query.exclude_same]
    like = own.tolist() if query.exclude_same and len(own) else None
    table = embedding.table(columns)
    return allowed_rows(table, where=query.where, exclude_same=query.exclude_same, like=like, check=deadline.check)


def _nearest(
    index: VectorStore,
    vector: Queries,
    k: int,
    *,
    allowed: Allowed | None,
    left_out: Int64[np.ndarray, " m"],
    own: Int64[np.ndarray, " o"],
) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """The k hits, and the rows nearest to the query regardless of filters (without its own). One pass where nothing is filtered."""
    few = len(left_out) <= MOST_OVERFETCHED
    wide = min(
        index.n, max(k if allowed is None and few else 0, PLACED_BY) + len(own[:MOST_OVERFETCHED]) + len(left_out[:MOST_OVERFETCHED])
    )
    everything = _pairs(*index.search(vector, wide))
    nearest = [pair for pair in everything if pair[0] not in set(own.tolist())][:PLACED_BY]
    if allowed is None and few:
        return [pair for pair in everything if pair[0] not in set(left_out.tolist())][:k], nearest
    mask = np.ones(index.n, dtype=bool) if allowed is None else allowed.copy()
    mask[left_out] = False
    return _pairs(*index.search(vector, min(k, index.n), allowed=mask)), nearest


def _pairs(scores: Float[np.ndarray, "1 k"], rows: Int64[np.ndarray, "1 k"]) -> list[tuple[int, float]]:
    return [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row >= 0]


def _not_excluded(embedding: Searchable, query: Query, own: Int64[np.ndarray, " m"]) -> tuple[str, ...]:
    if not query.exclude_same:
        return ()
    table = embedding.table(query.exclude_same)
    return tuple(column for column in query.exclude_same if table[column].iloc[own].isna().any())


def _closer_than(embedding: Searchable, query: Query, nearest: Sequence[tuple[int, float]]) -> float | None:
    if len(query.like) > 1 or isinstance(query.like[0], Rows | Selection) or not nearest:
        return None
    scores = embedding.nearest_scores
    return float(np.searchsorted(scores, np.float32(nearest[0][1]), side="left") / len(scores))


def _map_xy(
    embedding: Searchable, query: Query, own: Int64[np.ndarray, " m"], nearest: Sequence[tuple[int, float]]
) -> tuple[float, float] | None:
    """Position of the query on the map: that of its row where it is one, else among the rows nearest to it."""
    xy = embedding.layout
    if xy is None:
        return None
    if len(query.like) == 1 and isinstance(query.like[0], Row | Picture) and len(own) == 1 and not (query.more_like or query.unlike):
        x, y = xy[own[0]]
        return float(x), float(y)
    return place_on_map(xy, nearest)


def place_on_map(xy: Points, nearest: Sequence[tuple[int, float]]) -> tuple[float, float] | None:
    """Position of a query on a map, from the rows nearest to it and their cosines; None where there are none."""
    if not nearest:
        return None
    rows, scores = (np.array([part]) for part in zip(*nearest, strict=True))
    (x, y), *_ = place(rows.astype(np.int64), scores.astype(np.float32), xy=np.asarray(xy))
    return float(x), float(y)


def _as_hits(items: pd.DataFrame, found: Sequence[tuple[int, float]]) -> list[Hit]:
    taken = records(items, [row for row, _ in found])
    return [make_hit(rank, row, score, record) for rank, ((row, score), record) in enumerate(zip(found, taken, strict=True), start=1)]
