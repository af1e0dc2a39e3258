"""The page Search: search by a patch, a region of one, an uploaded picture or a selection, and explore the hits."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from explorer.app import ui, widgets
from explorer.app.search import hits_panel, query_panel, scale
from explorer.app.ui import query_state, search_url, site_bias, url_state
from explorer.app.ui.query_state import Question
from explorer.collection import Collection

_ASKED = "search/asked"
_SHOWN_AS = {"Patches": None, "Map": "map", "Table": "table"}  # ways to look at what was found -> as an address says it


def begin(collection: Collection) -> Question:
    """Set the query from the URL, or restore the last query on this collection."""
    asked = url_state.asked()
    if asked is not None:
        ui.take_model(collection, asked)
        question = query_panel.read(collection, dict(asked))
        area = {name: asked[name] for name in ("area", "of", "map") if name in asked}
        st.session_state[_ASKED] = (collection.name, question, area)
        search_url.take(collection, asked)
        more, less = url_state.rows(asked.get("more")), url_state.rows(asked.get("less"))
        widgets.set_grid_state(
            search_url.GRID, liked={row: 1 for row in more if row < collection.n} | {row: -1 for row in less if row < collection.n}
        )
        st.session_state["search/steps"] = []
        st.session_state["search/how"] = next((how for how, word in _SHOWN_AS.items() if word == asked.get("as")), "Patches")
        if question.picture is not None:
            st.session_state[scale.key(question.picture)] = question.mpp
        if box := search_url.box(asked.get("box")):
            widgets.set_crop(query_panel.crop_key(question), box)
    name, question, _ = st.session_state.get(_ASKED, ("", Question(), {}))
    return question if name == collection.name else Question()


def show() -> None:
    """Show the page."""
    collection = ui.current()
    question = begin(collection)
    nothing_asked = question == Question()
    left, right = st.columns([1, 3.2], gap="large")
    with left:
        asked = None if nothing_asked else ui.guarded(lambda: query_panel.show(collection, question))
        if not nothing_asked:
            st.divider()
        query_panel.another(collection, first=nothing_asked)
    with right:
        if nothing_asked:
            query_panel.invite(collection)
            url_state.leave("search")
        elif asked is not None:
            ui.guarded(lambda: answer(collection, asked))


def answer(collection: Collection, question: Question) -> None:
    """Show the hits and the search controls."""
    marked = widgets.grid_state(search_url.GRID).liked
    liked = tuple(sorted(row for row, way in marked.items() if way > 0))
    disliked = tuple(sorted(row for row, way in marked.items() if way < 0))
    question = search_url.choose(collection, replace(question, liked=liked, disliked=disliked))
    found = query_state.search(collection, question)
    hits_panel.summary(collection, question, found)
    st.session_state.setdefault("search/how", "Patches")
    with st.container(horizontal=True, vertical_alignment="center"):
        how = st.segmented_control(
            "Show as", [*_SHOWN_AS], required=True, key="search/how", persist_state="session", label_visibility="collapsed"
        )
        how = how or "Patches"
        search_url.feedback(marked)
        hits_panel.export(found)
        site_bias.line(collection, question.encoder)
    hits_panel.show(collection, question, found, how=how)
    shown = {"mpp": question.mpp, "as": _SHOWN_AS[how]} | st.session_state[_ASKED][2]
    url_state.leave("search", **search_url.url_params(collection, question), **shown)


ui.guarded(show)
