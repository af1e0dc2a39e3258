"""The query of this session, as pages and URLs hold it, and as a ``Query``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st
from cachetools import LRUCache

from ...collection import Collection
from ...errors import InputError
from ...search import Picture, Query, Region, Row, Rows, SearchResult, VectorCache
from ...sources.pixels import cut
from ...types import Image
from ..shared import cache, query_pictures
from ..shared.query_pictures import Held
from ..widgets import Box

MOST_VECTORS = 32
"""Number of vectors of pictures and regions that a session caches."""


@dataclass(frozen=True, slots=True)
class Question:
    """The query and the filters of its hits. Exactly one of ``row``, ``picture`` and ``rows`` is given."""

    row: int | None = None
    picture: str | None = None
    """Id of an uploaded picture of this session."""
    rows: tuple[int, ...] = ()
    """The rows of a selection."""
    box: Box | None = None
    """A region of the row's or the uploaded picture."""
    mpp: float | None = None
    """Micrometres per pixel of the uploaded picture, if the user gave it."""
    liked: tuple[int, ...] = ()
    disliked: tuple[int, ...] = ()
    k: int = 24
    where: Mapping[str, Any] = field(default_factory=dict)
    exclude_same: tuple[str, ...] = ()
    encoder: str | None = None

    def query(self) -> Query:
        """The same as a ``Query``. Raises ``InputError`` where there is no query or a picture is no longer stored."""
        if self.rows:
            example: Row | Rows | Picture | Region = Rows(self.rows)
        elif self.picture is not None:
            example = replace(query_pictures.picture(self.picture), mpp=self.mpp)
        elif self.row is not None:
            example = Row(self.row)
        else:
            raise InputError("There is nothing to search with; choose a patch or bring a picture.")
        if self.box is not None and not isinstance(example, Rows | Region):
            example = Region(example, self.box)
        more_like, unlike = (tuple(Row(row) for row in rows) for rows in (self.liked, self.disliked))
        return Query((example,), more_like, unlike, where=self.where, exclude_same=self.exclude_same, k=self.k)


@st.cache_resource(scope="session", on_release=Held.close, show_spinner=False)
def held() -> Held:
    """The query pictures of this session."""
    return Held()


def picture(collection: Collection, question: Question) -> Image | None:
    """The query picture, cut to its region; None for a selection. Raises ``NotFound`` where it is no longer stored."""
    if question.picture is not None:
        image = query_pictures.find(question.picture)
    elif question.row is not None:
        image = collection.image(question.row)
    else:
        return None
    return image if question.box is None else cut(image, question.box)


def known_row(collection: Collection, question: Question) -> int | None:
    """The row of the query, also where an uploaded picture equals a row."""
    if question.picture is not None:
        return collection.row_by_sha256.get(query_pictures.picture(question.picture).sha256)
    return question.row


def search(collection: Collection, question: Question) -> SearchResult:
    """The hits of the query. Raises what ``search.search`` raises."""
    vectors: VectorCache = st.session_state.setdefault("search/vectors", LRUCache(MOST_VECTORS))
    return cache.search(collection, question.query(), encoder=question.encoder, vectors=vectors)
