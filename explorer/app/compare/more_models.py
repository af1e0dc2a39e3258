"""Describing a collection by one more model, from where one would compare it."""

from __future__ import annotations

import streamlit as st

from ... import encoders
from ...collection import Collection
from .. import ui
from ..shared import cache, job_requests
from ..ui.encoder_choice import FREE, choose_encoder


def button(collection: Collection) -> None:
    """Opens the choice of a model."""
    with st.popover("Add a model", key="compare/add"):
        ui.guarded(lambda: choose(collection))


def choose(collection: Collection) -> None:
    """A model, and the job that describes every patch by it, draws its map and finds its groups."""
    spec = choose_encoder("compare/model")
    ready = encoders.weights_state(spec, cache.settings().weights_dir) in FREE
    if spec.name in collection.encoder_names():
        st.caption("This model is here already. Starting it again does only what is not done.")
    if st.button("Start", type="primary", disabled=not ready, key="compare/start"):
        job_requests.start(job_requests.Embed(name=collection.name, encoder=spec.name))
        st.rerun()
