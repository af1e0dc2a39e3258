"""The panel beside the hits: the query, and ways to search with something else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from ...collection import Collection
from ...errors import ExplorerError
from .. import ui, widgets
from ..shared import query_pictures, urls
from ..ui import find_patches, map_views, search_url, url_state
from ..ui.query_state import Question
from . import scale


def show(collection: Collection, question: Question) -> Question:
    """Show the query with a control for the region to use; returns the query with that region."""
    if question.rows:
        with st.container(key="figure-query"):
            st.markdown(ui.count(len(question.rows), "patch"))
        st.caption("The search looks for what these have in common.")
        shown = [question.rows[at] for at in np.linspace(0, len(question.rows) - 1, min(8, len(question.rows))).astype(int)]
        widgets.result_grid("search/of", ui.cards(collection, [(row, None) for row in shown]), thumb=urls.thumb(collection), columns=4)
        return question
    if question.picture is not None:
        image = query_pictures.find(question.picture)
        url, name, size = urls.query(question.picture), "Your picture", (image.shape[1], image.shape[0])
    elif question.row is not None:
        item = collection.items.iloc[question.row]
        url = urls.patch(collection).replace("{row}", str(question.row))
        name, size = str(item["id"]), (int(item["width_px"]), int(item["height_px"]))
    else:
        return question
    box = widgets.crop(crop_key(question), url, alt=f"Query: {name}", side_px=size)
    mpp = scale.ask(question.picture) if question.picture is not None else None
    question = replace(question, box=box, mpp=mpp)
    scale.caution(collection, question, size)
    if question.row is not None:
        ui.facts(collection, question.row, key="query")
    elif (row := collection.row_of(query_pictures.find(question.picture or ""))) is not None:
        st.caption(f"This picture is patch {row} of the collection, pixel for pixel.")
    return question


def crop_key(question: Question) -> str:
    """Key of the crop widget; each picture has its own."""
    return f"search/crop/{question.picture or question.row}"


def another(collection: Collection, *, first: bool) -> None:
    """Show other ways to search."""
    st.markdown("**Bring a picture**" if first else "**Search with something else**")
    brought = widgets.upload(
        "search/bring",
        url=urls.uploads(),
        folder=False,
        paste=True,
        max_bytes=find_patches.MOST_BYTES,
        words="Drop a picture here, or paste one.",
    )
    if brought is not None:
        ui.guarded(lambda: search_url.search(collection, picture=find_patches.take("search/bring", brought.upload_id)))
    name = st.text_input("Find a patch", placeholder="name, label or number", key="search/find", persist_state="session")
    if name.strip():
        _offer(collection, find_patches.find(collection, name.strip()), key="search/found")
    if st.button("Any patch", key="search/any", help="One drawn at random"):
        search_url.search(collection, patch=int(np.random.default_rng().integers(collection.n)))


def invite(collection: Collection) -> None:
    """Where there is no query yet, offer patches to start with."""
    st.header("Search by example", anchor=False)
    st.markdown("Choose a patch, or bring a picture of your own: the patches most similar to it are found.")
    rows = np.unique(np.linspace(0, collection.n - 1, find_patches.FIRST).astype(int))
    _offer(collection, rows.tolist(), key="search/first")


def _offer(collection: Collection, rows: list[int], *, key: str) -> None:
    if not rows:
        st.caption("No patch is called so. Try a part of its name, a label, or a number.")
        return
    state = widgets.result_grid(key, ui.cards(collection, [(row, None) for row in rows]), thumb=urls.thumb(collection))
    if state.opened is not None:
        search_url.search(collection, patch=state.opened)


def read(collection: Collection, asked: dict[str, str]) -> Question:
    """The query of a URL. Parts that belong to another collection or cannot be read are left out."""
    try:
        rows = _area(collection, asked)
    except ExplorerError as error:
        ui.trouble(error)
        rows = ()
    given = [row for row in url_state.rows(asked.get("patch")) if row < collection.n]
    return Question(mpp=scale.read(asked.get("mpp")), row=given[0] if given else None, picture=asked.get("picture"), rows=rows)


def _area(collection: Collection, asked: dict[str, str]) -> tuple[int, ...]:
    if not asked.get("area") and not asked.get("of"):
        return ()
    encoder = ui.model_word(collection) or collection.encoder_names()[0]
    layouts = map_views.layouts(collection, encoder)
    view = map_views.View(collection, next((artifact for artifact in layouts if artifact.key == asked.get("map")), layouts[0]), encoder)
    shapes = url_state.unpack(asked.get("area")) or map_views.named(view, asked.get("of"))
    return tuple(int(row) for row in map_views.rows_of(view, shapes))
