"""A second map below the first: the same patches, the same colours, the same selection, laid out otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from . import maps, widgets
from .maps import View
from .selection import Shape
from .widgets import MapState

_HEIGHT_PX = 420


def key_of(view: View) -> str:
    """In the session: key of the layout below."""
    return f"map/beside/{view.opened.name}"


def choose(view: View, titles: Mapping[str, str]) -> None:
    """Which layout is shown below, if any; layouts by key."""
    kept = key_of(view)
    if st.session_state.get(kept) not in titles:
        st.session_state[kept] = None
    st.selectbox(
        "Compare with", [None, *titles], format_func=lambda key: titles[key] if key else "nothing", key=kept, persist_state="session"
    )


def other(view: View) -> View | None:
    """The layout below; None where there is none."""
    key = st.session_state.get(key_of(view))
    found = next((made for made in maps.layouts(view.opened, view.encoder) if made.key == key), None)
    return None if found is None or key == view.projection.key else View(view.opened, found, view.encoder)


def carry(view: View, key: str, seen: MapState) -> None:
    """Show on the map of that key what is chosen on a layout."""
    rows = maps.rows_of(view, seen.shapes)
    widgets.set_map_state(key, picked=seen.picked, shapes=(Shape("replace", rows=tuple(rows.tolist())),) if len(rows) else ())


def show(view: View, below: View, seen: MapState, *, colour: str) -> None:
    """The second map. What is chosen on either is chosen on both."""
    key, told = f"below-{below.key}", f"below-{below.key}/told"
    chosen = (seen.picked, seen.shapes)
    if st.session_state.get(told) != chosen:
        carry(view, key, seen)
        st.session_state[told] = chosen
    before = widgets.map_state(key)
    again = widgets.map_view(key, maps.data(below, colour=colour, picked=before.picked, height_px=_HEIGHT_PX))
    if (again.picked, again.shapes) != st.session_state.get(f"{told}/there", (before.picked, before.shapes)):
        carry(below, view.key, again)
        now = widgets.map_state(view.key)
        st.session_state[told] = (now.picked, now.shapes)
        st.session_state[f"{told}/there"] = (again.picked, again.shapes)
        st.rerun(scope="fragment")
    st.session_state[f"{told}/there"] = (again.picked, again.shapes)
