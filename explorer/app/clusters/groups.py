"""The list of clusters, each with its name, typical and borderline patches, and the values in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from ... import clustering
from ...collection import Collection
from ...collection.artifact_files import load_array
from ...storage import Artifact
from .. import ui, widgets
from ..shared import cache, urls
from ..ui import map_views, search_url, url_state
from . import clustering_panel

PER_PAGE = 8
TYPICAL, BORDERLINE = 8, 4
_SORTS = {"size": "Largest first", "pure": "Purest first", "mixed": "Most mixed first"}


def listing(collection: Collection, artifact: Artifact, by: str | None, asked: Mapping[str, str] | None) -> tuple[str, int]:
    """Show one page of the clusters; returns the chosen sort order and page."""
    labels = cache.labels(artifact)
    sizes = clustering.sizes(labels)
    typical, borderline = (load_array(artifact, name) for name in ("medoids.npy", "borderline.npy"))
    pure = clustering.purity(labels, clustering_panel.values_of(collection, by)).per_cluster if by else np.full(len(sizes), np.nan)
    sorts = _SORTS if by else {"size": _SORTS["size"]}
    if asked is not None:
        st.session_state["groups/sort"] = asked.get("sort")
    if st.session_state.get("groups/sort") not in sorts:
        st.session_state.pop("groups/sort", None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.header(ui.count(len(sizes), "group"), anchor=False, width="stretch")
        sort = st.selectbox(
            "Order",
            list(sorts),
            format_func=sorts.__getitem__,
            key="groups/sort",
            persist_state="session",
            width=200,
            label_visibility="collapsed",
        )
    order = {"size": np.arange(len(sizes)), "pure": np.argsort(-pure, kind="stable"), "mixed": np.argsort(pure, kind="stable")}[sort]
    pages = max(1, -(-len(order) // PER_PAGE))
    page = 1
    if pages > 1:
        if asked is not None:
            st.session_state["groups/page"] = url_state.whole(asked.get("part"), 1, range(1, pages + 1))
        page = st.pagination(pages, key="groups/page", persist_state="session")
    for number in order[(page - 1) * PER_PAGE : page * PER_PAGE]:
        group = int(number)
        with st.container(border=True, key=f"group-{group}"):
            _line(collection, artifact, group, typical[group][:TYPICAL], borderline[group][:BORDERLINE], np.flatnonzero(labels == group))
    if without := int((labels < 0).sum()):
        st.caption(f"{ui.count(without, 'patch')} in no group.")
    return sort, page


def _line(collection: Collection, artifact: Artifact, group: int, typical: np.ndarray, borderline: np.ndarray, rows: np.ndarray) -> None:
    names = collection.annotations.cluster_names(artifact)
    head, what = st.columns([1, 3.2], gap="large")
    with head:
        key = f"groups/name/{artifact.key}/{group}"
        st.text_input(
            "Name",
            value=names.get(group, ""),
            placeholder=f"Group {group + 1}",
            key=key,
            max_chars=60,
            label_visibility="collapsed",
            on_change=_name,
            args=(collection, artifact, group, key),
        )
        st.markdown(f"{ui.count(len(rows), 'patch')} &ensp; :gray[{ui.share(len(rows) / collection.n)} of all]")
        known = {
            column: shares
            for column in ("label", "patient", "slide", "site")
            if (shares := _value_shares(collection.items[column].iloc[rows]))
        }
        st.caption("  \n".join(f"{column}: {shares}" for column, shares in known.items()))
        with st.container(horizontal=True):
            if st.button("On the map", key=f"groups/map/{group}", type="tertiary"):
                url_state.go(
                    "map", collection=collection.name, of=map_views.of_group(artifact, group), colour=map_views.GROUP + artifact.key
                )
            if st.button("Search", key=f"groups/search/{group}", type="tertiary", help="With the most typical patch"):
                search_url.search(collection, patch=int(typical[0]))
    with what:
        left, right = st.columns([2, 1], gap="medium")
        for place, title, found, columns in ((left, "Typical", typical, TYPICAL), (right, "Borderline", borderline, BORDERLINE)):
            with place:
                st.caption(title)
                shown = [(int(row), None) for row in found if row >= 0]
                seen = widgets.result_grid(
                    f"groups/{title}/{artifact.key}/{group}",
                    ui.cards(collection, shown, short=True),
                    thumb=urls.thumb(collection),
                    columns=columns,
                )
                if seen.opened is not None:
                    search_url.search(collection, patch=seen.opened)


def _name(collection: Collection, artifact: Artifact, group: int, key: str) -> None:
    ui.guarded(lambda: collection.annotations.name_clusters(artifact, {group: st.session_state[key]}, who=cache.LOCAL_USER))


def _value_shares(values: pd.Series) -> str:
    """The most frequent values and their shares, as text."""
    shares = values.dropna().astype("string").value_counts(normalize=True)
    if shares.empty:
        return ""
    named = " · ".join(f"{name} {ui.share(float(part))}" for name, part in shares.head(3).items())
    return ui.plain(named + (f" · {len(shares) - 3} more" if len(shares) > 3 else ""))
