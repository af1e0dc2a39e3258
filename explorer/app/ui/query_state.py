"""From what a reader asks on the search page to hits, and what can be said of the query itself."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from jaxtyping import UInt8

from ... import projection, search
from ...collection import Collection
from ...errors import InputError
from ...search import SearchResult
from ...storage import Artifact
from ...types import Image, Queries
from ..shared import cache, query_pictures
from ..shared.query_pictures import Held
from ..widgets import Box

Region = UInt8[np.ndarray, "part_h part_w 3"]
"""A part of a picture."""
PLACED_BY = 16
MOST_MEAN_ROWS = 20_000
"""Of a larger selection an even sample gives the mean."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query and what may answer it. Of ``row``, ``picture`` and ``rows`` one is given."""

    row: int | None = None
    picture: str | None = None
    """Id of a picture that this session brought."""
    rows: tuple[int, ...] = ()
    """A selection: its mean is the query."""
    box: Box | None = None
    """A part of the row's or the session's picture."""
    mpp: float | None = None
    """Micrometres per pixel of the session's picture, where its owner gave it."""
    liked: tuple[int, ...] = ()
    disliked: tuple[int, ...] = ()
    k: int = 24
    where: Mapping[str, Any] = field(default_factory=dict)
    exclude_same: tuple[str, ...] = ()
    encoder: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits, and where the query stands among the patches of the collection."""

    result: SearchResult
    closer_than: float | None
    """Share of the collection's patches whose own nearest neighbour is less similar to them than this query's is to it.

    None for a selection: its mean is no patch.
    """
    nearest: Sequence[int]
    """The rows nearest to the query when nothing but itself is left out, nearest first."""
    scores: Sequence[float]


@st.cache_resource(scope="session", on_release=Held.close, show_spinner=False)
def held() -> Held:
    """The query pictures of this session."""
    return Held()


def picture(opened: Collection, question: Question) -> Image | None:
    """The picture that is asked with, cut to its box; None for a selection. Raises ``Problem`` where it is no longer here."""
    if question.picture is not None:
        image = query_pictures.find(question.picture)
    elif question.row is not None:
        image = opened.image(question.row)
    else:
        return None
    return image if question.box is None else cut(image, question.box)


def cut(image: Image, box: Box) -> Region:
    """A region of a picture, at least one pixel wide and high. Raises ``InputError`` for a box outside of it."""
    left, top, right, bottom = box
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise InputError("The region does not lie in the picture; draw it again.")
    height, width = image.shape[:2]
    x0, y0 = int(left * width), int(top * height)
    region: Region = image[y0 : max(y0 + 1, round(bottom * height)), x0 : max(x0 + 1, round(right * width))]
    return np.ascontiguousarray(region)


def known_row(opened: Collection, question: Question) -> int | None:
    """The row the query was taken from, also where its picture was brought from outside."""
    return opened.row_of(query_pictures.find(question.picture)) if question.picture is not None else question.row


def ask(opened: Collection, question: Question) -> Answer:
    """Search. Raises what ``Collection.search`` raises."""
    started = time.perf_counter()
    index = opened.index(question.encoder)
    query = _query(opened, question)
    row = known_row(opened, question)
    like = [row] if row is not None else list(question.rows)
    apart = question.exclude_same if like else ()
    allowed = search.allowed_rows(_described(opened, question), where=question.where, exclude_same=apart, like=like or None)
    own = list(question.rows) if question.row is None else [question.row]
    if own:  # what one has is not what one looks for
        allowed = np.ones(opened.n, dtype=bool) if allowed is None else allowed
        allowed[own] = False
    with cache.searching:
        hits = search.find_hits(opened.items, index=index, query=query, k=question.k, allowed=allowed)
        scores, rows = index.search(query, min(PLACED_BY, index.n))
    others = [(int(r), float(s)) for r, s in zip(rows[0], scores[0], strict=True) if r >= 0 and r != row]
    closer = None if question.rows or not others else float((opened.neighbours(question.encoder).scores[:, 0] < others[0][1]).mean())
    told: dict[str, Any] = {"k": question.k, "where": dict(question.where), "exclude_same": list(question.exclude_same)}
    told |= {name: value for name in ("row", "rows", "box", "liked", "disliked") if (value := getattr(question, name)) not in (None, ())}
    made_by = str(opened.embedding(question.encoder).recipe["encoder"]["name"])
    return Answer(
        SearchResult(opened.name, made_by, told, hits, time.perf_counter() - started),
        closer,
        [r for r, _ in others],
        [s for _, s in others],
    )


def place(opened: Collection, question: Question, answer: Answer, layout: Artifact) -> tuple[float, float] | None:
    """Where the query lies on a map: at its row, or among the rows nearest to it; None where there are none."""
    xy = np.load(layout.path / "xy.npy", mmap_mode="r", allow_pickle=False)
    row = known_row(opened, question)
    moved = question.box or question.liked or question.disliked
    if row is not None and not moved:
        return float(xy[row, 0]), float(xy[row, 1])
    if not answer.nearest:
        return None
    rows, scores = np.array([answer.nearest], dtype=np.int64), np.array([answer.scores], dtype=np.float32)
    (x, y), *_ = projection.place(rows, scores, xy=np.asarray(xy))
    return float(x), float(y)


def _described(opened: Collection, question: Question) -> pd.DataFrame:
    """The rows, with what is known of their places on the map where a filter asks for it."""
    return opened.items if set(question.where) <= set(opened.items.columns) else opened.described(question.encoder)


def _query(opened: Collection, question: Question) -> Queries:
    """The vector to search with."""
    vectors = opened.vectors(question.encoder)
    base = _base(opened, question)
    liked, disliked = np.array(vectors[list(question.liked)]), np.array(vectors[list(question.disliked)])
    return search.refine(base, liked=liked, disliked=disliked) if question.liked or question.disliked else base


def _base(opened: Collection, question: Question) -> Queries:
    vectors = opened.vectors(question.encoder)
    if question.rows:
        rows = np.array(question.rows, dtype=np.int64)
        if len(rows) > MOST_MEAN_ROWS:
            rows = rows[np.linspace(0, len(rows) - 1, MOST_MEAN_ROWS).astype(int)]
        return search.mean_direction(np.array(vectors[rows]))
    row = None if question.box else known_row(opened, question)
    if row is not None:
        return np.array(vectors[[row]])
    kept: dict[Any, Queries] = st.session_state.setdefault("search/vectors", {})
    asked = replace(question, k=0, where={}, exclude_same=(), liked=(), disliked=())
    name = (opened.name, cache.version(opened), asked.row, asked.picture, asked.box, asked.encoder)
    if name not in kept:
        image = picture(opened, asked)
        if image is None:
            raise InputError("There is nothing to search with; choose a patch or bring a picture.")
        encoder = cache.picture_encoder(opened, question.encoder)
        with cache.searching:
            kept[name] = encoder.encode(encoder.prepare(image)[None]).numpy()
        while len(kept) > 32:
            kept.pop(next(iter(kept)))
    return kept[name]
