"""Collections as cards."""

from __future__ import annotations

import io
from collections.abc import Sequence
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
    """All collections, newest first."""
    busy = {job.collection for job in jobs.jobs(cache.settings().home) if job.is_active() and job.command[0] in ("build", "demo")}
    newest = sorted(collections, key=lambda opened: str(opened.record["created"]), reverse=True)
    for start in range(0, len(newest), COLUMNS):
        for column, opened in zip(st.columns(COLUMNS, gap="medium"), newest[start : start + COLUMNS], strict=False):
            with column, st.container(border=True, height="stretch", key=f"card-{cache.version(opened)}"):
                ui.guarded(lambda opened=opened: _card(opened, being_made=opened.name in busy))  # type: ignore[misc]


def _card(opened: Collection, *, being_made: bool) -> None:
    items = opened.items
    st.image(strip(opened.path.name, cache.version(opened)), width="stretch", alt=f"Patches of {opened.name}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(ui.plain(opened.name), anchor=False, width="stretch")
        st.markdown(ui.count(opened.n, "patch"), width="content")
    names = [ui.encoder_title(name) for name in opened.encoder_names()]
    words = [", ".join(names) or "not described yet"]
    words += [ui.count(n, unit) for unit in ("label", "patient", "slide", "site") if (n := int(items[unit].nunique()))]
    st.caption(
        ui.plain(
            f"{' · '.join(words)} · {ui.size(_bytes(str(opened.path), len(opened.encoder_names())))} · {ui.day(opened.record['created'])}"
        )
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if being_made:
            st.markdown("Being made", width="content")
        elif names and opened.artifacts("neighbours") and opened.artifacts("projections"):
            for page, title in (("map", "Map"), ("search", "Search"), ("groups", "Groups")):
                url_state.link(page, title, **url_state.of(page, opened.name))
        else:
            st.button("Finish making it", key=f"finish-{opened.name}", on_click=_finish, args=(opened,))
        url_state.link("about", "About", collection=opened.name)
        _more(opened)
    if len(opened.rejects):
        with st.expander(f"{ui.count(len(opened.rejects), 'file')} could not be read"):
            st.dataframe(opened.rejects, hide_index=True, column_config={"uri": "File", "reason": "Why"}, key=f"rejects-{opened.name}")


def _more(opened: Collection) -> None:
    with st.popover("More", type="tertiary", key=f"more-{opened.name}"):
        with st.form(f"rename-form-{opened.name}", border=False):
            name = st.text_input("New name", value=opened.name, key=f"name-{opened.name}", max_chars=100)
            renamed = st.form_submit_button("Rename", key=f"rename-{opened.name}")
        if renamed and name.strip() != opened.name:
            ui.guarded(lambda: _rename(opened, name))
        st.divider()
        sure = st.checkbox(f"Yes, delete {ui.plain(opened.name)} and all that was made from it", key=f"sure-{opened.name}")
        kept = (
            "Pictures that were uploaded for it are deleted too."
            if _uploaded(opened)
            else "The pictures it was made from stay where they are."
        )
        st.caption(kept)
        if st.button("Delete", key=f"delete-{opened.name}", disabled=not sure):
            ui.guarded(lambda: _delete(opened))


def _rename(opened: Collection, name: str) -> None:
    renamed = cache.rename(opened, name.strip())
    if st.session_state.get(ui.CHOSEN) == opened.name:
        st.session_state[ui.CHOSEN] = renamed.name
    st.rerun()


def _delete(opened: Collection) -> None:
    cache.remove(opened)
    if st.session_state.get(ui.CHOSEN) == opened.name:
        st.session_state.pop(ui.CHOSEN)
    st.rerun()


def _finish(opened: Collection) -> None:
    job_requests.start(job_requests.Embed(name=opened.name, encoder=(opened.encoder_names() or ["descriptor"])[0]))


def _uploaded(opened: Collection) -> bool:
    """Whether it was made from an upload, which goes with it."""
    return (cache.settings().home / uploads.FOLDER).resolve() in Path(opened.record["source"]["uri"]).parents


@st.cache_data(max_entries=256, show_spinner=False)
def strip(name: str, version: str) -> bytes:
    """A few patches side by side, as one JPEG."""
    opened = cache.collection(name)
    rows = np.unique(np.linspace(0, opened.n - 1, STRIP).astype(int))
    board = Pillow.new("RGBA", (STRIP * (_SIDE_PX + _GAP_PX) - _GAP_PX, _SIDE_PX))
    for place, row in enumerate(rows):
        with Pillow.open(io.BytesIO(opened.thumbnail(int(row)))) as small:
            board.paste(ImageOps.fit(small.convert("RGB"), (_SIDE_PX, _SIDE_PX)), (place * (_SIDE_PX + _GAP_PX), 0))
    out = io.BytesIO()
    board.save(out, "WEBP", quality=85)
    return out.getvalue()


@st.cache_data(ttl=60, max_entries=256, show_spinner=False)
def _bytes(path: str, embeddings: int) -> int:
    """What a collection takes on disk."""
    return sum(found.stat().st_size for found in Path(path).rglob("*") if found.is_file())
