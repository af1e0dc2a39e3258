"""The map: every patch a point, similar ones near each other; what is selected on it is shown beside it."""

from __future__ import annotations

import streamlit as st

from explorer.app import address, chosen, drawer, maps, ui, widgets


def choose_view() -> maps.View:
    """The layout to show, from the address or as it was left."""
    opened = ui.current()
    encoder = ui.choose_encoder(opened, "map")
    layouts = {made.key: made for made in maps.layouts(opened, encoder)}
    asked = address.asked() or {}
    if asked.get("map") in layouts:
        st.session_state[f"map/layout/{opened.name}"] = asked["map"]
    key = st.session_state.get(f"map/layout/{opened.name}")
    view = maps.View(opened, layouts.get(str(key)) or next(iter(layouts.values())), encoder)
    if asked:
        picked = address.rows(asked.get("patch"))
        shapes = ui.guarded(lambda: address.unpack(asked.get("area"))) or ()
        widgets.set_map_state(view.key, picked=picked[0] if picked else None, shapes=shapes)
        if asked.get("colour") in maps.colours(view):
            st.session_state[f"map/colour/{opened.name}"] = asked["colour"]
    return view


@st.fragment
def show(view: maps.View) -> None:
    """The map and what is selected on it; a click runs this part only."""
    ui.guarded(lambda: _show(view))


def _show(view: maps.View) -> None:
    opened = view.opened
    left, right = st.columns([2.55, 1], gap="large")
    with left:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            options = maps.colours(view)
            kept = f"map/colour/{opened.name}"
            if st.session_state.get(kept) not in options:
                st.session_state[kept] = next(iter(options))
            colour = st.selectbox("Colour by", list(options), format_func=options.__getitem__, key=kept, persist_state="session", width=280)
            drawer.button(view)
        before = widgets.map_state(view.key)
        seen = widgets.map_view(view.key, maps.data(view, colour=colour, picked=before.picked))
        drawer.trust_line(view)
    with right:
        chosen.panel(view, seen)
    address.leave("map", colour=colour, map=view.projection.key, patch=seen.picked, area=address.pack(seen.shapes))


ui.guarded(lambda: show(choose_view()))
