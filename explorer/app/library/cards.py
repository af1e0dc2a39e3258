"""Collections as cards."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image as Pillow
from PIL import ImageOps

from ... import jobs
from ...collection import Collection
from .. import ui
from ..shared import cache, job_requests, uploads
from ..ui import url_state

COLUMNS = 3
STRIP = 8
_SIDE_PX = 96
_GAP_PX = 2


def show(collections: Sequence[Collection]) -> None:
    """Show all collections, newest first."""
    busy = {job.collection for job in jobs.jobs(cache.settings().home) if job.is_active() and job.command[0] in ("build", "demo")}
    newest = sorted(collections, key=lambda collection: str(collection.record["created"]), reverse=True)
    for start in range(0, len(newest), COLUMNS):
        for column, collection in zip(st.columns(COLUMNS, gap="medium"), newest[start : start + COLUMNS], strict=False):
            with column, st.container(border=True, height="stretch", key=f"card-{cache.version(collection)}"):
                ui.guarded(partial(_card, collection, being_made=collection.name in busy))


def _card(collection: Collection, *, being_made: bool) -> None:
    items = collection.items
    st.image(strip(collection.path.name, cache.version(collection)), width="stretch", alt=f"Patches of {collection.name}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(ui.plain(collection.name), anchor=False, width="stretch")
        st.markdown(ui.count(collection.n, "patch"), width="content")
    names = [ui.encoder_title(name) for name in collection.encoder_names()]
    words = [", ".join(names) or "not described yet"]
    words += [ui.count(n, unit) for unit in ("label", "patient", "slide", "site") if (n := int(items[unit].nunique()))]
    size = ui.size(_bytes(str(collection.path), len(collection.encoder_names())))
    st.caption(ui.plain(" · ".join([*words, size, ui.day(collection.record["created"])])))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if being_made:
            st.markdown("Being made", width="content")
        elif names and collection.artifacts("neighbours") and collection.artifacts("projections"):
            for page, title in (("map", "Map"), ("search", "Search"), ("groups", "Groups")):
                url_state.link(page, title, **url_state.of(page, collection.name))
        else:
            st.button("Finish making it", key=f"finish-{collection.name}", on_click=_finish, args=(collection,))
        url_state.link("about", "About", collection=collection.name)
        _more(collection)
    if len(collection.rejects):
        with st.expander(f"{ui.count(len(collection.rejects), 'file')} could not be read"):
            st.dataframe(
                collection.rejects, hide_index=True, column_config={"uri": "File", "reason": "Why"}, key=f"rejects-{collection.name}"
            )


def _more(collection: Collection) -> None:
    with st.popover("More", type="tertiary", key=f"more-{collection.name}"):
        with st.form(f"rename-form-{collection.name}", border=False):
            name = st.text_input("New name", value=collection.name, key=f"name-{collection.name}", max_chars=100)
            renamed = st.form_submit_button("Rename", key=f"rename-{collection.name}")
        if renamed and name.strip() != collection.name:
            ui.guarded(lambda: _rename(collection, name))
        st.divider()
        sure = st.checkbox(f"Yes, delete {ui.plain(collection.name)} and all that was made from it", key=f"sure-{collection.name}")
        consequence = (
            "Pictures that were uploaded for it are deleted too."
            if _uploaded(collection)
            else "The pictures it was made from stay where they are."
        )
        st.caption(consequence)
        if st.button("Delete", key=f"delete-{collection.name}", disabled=not sure):
            ui.guarded(lambda: _delete(collection))


def _rename(collection: Collection, name: str) -> None:
    renamed = cache.rename(collection, name.strip())
    if st.session_state.get(ui.CHOSEN) == collection.name:
        st.session_state[ui.CHOSEN] = renamed.name
    st.rerun()


def _delete(collection: Collection) -> None:
    cache.remove(collection)
    if st.session_state.get(ui.CHOSEN) == collection.name:
        st.session_state.pop(ui.CHOSEN)
    st.rerun()


def _finish(collection: Collection) -> None:
    job_requests.start(job_requests.Embed(name=collection.name, encoder=(collection.encoder_names() or ["descriptor"])[0]))


def _uploaded(collection: Collection) -> bool:
    """True if it was made from an upload, which is deleted with it."""
    return (cache.settings().home / uploads.FOLDER).resolve() in Path(collection.record["source"]["uri"]).parents


@st.cache_data(max_entries=256, show_spinner=False)
def strip(name: str, version: str) -> bytes:
    """A few thumbnails side by side, as one JPEG."""
    collection = cache.collection(name)
    rows = np.unique(np.linspace(0, collection.n - 1, STRIP).astype(int))
    board = Pillow.new("RGBA", (STRIP * (_SIDE_PX + _GAP_PX) - _GAP_PX, _SIDE_PX))
    for place, row in enumerate(rows):
        with Pillow.open(io.BytesIO(collection.thumbnail(int(row)))) as small:
            board.paste(ImageOps.fit(small.convert("RGB"), (_SIDE_PX, _SIDE_PX)), (place * (_SIDE_PX + _GAP_PX), 0))
    out = io.BytesIO()
    board.save(out, "WEBP", quality=85)
    return out.getvalue()


@st.cache_data(ttl=60, max_entries=256, show_spinner=False)
def _bytes(path: str, embeddings: int) -> int:
    """Size of a collection on disk in bytes."""
    return sum(found.stat().st_size for found in Path(path).rglob("*") if found.is_file())
