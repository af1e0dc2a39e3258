"""The map: every patch a point, similar ones near each other; what is selected on it is shown beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from explorer.app import address, chosen, compare, drawer, finder, leaks, maps, ui, widgets
from explorer.collection import Collection


def choose_view() -> maps.View:
    """The layout to show, from the address or as it was left."""
    opened = ui.current()
    asked = address.asked()
    if asked is not None:
        ui.take_model(opened, asked)
        st.session_state[maps.layout_key(opened)] = asked.get("map")
    encoder = ui.choose_encoder(opened)
    layouts = {made.key: made for made in maps.layouts(opened, encoder)}
    key = st.session_state.get(maps.layout_key(opened))
    view = maps.View(opened, layouts.get(str(key)) or next(iter(layouts.values())), encoder)
    if asked is not None:
        take(view, asked)
    return view


def take(view: maps.View, asked: Mapping[str, str]) -> None:
    """Colour, patch and selection that an address asks for."""
    picked = address.rows(asked.get("patch"))
    shapes = ui.guarded(lambda: address.unpack(asked.get("area")) or maps.named(view, asked.get("of")))
    widgets.set_map_state(view.key, picked=picked[0] if picked else None, shapes=shapes or ())
    st.session_state[maps.OF] = asked.get("of")
    st.session_state[compare.key_of(view)] = asked.get("beside")
    st.session_state[colour_key(view.opened)] = asked.get("colour")


def colour_key(opened: Collection) -> str:
    """Of the colour control."""
    return f"map/colour/{opened.name}"


@st.fragment
def show() -> None:
    """The map and what is selected on it; a click runs this part only."""
    ui.guarded(_show)


def _show() -> None:
    left, right = st.columns([2.55, 1], gap="large")
    with left:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            view = choose_view()
            options = maps.colours(view)
            first, kept = next(iter(options)), colour_key(view.opened)
            if st.session_state.get(kept) not in options:
                st.session_state[kept] = first
            colour = st.selectbox("Colour by", list(options), format_func=options.__getitem__, key=kept, persist_state="session", width=280)
            finder.button(view)
            drawer.button(view)
            leaks.line(view.opened, view.encoder)  # in this line, where it moves nothing
        other = compare.other(view)
        if other is not None:
            compare.link(view, other)
        before = widgets.map_state(view.key)
        seen = widgets.map_view(view.key, replace(maps.data(view, colour=colour, picked=before.picked), addressed=True))
        drawer.trust_line(view, colour=colour, colour_key=kept)
        if other is not None:
            seen = compare.show(view, other, seen, colour=colour)
    with right:
        chosen.panel(view, seen)
    address.leave(
        "map",
        colour=colour if colour != first else None,
        patch=seen.picked,
        model=ui.model_word(view.opened),
        beside=other.projection.key if other else None,
        **maps.told(view, seen.shapes),
    )


show()
