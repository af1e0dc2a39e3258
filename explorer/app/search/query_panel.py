"""The panel beside the hits: the query, and ways to search with something else."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

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
    find_patches.choose(collection, partial(search_url.search, collection), room="search")


def invite(collection: Collection) -> None:
    """Where there is no query yet, offer patches to start with."""
    st.header("Search by example", anchor=False)
    st.markdown("Choose a patch, or bring a picture of your own: the patches most similar to it are found.")
    find_patches.offer_some(collection, partial(search_url.search, collection), key="search/first")


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
