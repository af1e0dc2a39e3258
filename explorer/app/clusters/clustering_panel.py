"""Choose a clustering, make a new one, and compare it with a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from ... import clustering
from ...collection import Collection
from ...storage import Artifact
from .. import ui
from ..shared import cache, job_requests
from ..ui import charts, job_panel

MOST_ROWS = 24
"""Maximal number of bars in the overview."""


def choose(collection: Collection, encoder: str, artifact: Sequence[Artifact], asked: Mapping[str, str] | None) -> Artifact | None:
    """Choose the clustering to show; None where there is none yet."""
    found = {one.key: one for one in artifact}
    state_key = f"groups/shown/{collection.name}"
    if asked is not None:
        st.session_state[state_key] = asked.get("groups")
    if st.session_state.get(state_key) not in found:
        st.session_state.pop(state_key, None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Groups", anchor=False, width="stretch")
        key = None
        if found:
            key = st.selectbox(
                "Grouping", list(found), format_func=lambda key: _title(found[key]), key=state_key, persist_state="session", width=340
            )
        with st.popover("Another grouping", key="groups/another"):
            ui.guarded(lambda: _another(collection, encoder))
    job_panel.panel(collection.name)
    if key is None:
        ui.nothing("There are no groups yet.", "Choose 'Another grouping' to find some.")
        return None
    return found[key]


def columns(collection: Collection) -> list[str]:
    """Columns that clusters can be compared with, the label first."""
    return sorted(ui.class_columns(collection), key=lambda name: name != "label")


def compare(collection: Collection, artifact: Artifact, asked: Mapping[str, str] | None) -> str | None:
    """Show in words and one chart how the clusters agree with a column; returns the column."""
    options = columns(collection)
    if not options:
        st.caption("These patches have no column to compare the groups with; labels in a table or in folder names would give one.")
        return None
    state_key = f"groups/by/{collection.name}"
    if asked is not None:
        st.session_state[state_key] = asked.get("by")
    if st.session_state.get(state_key) not in options:
        st.session_state[state_key] = options[0]
    left, right = st.columns([1, 2.2], gap="large")
    with left:
        by = st.selectbox(
            "Compare with", options, format_func=lambda name: ui.COLUMN_NAMES.get(name, name), key=state_key, persist_state="session"
        )
        _figures(collection, artifact, by)
    with right:
        counts = clustering.composition(cache.labels(artifact), values_of(collection, by)).drop(index=-1, errors="ignore").head(MOST_ROWS)
        names = called(collection, artifact)
        charts.stacked(counts, names, key="groups/overview", title=f"Each group by {by}")
        if len(names) > len(counts):
            st.caption(f"The {len(counts)} largest of {len(names)} groups.")
    return by


def _figures(collection: Collection, artifact: Artifact, by: str) -> None:
    labels, values = cache.labels(artifact), values_of(collection, by)
    purity = clustering.purity(labels, values)
    commonest = pd.Series(values).value_counts(normalize=True)
    with st.container(key="figure-purity"):
        st.markdown(ui.share(purity.overall) if np.isfinite(purity.overall) else "unknown")
    name = ui.plain(ui.COLUMN_NAMES.get(by, by))
    st.markdown(f"of the patches share the commonest {name} of their group.")
    if len(commonest):
        st.caption(f"By chance it would be about {ui.share(float(commonest.iloc[0]))}. More groups make it larger by themselves.")
    ari, nmi = clustering.ari(labels, values), clustering.nmi(labels, values)
    agreement = f"{_agreement(ari)} &ensp; :gray[adjusted Rand index {ari:.2f}]"
    st.markdown(f"{agreement}  \n{_shared_words(nmi, name)} &ensp; :gray[mutual information {nmi:.2f}]")
    left_out = [f"{ui.count(purity.missing, 'patch')} without a value"] * bool(purity.missing)
    left_out += [f"{ui.count(purity.noise, 'patch')} in no group"] * bool(purity.noise)
    if left_out:
        st.caption(f"Left out: {' and '.join(left_out)}.")
    if by in ("patient", "slide", "site") and ari > 0.3:
        st.warning(f"The groups follow the {by} closely. They may show how slides were made rather than what is on them.")


def _agreement(ari: float) -> str:
    words = (
        "hardly better than chance"
        if ari < 0.1
        else "weak"
        if ari < 0.3
        else "moderate"
        if ari < 0.6
        else "strong"
        if ari < 0.9
        else "nearly complete"
    )
    return f"Agreement: **{words}**"


def _shared_words(nmi: float, name: str) -> str:
    words = "little" if nmi < 0.2 else "something" if nmi < 0.5 else "much" if nmi < 0.8 else "nearly everything"
    return f"A patch's group tells **{words}** of its {name}"


def values_of(collection: Collection, column: str) -> np.ndarray:
    """Values of a column as text, None where the value is missing."""
    values = collection.table()[column]
    return values.astype("string").astype(object).where(values.notna(), None).to_numpy()


def called(collection: Collection, artifact: Artifact) -> dict[int, str]:
    """The name of each cluster."""
    names = collection.annotations.cluster_names(artifact)
    return {number: names.get(number, f"Group {number + 1}") for number in range(len(artifact.meta["measured"]["sizes"]))}


def _title(artifact: Artifact) -> str:
    measured = artifact.meta["measured"]
    return f"{ui.clustering_title(artifact)} · {ui.count(int(measured['clusters']), 'group')}"


def _another(collection: Collection, encoder: str) -> None:
    how = st.segmented_control("How", ["Leiden", "k-means", "HDBSCAN"], default="Leiden", required=True, key="groups/method")
    options: dict[str, Any] = {}
    if how == "Leiden":
        st.caption("Joins patches that are neighbours of each other. The number of groups follows from the data.")
        options = {
            "method": "leiden",
            "resolution": st.slider("Fineness", 0.2, 4.0, 1.0, 0.1, key="groups/resolution", help="More gives more groups."),
        }
    elif how == "k-means":
        st.caption("As many groups as you say, all about equally wide.")
        options = {
            "method": "kmeans",
            "n_clusters": st.number_input("Groups", 2, min(200, collection.n), min(9, collection.n), key="groups/n"),
        }
    else:
        st.caption("Islands on the map. What lies between them is in no group.")
        options = {
            "method": "hdbscan",
            "min_cluster_size": st.number_input(
                "Patches in the smallest group", 2, max(2, collection.n), min(25, max(2, collection.n // 4)), key="groups/min"
            ),
        }
    seed = st.number_input("Seed", 0, 9999, 0, key="groups/seed", help="Groups that are really there are found with any seed.")
    if st.button("Find groups", type="primary", key="groups/find"):
        job_requests.start(job_requests.Cluster(name=collection.name, encoder=encoder, seed=int(seed), **options))
        st.rerun()
