"""One line that warns where neighbours follow the hospital rather than the tissue, and offers to measure it where it was not."""

from __future__ import annotations

import streamlit as st

from ... import pipeline
from ...collection import Collection
from .. import ui
from ..shared import job_requests
from . import url_state


def line(opened: Collection, encoder: str | None) -> None:
    """A warning where site bias is known, an offer where it is not measured, else nothing."""
    ui.guarded(lambda: _line(opened, encoder))


def _line(opened: Collection, encoder: str | None) -> None:
    known = pipeline.site_bias(opened, encoder)
    if known is None:
        return
    if known.warns:
        with st.container(key="site-bias", horizontal=True, vertical_alignment="center"):
            st.markdown(f":orange[:material/warning:] {ui.plain(known.sentence)}", width="stretch")
            if known.report is not None:
                url_state.link("evaluate", "See the report", collection=opened.name, model=ui.model_word(opened), report=known.report)
    elif known.state == "unmeasured" and not st.session_state.get(_quiet(opened)):
        with st.container(key="site-bias", horizontal=True, vertical_alignment="center"):
            st.caption(ui.plain(known.sentence), width="stretch")
            st.button("Measure it", key="site-bias/measure", type="tertiary", on_click=_measure, args=(opened, encoder, known))
            st.button("Not now", key="site-bias/later", type="tertiary", on_click=_be_quiet, args=(opened,))


def _measure(opened: Collection, encoder: str | None, known: pipeline.SiteBias) -> None:
    job_requests.start(job_requests.Evaluate(name=opened.name, encoder=encoder, protocol="site-bias", label=known.label, site=known.site))
    _be_quiet(opened)


def _be_quiet(opened: Collection) -> None:
    st.session_state[_quiet(opened)] = True


def _quiet(opened: Collection) -> str:
    """Name in the session state: the reader chose not to measure it now."""
    return f"site-bias/told/{opened.name}"
