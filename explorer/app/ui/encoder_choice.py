"""Choose an encoder to embed patches with."""

from __future__ import annotations

import streamlit as st

from ... import encoders
from ...encoders import EncoderSpec
from .. import ui
from ..shared import cache

FREE = ("none needed", "here", "to fetch")
"""States of weights (``encoders.weights_state``) in which an encoder can be used without a request for access."""


def choose_encoder(key: str) -> EncoderSpec:
    """Choose the encoder, with the facts needed for the choice."""
    specs = [encoders.spec(name) for name in encoders.names()]
    here = {spec.name: encoders.weights_state(spec, cache.settings().weights_dir) for spec in specs}
    order = {"none needed": 0, "here": 1, "to fetch": 2, "ask for access": 3, "not loadable here": 4}
    specs.sort(key=lambda spec: (spec.seed is not None, order[here[spec.name]]))
    spec = st.selectbox("Model", specs, format_func=lambda spec: f"{spec.title}  ·  {_state(spec, here[spec.name])}", key=key)
    numbers = [f"{spec.dim} numbers a patch"]
    if spec.parameters_m:
        numbers.append(f"{spec.parameters_m:g} million parameters")
    if spec.mpp:
        numbers.append(f"trained at {spec.mpp[0]:g} to {spec.mpp[1]:g} µm per pixel")
    st.caption(ui.plain(" · ".join(numbers)))
    use = "Not for commercial use." if spec.non_commercial else ""
    st.caption(ui.plain(f"Licence: {spec.license or 'none needed'}. {use}"))
    if here[spec.name] == "ask for access":
        st.warning(ui.plain(f"The publisher asks for a form first. To get it, {spec.access or 'ask at its page'}."))
    elif here[spec.name] == "not loadable here":
        st.warning(ui.plain(f"This model needs a program of its own. To get it, {spec.access}."))
    elif spec.seed is not None:
        st.warning("Its weights are random: it has learnt nothing. It is a baseline to compare other models with.")
    elif spec.name == "descriptor":
        st.caption(
            "Measures stain and texture by fixed filters; it has learnt nothing from tissue. Good for a first look, at once and anywhere."
        )
    return spec


def _state(spec: EncoderSpec, weights: str) -> str:
    if weights == "none needed":
        return "nothing to fetch"
    if weights == "here":
        return "weights here"
    if weights == "to fetch":
        return f"{ui.size(spec.download_bytes)} to fetch" if spec.download_bytes else "weights to fetch"
    return weights
