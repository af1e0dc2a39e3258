"""Compare: models side by side, by their scores, on two linked maps, and by their answers to one query."""

from __future__ import annotations

import streamlit as st

from explorer.app import address, jobboard, moremodels, pair, scoretable, strips, ui
from explorer.collection import Collection

TABS = {"scores": "Scores", "maps": "Maps", "query": "One query"}
_TAB = "compare/tab"


def show() -> None:
    """The page."""
    opened = ui.current()
    opened.embedding()  # a collection that no model has described is to be finished first
    asked = address.asked()
    if asked is not None:
        st.session_state[_TAB] = asked["tab"] if asked.get("tab") in TABS else "scores"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Compare", anchor=False, width="stretch")
        moremodels.button(opened)
    st.session_state.setdefault(_TAB, "scores")
    tab = st.segmented_control(
        "Compare by", list(TABS), format_func=TABS.__getitem__, key=_TAB, required=True, label_visibility="collapsed"
    )
    jobboard.panel(None if tab == "scores" and st.session_state.get("compare/whole") else opened.name)
    there = pair.views(opened)
    alone(opened, {view.encoder for view in there.values()})
    if tab == "scores":
        told = scoretable.show(opened, asked)
        address.leave("compare", **told)
    elif tab == "query":
        told = strips.show(opened, asked)
        address.leave("compare", tab="query", **told)
    elif len(there) < 2:
        ui.nothing(
            "There is one map only.",
            "Add a model, or draw another map under 'Layout' on the Map page; two of them are shown here side by side.",
        )
        address.leave("compare", tab="maps")
    else:
        if asked is not None:
            pair.take(opened, there, asked)
        pair.show(opened, there)


def alone(opened: Collection, mapped: set[str]) -> None:
    """What to do where there is nothing to compare with yet; ``mapped`` models have a map."""
    if len(opened.encoder_names()) < 2:
        st.info(
            f"Only {ui.plain(ui.encoder_title(opened.encoder_names()[0]))} has described these patches. To compare, choose 'Add a model'."
        )
    for name in [name for name in opened.encoder_names() if name not in mapped]:
        st.info(f"{ui.plain(ui.encoder_title(name))} has no map yet. Choose it under 'Add a model' to finish it.")


ui.guarded(show)
