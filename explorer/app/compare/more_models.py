"""Embed a collection with one more encoder, from the page Compare."""

from __future__ import annotations

import streamlit as st

from ... import encoders
from ...collection import Collection
from .. import ui
from ..shared import cache, job_requests
from ..ui.encoder_choice import FREE, choose_encoder


def button(collection: Collection) -> None:
    """Show the button that opens the choice of an encoder."""
    with st.popover("Add a model", key="compare/add"):
        ui.guarded(lambda: choose(collection))


def choose(collection: Collection) -> None:
    """Choose an encoder, and start the job that embeds every patch with it, computes its map and its clusters."""
    spec = choose_encoder("compare/model")
    ready = encoders.weights_state(spec, cache.settings().weights_dir) in FREE
    if spec.name in collection.encoder_names():
        st.caption("This model is here already. Starting it again does only what is not done.")
    if st.button("Start", type="primary", disabled=not ready, key="compare/start"):
        job_requests.start(job_requests.Embed(name=collection.name, encoder=spec.name))
        st.rerun()
