"""What a model is worth for a label: reports with the score in large type, its baselines, classes and confusion; and new measurements."""

from __future__ import annotations

import streamlit as st

from explorer.app import ui
from explorer.app.evaluate import report_view, reports
from explorer.app.ui import job_panel, url_state


def show() -> None:
    """The page."""
    opened = ui.current()
    asked = url_state.asked() or {}
    if asked:
        ui.take_model(opened, reports.of_its_model(opened, asked))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Evaluate", anchor=False, width="stretch")
        encoder = ui.choose_encoder(opened)
        found = reports.choose(opened, encoder, asked)
    job_panel.panel(opened.name)
    if found is None:
        reports.first(opened, encoder)
    else:
        report_view.show(opened, found)
    newest = next(iter(reports.reports(opened, encoder)), None)
    url_state.leave("evaluate", report=found.key if found and newest and found.key != newest.key else None, model=ui.model_word(opened))


ui.guarded(show)
