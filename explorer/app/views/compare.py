"""Compare: models side by side, by their scores, on two linked maps, and by their answers to one query."""

from __future__ import annotations

import streamlit as st

from explorer.app import address, jobboard, moremodels, pair, scoretable, strips, ui
from explorer.collection import Collection

VIEWS = {"scores": "Scores", "maps": "Maps", "query": "One query"}


def show() -> None:
    """The page."""
    opened = ui.current()
    opened.embedding()  # a collection that no model has described is to be finished first
    asked = address.asked()
    if asked is not None:
        view = asked.get("view")
        st.session_state["compare/view"] = view if view in VIEWS else "scores"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Compare", anchor=False, width="stretch")
        moremodels.button(opened)
    st.session_state.setdefault("compare/view", "scores")
    view = st.segmented_control(
        "View", list(VIEWS), format_func=VIEWS.__getitem__, key="compare/view", required=True, label_visibility="collapsed"
    )
    jobboard.panel(opened.name)
    alone(opened)
    if view == "scores":
        told = scoretable.show(opened, asked)
        address.leave("compare", **told)
    elif view == "query":
        told = strips.show(opened, asked)
        address.leave("compare", view="query", **told)
    elif len(pair.views(opened)) < 2:
        ui.nothing(
            "There is one map only.",
            "Add a model, or draw another map under 'Layout' on the Map page; two of them are shown here side by side.",
        )
        address.leave("compare", view="maps")
    else:
        if asked is not None:
            pair.take(opened, asked)
        pair.show(opened)


def alone(opened: Collection) -> None:
    """What to do where there is nothing to compare with yet."""
    if len(opened.encoder_names()) < 2:
        st.info(
            f"Only {ui.plain(ui.encoder_title(opened.encoder_names()[0]))} has described these patches. To compare, choose 'Add a model'."
        )
    for name in pair.unfinished(opened):
        st.info(f"{ui.plain(ui.encoder_title(name))} has no map yet. Choose it under 'Add a model' to finish it.")


ui.guarded(show)
