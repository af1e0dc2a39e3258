"""Choose what to search with: a patch found by text in its columns, one drawn at random, or a picture that is brought."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from ...collection import Collection
from ...errors import ImageRejected, InputError
from ...sources.images import decode
from ...sources.uploads import read_names
from .. import ui, widgets
from ..shared import cache, uploads, urls
from . import query_state

MOST_BYTES = 20_000_000
"""Maximal size in bytes of an uploaded query picture."""
FOUND = 12
"""Maximal number of patches shown for a typed name."""
FIRST = 24
"""Number of patches offered where there is no query yet."""

Search = Callable[..., object]
"""Goes to a page of hits; called with ``patch``, a row, or with ``picture``, the key of a query picture."""


def choose(collection: Collection, search: Search, *, room: str, columns: int | None = None) -> None:
    """Show the ways to choose another query; widget keys begin with ``room``."""
    brought = widgets.upload(
        f"{room}/bring", url=urls.uploads(), folder=False, paste=True, max_bytes=MOST_BYTES, words="Drop a picture here, or paste one."
    )
    if brought is not None:
        ui.guarded(lambda: search(picture=take(f"{room}/bring", brought.upload_id)))
    text = st.text_input("Find a patch", placeholder="name, label or number", key=f"{room}/find", persist_state="session").strip()
    if text:
        offer(collection, find(collection, text), search, key=f"{room}/found", columns=columns)
    if st.button("Any patch", key=f"{room}/any", help="One drawn at random"):
        search(patch=int(np.random.default_rng().integers(collection.n)))


def offer_some(collection: Collection, search: Search, *, key: str) -> None:
    """Offer patches from all over the collection, where there is no query yet."""
    offer(collection, np.unique(np.linspace(0, collection.n - 1, FIRST).astype(int)).tolist(), search, key=key)


def offer(collection: Collection, rows: Sequence[int], search: Search, *, key: str, columns: int | None = None) -> None:
    """Show rows to choose from."""
    if not rows:
        st.caption("No patch has this in its name, label, patient or slide. Try a part of it, or a row number.")
        return
    cards = ui.cards(collection, [(row, None) for row in rows])
    seen = widgets.result_grid(key, cards, thumb=urls.thumb(collection), columns=columns)
    if seen.opened is not None:
        search(patch=seen.opened)


def find(collection: Collection, text: str) -> list[int]:
    """The row with this number, or rows whose name, label, patient or slide contains the text."""
    rows = [int(text)] if text.isdecimal() and int(text) < collection.n else []
    for column in ("id", "label", "patient", "slide"):
        values = collection.items[column].astype("string")
        rows += np.flatnonzero(values.str.contains(text, case=False, regex=False).fillna(value=False)).tolist()[:FOUND]
    return list(dict.fromkeys(rows))[:FOUND]


def take(key: str, upload_id: str) -> str:
    """Take the picture uploaded by the widget with that key: keep it in memory for this session and delete its file."""
    widgets.forget(key)
    upload = uploads.find(cache.settings().home, upload_id)
    try:
        stored, name, _ = read_names(upload.path)[0]
        image = decode((upload.path / stored).read_bytes(), name=name, limits=cache.settings().limits)
    except ImageRejected as error:
        raise InputError(f"This picture cannot be used: {error}. Bring another one.") from error
    finally:
        uploads.remove(upload)
    return query_state.held().keep(image)
