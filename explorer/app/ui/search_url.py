"""Number of hits, filters and relevance feedback: their controls and URL parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import streamlit as st

from ...collection import Collection
from ...errors import ArtifactMissing
from .. import ui, widgets
from ..widgets import Box
from . import filter_controls, map_views, query_state, url_state
from .filter_controls import Offer
from .query_state import Question
from .url_state import Where

GRID = "search/hits"
AMOUNTS = (12, 24, 48, 96)
APART = ("patient", "slide")
_NONE = "none"
_FIRST_AMOUNT = 24


def take(collection: Collection, asked: Mapping[str, str]) -> None:
    """Set the controls from URL parameters."""
    st.session_state["search/k"] = url_state.whole(asked.get("k"), _FIRST_AMOUNT, AMOUNTS)
    filter_controls.take(_offered(collection), url_state.filters(asked.get("only")), key=_key(collection))
    for column in APART:
        st.session_state[_apart(column)] = "apart" not in asked or column in asked["apart"].split("-")


def carried(collection: Collection) -> dict[str, Any]:
    """The settings of the controls as URL parameters, without those at their defaults."""
    where = filter_controls.conditions(_offered(collection), key=_key(collection))
    apart = [column for column in APART if st.session_state.get(_apart(column), True)]
    k = st.session_state.get("search/k", _FIRST_AMOUNT)
    return {"k": k if k != _FIRST_AMOUNT else None, "only": where, "apart": None if len(apart) == len(APART) else apart or _NONE}


def search(collection: Collection, **asked: object) -> NoReturn:
    """Go to the search page with a query and the present search settings."""
    url_state.go("search", collection=collection.name, model=ui.model_word(collection), **asked, **carried(collection))


def choose(collection: Collection, question: Question) -> Question:
    """Show the controls; returns the query with their settings."""
    row = query_state.known_row(collection, question)
    asked = list(question.rows) if row is None else [row]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.header("Most similar patches", anchor=False, width="stretch")
        apart = []
        for column in APART:
            if collection.items[column].isna().all():
                continue
            st.session_state.setdefault(_apart(column), True)
            known = bool(collection.items[column].iloc[asked].notna().any())
            why = None if known else f"The {column} of {'this patch' if asked else 'a picture from outside'} is not known."
            if (
                st.toggle(f"Leave out the same {column}", key=_apart(column), disabled=not known, help=why, persist_state="session")
                and known
            ):
                apart.append(column)
        where = _where(collection)
        st.session_state.setdefault("search/k", _FIRST_AMOUNT)
        k = st.selectbox(
            "How many",
            AMOUNTS,
            key="search/k",
            persist_state="session",
            width=110,
            label_visibility="collapsed",
            format_func=lambda n: f"{n} patches",
        )
    encoder = ui.choose_encoder(collection)
    return replace(question, k=k, where=where, exclude_same=tuple(apart), encoder=encoder)


def _where(collection: Collection) -> Where:
    offered = _offered(collection)
    if not offered:
        return {}
    active = len(filter_controls.conditions(offered, key=_key(collection)))
    with st.popover(f"Filter · {active}" if active else "Filter", key="search/filter"):
        st.caption("Only patches with one of these values, or in these ranges, are returned. Controls left unchanged do not filter.")
        return filter_controls.controls(offered, key=_key(collection))


def _offered(collection: Collection) -> Sequence[Offer]:
    """Columns to filter by, including map quality on the first map of the chosen encoder."""
    try:
        projection = map_views.layouts(collection, ui.model_word(collection))[0]
    except ArtifactMissing:
        projection = None
    return filter_controls.offers(collection, projection)


def feedback(marked: Mapping[int, int]) -> None:
    """Show which hits were marked as wanted or unwanted, with a button to undo."""
    steps: list[dict[int, int]] = st.session_state.setdefault("search/steps", [])
    if dict(marked) != (steps[-1] if steps else {}):
        steps.append(dict(marked))
    if not marked:
        return
    more, less = sum(way > 0 for way in marked.values()), sum(way < 0 for way in marked.values())
    words = [f"{more} +"] * bool(more) + [f"{less} −"] * bool(less)
    st.markdown(f"Refined by {' and '.join(words)}", width="content")
    st.button("Undo", key="search/undo", on_click=_undo, type="tertiary")
    st.button("Start over", key="search/over", on_click=_over, type="tertiary")


def _undo() -> None:
    steps = st.session_state["search/steps"]
    steps.pop()
    widgets.set_grid_state(GRID, liked=steps[-1] if steps else {})


def _over() -> None:
    st.session_state["search/steps"] = []
    widgets.set_grid_state(GRID, liked={})


def url_params(collection: Collection, question: Question) -> dict[str, Any]:
    """The query as URL parameters."""
    return {
        "patch": question.row,
        "picture": question.picture,
        "box": "_".join(f"{edge:.4g}" for edge in question.box) if question.box else None,
        "more": question.liked,
        "less": question.disliked,
        "model": ui.model_word(collection),
        **carried(collection),
    }


def box(text: str | None) -> Box | None:
    """A region from a URL parameter; None where it is invalid."""
    try:
        left, top, right, bottom = (float(part) for part in (text or "").split("_"))
    except ValueError:
        return None
    return (left, top, right, bottom) if 0 <= left < right <= 1 and 0 <= top < bottom <= 1 else None


def _key(collection: Collection) -> str:
    return f"search/only/{collection.name}"


def _apart(column: str) -> str:
    return f"search/apart/{column}"
