"""Search: a patch, a part of one, a picture from outside or a selection; what is most like it, and what to make of that."""

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


def begin(opened: Collection) -> Question:
    """What the address asks, or what was asked last of this collection."""
    asked = url_state.asked()
    if asked is not None:
        ui.take_model(opened, asked)
        question = query_panel.read(opened, dict(asked))
        area = {name: asked[name] for name in ("area", "of", "map") if name in asked}
        st.session_state[_ASKED] = (opened.name, question, area)
        search_url.take(opened, asked)
        more, less = url_state.rows(asked.get("more")), url_state.rows(asked.get("less"))
        widgets.set_grid_state(
            search_url.GRID, liked={row: 1 for row in more if row < opened.n} | {row: -1 for row in less if row < opened.n}
        )
        st.session_state["search/steps"] = []
        st.session_state["search/how"] = next((how for how, word in _SHOWN_AS.items() if word == asked.get("as")), "Patches")
        if question.picture is not None:
            st.session_state[scale.key(question.picture)] = question.mpp
        if box := search_url.box(asked.get("box")):
            widgets.set_crop(query_panel.crop_key(question), box)
    name, question, _ = st.session_state.get(_ASKED, ("", Question(), {}))
    return question if name == opened.name else Question()


def show() -> None:
    """The page."""
    opened = ui.current()
    question = begin(opened)
    nothing_asked = question == Question()
    left, right = st.columns([1, 3.2], gap="large")
    with left:
        asked = None if nothing_asked else ui.guarded(lambda: query_panel.show(opened, question))
        if not nothing_asked:
            st.divider()
        query_panel.another(opened, first=nothing_asked)
    with right:
        if nothing_asked:
            query_panel.invite(opened)
            url_state.leave("search")
        elif asked is not None:
            ui.guarded(lambda: answer(opened, asked))


def answer(opened: Collection, question: Question) -> None:
    """What was found, and the controls of the search."""
    marked = widgets.grid_state(search_url.GRID).liked
    liked = tuple(sorted(row for row, way in marked.items() if way > 0))
    disliked = tuple(sorted(row for row, way in marked.items() if way < 0))
    question = search_url.choose(opened, replace(question, liked=liked, disliked=disliked))
    found = query_state.search(opened, question)
    hits_panel.summary(opened, question, found)
    st.session_state.setdefault("search/how", "Patches")
    with st.container(horizontal=True, vertical_alignment="center"):
        how = st.segmented_control(
            "Show as", [*_SHOWN_AS], required=True, key="search/how", persist_state="session", label_visibility="collapsed"
        )
        how = how or "Patches"
        search_url.feedback(marked)
        hits_panel.export(found)
        site_bias.line(opened, question.encoder)
    hits_panel.show(opened, question, found, how=how)
    shown = {"mpp": question.mpp, "as": _SHOWN_AS[how]} | st.session_state[_ASKED][2]
    url_state.leave("search", **search_url.told(opened, question), **shown)


ui.guarded(show)
