"""Display of search hits: patches, a summary, and each hit enlarged beside the query."""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st

from ...collection import Collection
from ...search import SearchResult
from .. import ui, widgets
from ..shared import urls
from ..ui import map_views, query_state, search_url, url_state
from ..ui.query_state import Question
from ..widgets import Picture, Query
from . import scale


def summary(collection: Collection, question: Question, result: SearchResult) -> None:
    """Say in words which labels the hits have and how similar they are."""
    hits = result.hits
    labelled = [hit for hit in hits if hit.label is not None]
    if labelled:
        shares = result.label_shares()
        labels = [f"**{ui.plain(label)}** {round(part * len(labelled))} of {len(labelled)}" for label, part in list(shares.items())[:5]]
        more = f" · {ui.count(len(shares) - 5, 'label')} more" if len(shares) > 5 else ""
        st.markdown(f"Labels of these patches: {' · '.join(labels)}{more}")
        st.caption("This says how similar patches were labelled. It is evidence to look at, not a diagnosis of the query.")
    if (near := result.facts.closer_than) is not None:
        if near >= 0.05:
            st.caption(f"It has closer company here than {ui.share(near)} of the collection's own patches have.")
        else:
            st.caption(f"Nothing here is really like it: {ui.share(1 - near)} of the collection's own patches have closer company.")


def show(collection: Collection, question: Question, result: SearchResult, *, how: str) -> None:
    """Show the hits as patches, on the map, or as a table."""
    if not result.hits:
        ui.nothing("No patch passes the filter.", "The filter, or leaving out the same patient or slide, leaves none. Allow more.")
        return
    if how == "Map":
        on_map(collection, question, result)
    elif how == "Table":
        ui.listed(table(result), key="search/table", height=560)
    else:
        found = [(hit.row, hit.score) for hit in result.hits]
        seen = widgets.result_grid(search_url.GRID, ui.cards(collection, found), thumb=urls.thumb(collection), feedback=True)
        if seen.opened is not None:
            large(collection, question, seen.opened)


def on_map(collection: Collection, question: Question, result: SearchResult) -> None:
    """Show the query and its hits on the map."""
    layout = map_views.layouts(collection, question.encoder)[0]
    view = map_views.View(collection, layout, result.encoder)
    spot = result.facts.map_xy
    rows = [hit.row for hit in result.hits]
    query = None if spot is None else Query(*spot, hits=rows)
    options = map_views.colours(view)
    seen = widgets.map_view(f"search-{view.key}", map_views.data(view, colour=next(iter(options)), picked=None, query=query, hits=rows))
    st.caption("The cross is the query, the circles are what was found. A query from outside is placed among the patches most like it.")
    if seen.opened is not None:
        search_url.search(collection, patch=seen.opened)


@st.dialog("Beside the query", width="large")
def large(collection: Collection, question: Question, row: int) -> None:
    """Show a hit and the query at the same scale."""
    item = collection.items.iloc[row]
    pictures = [ui.picture(collection, row, title=f"Found: {item['id']}")]
    if (own := query_picture(collection, question)) is not None:
        pictures.insert(0, own)
    widgets.patch("search/beside", pictures, height_px=420)
    left, right = st.columns([1, 1.2], gap="large")
    with left:
        with st.container(horizontal=True):
            if st.button("Search with this patch", type="primary", key="hit/search"):
                search_url.search(collection, patch=row)
            if st.button("Show on the map", key="hit/map"):
                url_state.go("map", collection=collection.name, patch=row)
        ui.facts(collection, row, key="hit")
    with right:
        view = map_views.View(
            collection, map_views.layouts(collection, question.encoder)[0], question.encoder or collection.encoder_names()[0]
        )
        widgets.map_view(f"hit-{view.key}", map_views.data(view, colour="", picked=row, overview=True, height_px=260))


def query_picture(collection: Collection, question: Question) -> Picture | None:
    """The picture of the query, to be enlarged; None for a selection."""
    image = query_state.picture(collection, question)
    if image is None:
        return None
    size, mpp = (image.shape[1], image.shape[0]), scale.mpp_of(collection, question)
    if question.box is not None:
        source = (collection.name, question.picture, question.row, question.box)
        return Picture(urls.query(query_state.held().keep_region(image, source)), "Query, the part that was chosen", mpp, size)
    if question.row is not None:
        return ui.picture(collection, question.row, title=f"Query: {collection.items['id'].iloc[question.row]}")
    return Picture(urls.query(question.picture or ""), "Query: your picture", mpp, size)


def table(result: SearchResult) -> pd.DataFrame:
    """Show the hits as a table, one line each."""
    return pd.DataFrame([hit.to_json() for hit in result.hits])


def export(result: SearchResult) -> None:
    """Offer the hits as a file, together with the query."""
    name = f"{result.collection} search"
    with st.popover("Export", key="search/export"):
        st.download_button("Table (CSV)", data=lambda: ui.csv(table(result)), file_name=f"{name}.csv", mime="text/csv")
        st.download_button(
            "Question and answers (JSON)",
            data=lambda: json.dumps(result.to_json(pixels=True), indent=1, ensure_ascii=False).encode(),
            file_name=f"{name}.json",
            mime="application/json",
        )
