"""The page Map: every patch is a point, similar ones are close together; the selection is shown beside the map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from explorer.app import ui, widgets
from explorer.app.map import find_popover, layout_panel, second_map, selection_panel
from explorer.app.ui import map_views, site_bias, url_state
from explorer.collection import Collection


def choose_view() -> map_views.View:
    """The layout to show: from the URL, else the last one shown."""
    collection = ui.current()
    asked = url_state.asked()
    if asked is not None:
        ui.take_model(collection, asked)
        st.session_state[map_views.layout_key(collection)] = asked.get("map")
    encoder = ui.choose_encoder(collection)
    layouts = {artifact.key: artifact for artifact in map_views.layouts(collection, encoder)}
    key = st.session_state.get(map_views.layout_key(collection))
    view = map_views.View(collection, layouts.get(str(key)) or next(iter(layouts.values())), encoder)
    if asked is not None:
        take(view, asked)
    return view


def take(view: map_views.View, asked: Mapping[str, str]) -> None:
    """Take over colour, patch and selection from the URL."""
    picked = url_state.rows(asked.get("patch"))
    shapes = ui.guarded(lambda: url_state.unpack(asked.get("area")) or map_views.named(view, asked.get("of")))
    widgets.set_map_state(view.key, picked=picked[0] if picked else None, shapes=shapes or ())
    st.session_state[map_views.OF] = asked.get("of")
    st.session_state[second_map.key_of(view)] = asked.get("beside")
    st.session_state[colour_key(view.collection)] = asked.get("colour")


def colour_key(collection: Collection) -> str:
    """Key of the colour control."""
    return f"map/colour/{collection.name}"


@st.fragment
def show() -> None:
    """Show the map and the selection; a click reruns only this fragment."""
    ui.guarded(_show)


def _show() -> None:
    left, right = st.columns([2.55, 1], gap="large")
    with left:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            view = choose_view()
            options = map_views.colours(view)
            first, state_key = next(iter(options)), colour_key(view.collection)
            if st.session_state.get(state_key) not in options:
                st.session_state[state_key] = first
            colour = st.selectbox(
                "Colour by", list(options), format_func=options.__getitem__, key=state_key, persist_state="session", width=280
            )
            find_popover.button(view)
            layout_panel.button(view)
            site_bias.line(view.collection, view.encoder)  # in this line, where it moves nothing
        other = second_map.other(view)
        if other is not None:
            second_map.link(view, other)
        before = widgets.map_state(view.key)
        seen = widgets.map_view(view.key, replace(map_views.data(view, colour=colour, picked=before.picked), addressed=True))
        layout_panel.trust_line(view, colour=colour, colour_key=state_key)
        if other is not None:
            seen = second_map.show(view, other, seen, colour=colour)
    with right:
        selection_panel.panel(view, seen)
    url_state.leave(
        "map",
        colour=colour if colour != first else None,
        patch=seen.picked,
        model=ui.model_word(view.collection),
        beside=other.projection.key if other else None,
        **map_views.url_params(view, seen.shapes),
    )


show()
