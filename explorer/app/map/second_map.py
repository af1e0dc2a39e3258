"""An optional second map below the first: another layout of the same patches with the same colours.

The two maps share selection, picked patch and hidden classes (see ``linked_maps``).
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from .. import widgets
from ..shared.selections import Shape
from ..ui import map_views
from ..ui.map_views import View
from ..widgets import MapState, linked_maps

_HEIGHT_PX = 420


def key_of(view: View) -> str:
    """Session key under which the key of the second layout is stored."""
    return f"map/beside/{view.collection.name}"


def choose(view: View, titles: Mapping[str, str]) -> None:
    """Choose the layout of the second map, if any; layouts by key."""
    state_key = key_of(view)
    if st.session_state.get(state_key) not in titles:
        st.session_state[state_key] = None
    before = other(view)
    st.selectbox(
        "Compare with",
        [None, *titles],
        format_func=lambda key: titles[key] if key else "nothing",
        key=state_key,
        persist_state="session",
        on_change=_keep,
        args=(view, before),
    )


def other(view: View) -> View | None:
    """The layout of the second map; None where there is none."""
    key = st.session_state.get(key_of(view))
    found = next((artifact for artifact in map_views.layouts(view.collection, view.encoder) if artifact.key == key), None)
    return None if found is None or key == view.projection.key else View(view.collection, found, view.encoder)


def carry(view: View, key: str, seen: MapState) -> None:
    """Copy the selection made on a layout to the map with that key."""
    rows = map_views.rows_of(view, seen.shapes)
    widgets.set_map_state(key, picked=seen.picked, shapes=(Shape("replace", rows=tuple(rows.tolist())),) if len(rows) else ())


def link(view: View, below: View) -> None:
    """Link the two maps; call it before they are shown."""
    linked_maps.link_maps(view.key, _below(below))


def show(view: View, below: View, seen: MapState, *, colour: str) -> MapState:
    """Show the second map. Returns the selection of both maps; a selection drawn on the second map is returned as rows."""
    again = widgets.map_view(_below(below), map_views.data(below, colour=colour, picked=seen.picked, height_px=_HEIGHT_PX))
    opened_row = again.opened if seen.opened is None else seen.opened
    return MapState(seen.picked, _as_rows(below, again) or seen.shapes, opened_row)


def _below(below: View) -> str:
    return f"below-{below.key}"


def _as_rows(view: View, seen: MapState) -> tuple[Shape, ...]:
    return (Shape("replace", rows=tuple(map_views.rows_of(view, seen.shapes).tolist())),) if seen.shapes else ()


def _keep(view: View, below: View | None) -> None:
    """Before the second map changes or closes, keep the selection made on it."""
    if below is not None and (seen := widgets.map_state(_below(below))).shapes:
        carry(below, view.key, seen)
