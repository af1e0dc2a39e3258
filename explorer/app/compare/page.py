"""The page Compare: encoders side by side, by their scores, on two linked maps, and by their hits for one query."""

from __future__ import annotations

import streamlit as st

from explorer.app import ui
from explorer.app.compare import maps_tab, more_models, query_tab, scores_tab
from explorer.app.ui import job_panel, url_state
from explorer.collection import Collection

TABS = {"scores": "Scores", "maps": "Maps", "query": "One query"}
_TAB = "compare/tab"


def show() -> None:
    """Show the page."""
    collection = ui.current()
    collection.embedding()  # a collection that no model has described is to be finished first
    asked = url_state.asked()
    if asked is not None:
        st.session_state[_TAB] = asked["tab"] if asked.get("tab") in TABS else "scores"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Compare", anchor=False, width="stretch")
        more_models.button(collection)
    st.session_state.setdefault(_TAB, "scores")
    tab = st.segmented_control(
        "Compare by", list(TABS), format_func=TABS.__getitem__, key=_TAB, required=True, label_visibility="collapsed"
    )
    job_panel.panel(None if tab == "scores" and st.session_state.get("compare/whole") else collection.name)
    there = maps_tab.views(collection)
    alone(collection, {view.encoder for view in there.values()})
    if tab == "scores":
        url_params = scores_tab.show(collection, asked)
        url_state.leave("compare", **url_params)
    elif tab == "query":
        url_params = query_tab.show(collection, asked)
        url_state.leave("compare", tab="query", **url_params)
    elif len(there) < 2:
        ui.nothing(
            "There is one map only.",
            "Add a model, or draw another map under 'Layout' on the Map page; two of them are shown here side by side.",
        )
        url_state.leave("compare", tab="maps")
    else:
        if asked is not None:
            maps_tab.take(collection, there, asked)
        maps_tab.show(collection, there)


def alone(collection: Collection, mapped: set[str]) -> None:
    """Say what to do where there is only one encoder; ``mapped`` are the encoders with a map."""
    if len(collection.encoder_names()) < 2:
        only = ui.plain(ui.encoder_title(collection.encoder_names()[0]))
        st.info(f"Only {only} has described these patches. To compare, choose 'Add a model'.")
    for name in [name for name in collection.encoder_names() if name not in mapped]:
        st.info(f"{ui.plain(ui.encoder_title(name))} has no map yet. Choose it under 'Add a model' to finish it.")


ui.guarded(show)
