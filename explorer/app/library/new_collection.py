"""Create a collection: choose a source, check how it was read, choose an encoder, start. Every choice has a default."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ... import encoders, pipeline
from ...errors import ExplorerError
from .. import ui, widgets
from ..shared import cache, job_requests, uploads, urls
from ..shared.redaction import without_paths
from ..ui.encoder_choice import FREE, choose_encoder
from . import understood

_FROM = "new/from"


def ways() -> None:
    """Show the three kinds of source until one is chosen; then the form for it."""
    if st.session_state.get(_FROM):
        ui.guarded(_form)
        return
    drop, server, demo = st.columns([1.5, 1, 1], gap="medium")
    with drop, st.container(border=True, height="stretch", key="way-drop"):
        st.header("Your own patches", anchor=False)
        brought = widgets.upload(
            "bring",
            url=urls.uploads(),
            max_bytes=cache.settings().max_upload_bytes,
            words="Drop patches, a folder or a zip here. One folder for each label is understood.",
        )
        if brought is not None:
            _take("upload", brought.upload_id)
    with server, st.container(border=True, height="stretch", key="way-server"):
        st.header("A folder on the server", anchor=False)
        st.caption("Or a zip, a table that lists pictures, or an HDF5 file. Nothing is copied but small previews.")
        with st.form("server-path", border=False):
            place = st.text_input("Place on the server", placeholder="~/slides/patches", key="new/place")
            if st.form_submit_button("Look there"):
                ui.guarded(lambda: _take("path", str(job_requests.allowed_path(place))))
    with demo, st.container(border=True, height="stretch", key="way-demo"):
        st.header("Demo tissue", anchor=False)
        st.caption("900 patches of drawn tissue from nine imaginary patients. None of it is real, and nothing is fetched.")
        if st.button("Open the demo tissue", type="primary", key="new/demo"):
            ui.guarded(lambda: _start_demo(job_requests.Demo()))
        _real()


def _real() -> None:
    """Offer the demo with real tissue once its licences are accepted or all its files are here."""
    missing = pipeline.real_to_fetch(cache.settings())
    with st.popover("Real tissue", type="tertiary", key="new/real"):
        st.markdown("7 180 patches of colorectal tissue from 50 patients, described by a model trained on pathology.")
        for line in pipeline.real_terms():
            st.caption(ui.plain(line))
        words = f"I accept these licences. Fetch {' and '.join(missing)}." if missing else "I accept these licences. All is here already."
        accepted = st.checkbox(ui.plain(words), key="new/real-accepted")
        if st.button("Build it", type="primary", key="new/real-start", disabled=not accepted):
            ui.guarded(lambda: _start_demo(job_requests.RealDemo(accept_licence=True)))


def _start_demo(asked: job_requests.Demo | job_requests.RealDemo) -> None:
    job_requests.start(asked)
    st.session_state["library/new"] = False
    st.rerun()


def _take(kind: str, what: str) -> None:
    st.session_state[_FROM] = (kind, what)
    st.rerun()


def drop() -> None:
    """Discard the form that was begun."""
    st.session_state.pop(_FROM, None)
    widgets.forget("bring")
    st.session_state.pop(understood.CHOICES, None)


def _form() -> None:
    kind, what = st.session_state[_FROM]
    with st.container(border=True, key="new-collection"):
        try:
            place = uploads.find(cache.settings().home, what).source() if kind == "upload" else Path(what)
            found = understood.read(str(place.resolve()))
        except ExplorerError as error:
            ui.nothing("No patches were found there.", "")
            st.text(without_paths(str(error)))
            understood.correct(None, [])
            st.button("Choose something else", on_click=drop)
            return
        st.header("New collection", anchor=False)
        understood.show(found)
        left, right = st.columns([1, 1.4], gap="large")
        with right:
            spec = choose_encoder("new/encoder")
        ready = encoders.weights_state(spec, cache.settings().weights_dir) in FREE
        with left, st.form("new/form", border=False):
            name = st.text_input("Name", value=_name(place, kind), key="new/name", max_chars=100)
            with st.container(horizontal=True):
                begun = st.form_submit_button("Start", type="primary", disabled=not ready, key="new/start")
                st.form_submit_button("Cancel", on_click=drop, key="new/cancel")
        if begun:
            ui.guarded(lambda: _start(kind, what, name=name.strip(), encoder=spec.name))


def _start(kind: str, what: str, *, name: str, encoder: str) -> None:
    place = "upload" if kind == "upload" else "path"
    job_requests.start(job_requests.Build.model_validate({"name": name, "encoder": encoder, place: what} | understood.choices()))
    drop()
    st.session_state["library/new"] = False
    st.rerun()


def _name(place: Path, kind: str) -> str:
    """A free collection name, derived from the folder's name where that can be read."""
    stem = "my patches" if kind == "upload" else place.stem
    stem = "".join(letter if letter.isalnum() or letter in " .+-_" else " " for letter in stem).strip(" .+-_")[:80] or "my patches"
    taken = {collection.name for collection in cache.collections()}
    return next(name for number in range(1, len(taken) + 2) if (name := stem if number == 1 else f"{stem} {number}") not in taken)
