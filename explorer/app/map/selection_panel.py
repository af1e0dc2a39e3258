"""Beside the map: the patch that was clicked, or the patches that were drawn around."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from ... import pipeline
from ...search import INTERNAL
from .. import ui, widgets
from ..shared import urls
from ..shared.selections import Shape
from ..ui import charts, map_views, search_url
from ..ui.map_views import View
from ..widgets import MapState

MOST_CARDS = 60
"""Of a large selection a fair sample is shown."""
_PATCH_PX = 260


def panel(view: View, seen: MapState) -> None:
    """What is selected, or how to select."""
    rows = map_views.rows_of(view, seen.shapes)
    if seen.opened is not None:
        search_url.search(view.opened, patch=seen.opened)
    if len(rows):
        ui.guarded(lambda: _selection(view, seen, rows))
    elif seen.shapes:
        ui.nothing("No patch lies in there.", "Draw around some points, or press Escape to clear.")
    elif seen.picked is not None and 0 <= seen.picked < view.opened.n:
        ui.guarded(lambda: _patch(view, int(seen.picked or 0)))
    else:
        ui.nothing("Nothing is selected.", "Click a point to see that patch and its neighbours, or choose the lasso and draw around some.")
    _kept(view)


def _patch(view: View, row: int) -> None:
    opened = view.opened
    widgets.patch("map/patch", [ui.picture(opened, row)], height_px=_PATCH_PX)
    with st.container(horizontal=True):
        if st.button("Search with this patch", type="primary", key="map/search"):
            search_url.search(opened, patch=row)
        if st.button("Clear", key="map/clear"):
            _choose(view, picked=None)
    ui.facts(opened, row, key="map")
    near = opened.embedding(view.encoder).graph
    st.markdown("**Its nearest patches**")
    cards = ui.cards(opened, [(int(r), float(s)) for r, s in zip(near.rows[row, :12], near.scores[row, :12], strict=True) if r >= 0])
    state = widgets.result_grid("map/near", cards, thumb=urls.thumb(opened), columns=4)
    if state.opened is not None:
        _choose(view, picked=state.opened)


def _selection(view: View, seen: MapState, rows: np.ndarray) -> None:
    opened = view.opened
    with st.container(key="figure-selected"):
        st.markdown(ui.count(len(rows), "patch"))
    st.caption(f"{ui.share(len(rows) / opened.n)} of the collection")
    with st.container(horizontal=True):
        if st.button("Find similar", type="primary", key="map/similar", help="Search with the mean of these patches."):
            found = map_views.told(view, seen.shapes)
            if not found["area"] and not found["of"]:
                found["of"] = map_views.of_kept(pipeline.save_selection(opened, rows.tolist(), name="Searched with"))
            search_url.search(opened, **found)
        _save(view, rows)
        table = opened.items.iloc[rows].drop(columns=[*INTERNAL], errors="ignore")
        st.download_button(
            "Export",
            data=lambda: ui.csv(table.rename_axis("row").reset_index()),
            file_name=f"{opened.name} selection.csv",
            mime="text/csv",
        )
    columns = ui.class_columns(opened)
    if columns:
        names = {name: ui.COLUMN_NAMES.get(name, name) for name in columns}
        by = st.selectbox("What they are", columns, format_func=names.__getitem__, key="map/by", persist_state="session")
        charts.composition(opened.items[by].iloc[rows], opened.items[by], key="map/composition")
    gallery, listing = st.tabs(["Patches", "Table"])
    with gallery:
        shown = rows if len(rows) <= MOST_CARDS else rows[np.linspace(0, len(rows) - 1, MOST_CARDS).astype(int)]
        with st.container(height=440, border=False):
            state = widgets.result_grid(
                "map/gallery", ui.cards(opened, [(int(row), None) for row in shown]), thumb=urls.thumb(opened), columns=4
            )
        if len(shown) < len(rows):
            st.caption(f"{len(shown)} of them, evenly chosen")
        if state.opened is not None:
            search_url.search(opened, patch=state.opened)
    with listing:
        ui.listed(table.head(2000), key="map/table", height=440)
        if len(table) > 2000:
            st.caption("The first 2 000; export has all.")


def _save(view: View, rows: np.ndarray) -> None:
    with st.popover("Save", key="map/save"), st.form("map/save-form", border=False):
        name = st.text_input("Name", key="map/save-name", max_chars=100, placeholder="such as: odd crypts")
        if st.form_submit_button("Save selection", key="map/save-now"):
            ui.guarded(lambda: _keep(view, rows, name.strip()))


def _keep(view: View, rows: np.ndarray, name: str) -> None:
    if not name:
        st.caption("Give it a name first.")
        return
    pipeline.save_selection(view.opened, rows.tolist(), name=name)
    st.toast(f"{ui.count(len(rows), 'patch')} saved.")


def _kept(view: View) -> None:
    """Selections that were saved, to be shown again."""
    found = view.opened.artifacts("selections")
    if not found:
        return
    with st.expander(f"{ui.count(len(found), 'saved selection')}"):
        for kept in found:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"{ui.plain(kept.recipe['name'])} · {ui.count(int(kept.meta['measured']['n']), 'patch')}", width="stretch")
                if st.button("Show", key=f"show-{kept.key}", type="tertiary"):
                    st.session_state[map_views.OF] = map_views.of_kept(kept)
                    _choose(view, shapes=map_views.named(view, map_views.of_kept(kept)))


def _choose(view: View, *, picked: int | None = None, shapes: Sequence[Shape] = ()) -> None:
    widgets.set_map_state(view.key, picked=picked, shapes=shapes)
    st.rerun(scope="fragment")
