"""The panel beside the map: the patch that was clicked, or the patches that were selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from ...collection import SavedSelection
from ...errors import ExplorerError
from ...search import INTERNAL
from .. import ui, widgets
from ..shared import cache, urls
from ..shared.redaction import without_paths
from ..shared.selections import Shape
from ..ui import charts, map_views, search_url
from ..ui.map_views import View
from ..widgets import MapState

MOST_CARDS = 60
"""Of a large selection an even sample of this size is shown."""
_PATCH_PX = 260
_CHANGE = "map/change"
"""Session key of the last ``Change``."""


@dataclass(frozen=True, slots=True)
class Change:
    """The last change to the saved selections of a collection; ``entry`` is None where it failed."""

    collection: str
    entry_id: int | None
    sentence: str


def panel(view: View, seen: MapState) -> None:
    """Show the selection, or how to select."""
    rows = map_views.rows_of(view, seen.shapes)
    if seen.opened is not None:
        search_url.search(view.collection, patch=seen.opened)
    if len(rows):
        ui.guarded(lambda: _selection(view, seen, rows))
    elif seen.shapes:
        ui.nothing("No patch lies in there.", "Draw around some points, or press Escape to clear.")
    elif seen.picked is not None and 0 <= seen.picked < view.collection.n:
        ui.guarded(lambda: _patch(view, int(seen.picked or 0)))
    else:
        ui.nothing("Nothing is selected.", "Click a point to see that patch and its neighbours, or choose the lasso and draw around some.")
    _saved(view)


def _patch(view: View, row: int) -> None:
    collection = view.collection
    widgets.patch("map/patch", [ui.picture(collection, row)], height_px=_PATCH_PX)
    with st.container(horizontal=True):
        if st.button("Search with this patch", type="primary", key="map/search"):
            search_url.search(collection, patch=row)
        if st.button("Clear", key="map/clear"):
            _choose(view, picked=None)
    ui.facts(collection, row, key="map")
    near = collection.embedding(view.encoder).graph
    st.markdown("**Its nearest patches**")
    cards = ui.cards(collection, [(int(r), float(s)) for r, s in zip(near.rows[row, :12], near.scores[row, :12], strict=True) if r >= 0])
    state = widgets.result_grid("map/near", cards, thumb=urls.thumb(collection), columns=4)
    if state.opened is not None:
        _choose(view, picked=state.opened)


def _selection(view: View, seen: MapState, rows: np.ndarray) -> None:
    collection = view.collection
    with st.container(key="figure-selected"):
        st.markdown(ui.count(len(rows), "patch"))
    st.caption(f"{ui.share(len(rows) / collection.n)} of the collection")
    with st.container(horizontal=True):
        if st.button("Find similar", type="primary", key="map/similar", help="Search with the mean of these patches."):
            found = map_views.url_params(view, seen.shapes)
            if not found["area"] and not found["of"]:
                found["of"] = map_views.of_saved(collection.annotations.save_automatic_selection(rows, who=cache.LOCAL_USER))
            search_url.search(collection, **found)
        _save(view, rows)
        table = collection.table().iloc[rows].drop(columns=[*INTERNAL], errors="ignore")
        st.download_button(
            "Export",
            data=lambda: ui.csv(table.rename_axis("row").reset_index()),
            file_name=f"{collection.name} selection.csv",
            mime="text/csv",
        )
    columns = ui.class_columns(collection)
    if columns:
        names = {name: ui.COLUMN_NAMES.get(name, name) for name in columns}
        by = st.selectbox("What they are", columns, format_func=names.__getitem__, key="map/by", persist_state="session")
        charts.composition(collection.table()[by].iloc[rows], collection.table()[by], key="map/composition")
    gallery, listing = st.tabs(["Patches", "Table"])
    with gallery:
        shown = rows if len(rows) <= MOST_CARDS else rows[np.linspace(0, len(rows) - 1, MOST_CARDS).astype(int)]
        with st.container(height=440, border=False):
            state = widgets.result_grid(
                "map/gallery", ui.cards(collection, [(int(row), None) for row in shown]), thumb=urls.thumb(collection), columns=4
            )
        if len(shown) < len(rows):
            st.caption(f"{len(shown)} of them, evenly chosen")
        if state.opened is not None:
            search_url.search(collection, patch=state.opened)
    with listing:
        ui.listed(table.head(2000), key="map/table", height=440)
        if len(table) > 2000:
            st.caption("The first 2 000; export has all.")


def _save(view: View, rows: np.ndarray) -> None:
    with st.popover("Save", key="map/save"), st.form("map/save-form", border=False):
        title = st.text_input("Name", key="map/save-name", max_chars=100, placeholder="such as: odd crypts")
        if st.form_submit_button("Save selection", key="map/save-now"):
            ui.guarded(lambda: _save_as(view, rows, title.strip()))


def _save_as(view: View, rows: np.ndarray, title: str) -> None:
    if not title:
        st.caption("Give it a name first.")
        return
    replaced = title in {selection.title for selection in view.collection.annotations.selections()}
    saved = view.collection.annotations.save_selection(title, rows, who=cache.LOCAL_USER)
    st.session_state[_CHANGE] = Change(view.collection.name, int(saved.key), f"{saved.title} was {'replaced' if replaced else 'saved'}.")
    st.toast(f"{ui.count(len(rows), 'patch')} saved.")


def _saved(view: View) -> None:
    """Show the saved selections, with buttons to show and remove them; those saved automatically by searches come last."""
    _last_change(view)
    selections = sorted(view.collection.annotations.selections(), key=lambda selection: selection.automatic)
    if not selections:
        return
    with st.expander(ui.count(len(selections), "saved selection")):
        for selection in selections:
            with st.container(horizontal=True, vertical_alignment="center"):
                by_search = " &ensp; :gray[by a search]" if selection.automatic else ""
                st.markdown(f"{ui.plain(selection.title)} · {ui.count(selection.n_rows, 'patch')}{by_search}", width="stretch")
                st.button("Show", key=f"show-{selection.key}", type="tertiary", on_click=_show, args=(view, selection))
                st.button("Remove", key=f"remove-{selection.key}", type="tertiary", on_click=_remove, args=(view, selection))


def _show(view: View, selection: SavedSelection) -> None:
    st.session_state[map_views.OF] = map_views.of_saved(selection)
    widgets.set_map_state(view.key, shapes=map_views.named(view, map_views.of_saved(selection)))


def _remove(view: View, selection: SavedSelection) -> None:
    def remove() -> Change:
        entry = view.collection.annotations.remove_selection(selection.title, who=cache.LOCAL_USER)
        return Change(view.collection.name, entry.id, f"{selection.title} was removed.")

    _change(view, remove)


def _undo(view: View, change: Change) -> None:
    def undo() -> None:
        view.collection.annotations.undo(change.entry_id, who=cache.LOCAL_USER)

    _change(view, undo)


def _change(view: View, do: Callable[[], Change | None]) -> None:
    """Run the action of a button; its result or error is shown next to the button."""
    try:
        st.session_state[_CHANGE] = do()
    except ExplorerError as error:
        st.session_state[_CHANGE] = Change(view.collection.name, None, without_paths(str(error)))


def _last_change(view: View) -> None:
    """Show the last save or removal of this session, with a button to undo it."""
    change: Change | None = st.session_state.get(_CHANGE)
    if change is None or change.collection != view.collection.name:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(ui.plain(change.sentence), width="content")
        if change.entry_id is not None:
            st.button("Undo", key="map/undo", type="tertiary", on_click=_undo, args=(view, change))


def _choose(view: View, *, picked: int | None = None, shapes: Sequence[Shape] = ()) -> None:
    widgets.set_map_state(view.key, picked=picked, shapes=shapes)
    st.rerun(scope="fragment")
