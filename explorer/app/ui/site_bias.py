"""A one-line warning where neighbours follow the hospital rather than the tissue, or an offer to measure this."""

from __future__ import annotations

import streamlit as st

from ... import pipeline
from ...collection import Collection
from .. import ui
from ..shared import job_requests
from . import url_state


def line(collection: Collection, encoder: str | None) -> None:
    """Show a warning where site bias is known, an offer where it was not measured, else nothing."""
    ui.guarded(lambda: _line(collection, encoder))


def _line(collection: Collection, encoder: str | None) -> None:
    known = pipeline.site_bias(collection, encoder)
    if known is None:
        return
    if known.warns:
        with st.container(key="site-bias", horizontal=True, vertical_alignment="center"):
            st.markdown(f":orange[:material/warning:] {ui.plain(known.sentence)}", width="stretch")
            if known.report is not None:
                url_state.link(
                    "evaluate", "See the report", collection=collection.name, model=ui.model_word(collection), report=known.report
                )
    elif known.state == "unmeasured" and not st.session_state.get(_dismissed(collection)):
        with st.container(key="site-bias", horizontal=True, vertical_alignment="center"):
            st.caption(ui.plain(known.sentence), width="stretch")
            st.button("Measure it", key="site-bias/measure", type="tertiary", on_click=_measure, args=(collection, encoder, known))
            st.button("Not now", key="site-bias/later", type="tertiary", on_click=_dismiss, args=(collection,))


def _measure(collection: Collection, encoder: str | None, known: pipeline.SiteBias) -> None:
    job_requests.start(
        job_requests.Evaluate(name=collection.name, encoder=encoder, protocol="site-bias", label=known.label, site=known.site)
    )
    _dismiss(collection)


def _dismiss(collection: Collection) -> None:
    st.session_state[_dismissed(collection)] = True


def _dismissed(collection: Collection) -> str:
    """Session key: the user declined to measure site bias now."""
    return f"site-bias/dismissed/{collection.name}"
