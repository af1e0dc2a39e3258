"""The page Evaluate: reports with score, baselines, classes and confusion matrix, and new measurements."""

from __future__ import annotations

import streamlit as st

from explorer.app import ui
from explorer.app.evaluate import report_view, reports
from explorer.app.ui import job_panel, url_state


def show() -> None:
    """Show the page."""
    collection = ui.current()
    asked = url_state.asked() or {}
    if asked:
        ui.take_model(collection, reports.of_its_model(collection, asked))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Evaluate", anchor=False, width="stretch")
        encoder = ui.choose_encoder(collection)
        found = reports.choose(collection, encoder, asked)
    job_panel.panel(collection.name)
    if found is None:
        reports.first(collection, encoder)
    else:
        report_view.show(collection, found)
    newest = next(iter(reports.reports(collection, encoder)), None)
    url_state.leave("evaluate", report=found.key if found and newest and found.key != newest.key else None, model=ui.model_word(collection))


ui.guarded(show)
