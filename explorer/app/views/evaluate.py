"""What a model is worth for a label: reports with the honest number large, its anchors, classes and confusion; and new measurements."""

from __future__ import annotations

import streamlit as st

from explorer.app import address, jobboard, report_view, scores, ui


def show() -> None:
    """The page."""
    opened = ui.current()
    asked = address.asked() or {}
    if asked:
        ui.take_model(opened, scores.of_its_model(opened, asked))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Evaluate", anchor=False, width="stretch")
        encoder = ui.choose_encoder(opened)
        found = scores.choose(opened, encoder, asked)
    jobboard.panel(opened.name)
    if found is None:
        scores.first(opened, encoder)
    else:
        report_view.show(opened, found)
    newest = next(iter(scores.reports(opened, encoder)), None)
    address.leave("evaluate", report=found.key if found and newest and found.key != newest.key else None, model=ui.model_word(opened))


ui.guarded(show)
