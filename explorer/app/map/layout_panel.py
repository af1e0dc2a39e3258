"""Panel of the map layout: choose a layout, see its quality, compute another."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from .. import ui, widgets
from ..shared import job_requests
from ..ui import job_panel, map_views, url_state
from ..ui.map_views import View
from . import second_map

TRUST = "map_trustworthiness"
LEAST_SHARE = 5
_MEANS = {
    "trust": "of 1: patches shown near each other are similar.",
    "continuity": "of 1: similar patches are shown near each other.",
    "stability": "of its neighbours on the map a patch keeps when it is drawn by another seed.",
}
_DARK = {
    "map_trustworthiness": "The darker a point, the less like it are its neighbours on the map.",
    "map_continuity": "The darker a point, the farther from it on the map are some of the patches most like it.",
    "map_stability": "The darker a point, the more of its neighbours on the map change when the map is drawn by another seed.",
}
_STABILITY_HELP = "Draws the map twice more with other seeds. Neighbours that change with the seed have no meaning."
DEFAULTS = {"n_neighbors": 15, "min_dist": 0.1, "seed": 0}


def button(view: View) -> None:
    """Show the button that opens the panel."""
    with st.popover("Layout", key="map/layouts", help="Other maps of the same patches"):
        found = {artifact.key: artifact for artifact in map_views.layouts(view.collection, view.encoder)}
        st.radio(
            "Shown",
            list(found),
            index=list(found).index(view.projection.key),
            format_func=lambda key: _title(view, found[key]),
            key=f"map/choice/{view.projection.key}",
            on_change=_show,
            args=(view,),
        )
        if len(found) > 1:
            second_map.choose(view, {key: _words(view, artifact) for key, artifact in found.items() if key != view.projection.key})
        _trust(view)
        st.divider()
        ui.guarded(lambda: _another(view))


def _another(view: View) -> None:
    st.markdown("**Draw another map**")
    method = st.segmented_control("How", ["UMAP", "PCA"], default="UMAP", required=True, key="map/method")
    options: dict[str, Any] = {}
    if method == "UMAP":
        options["n_neighbors"] = st.slider(
            "Neighbours", 2, 30, DEFAULTS["n_neighbors"], key="map/neighbours", help="Few show detail, many show the large picture."
        )
        options["min_dist"] = st.slider(
            "Distance", 0.0, 1.0, DEFAULTS["min_dist"], 0.05, key="map/min-dist", help="How close similar patches may lie."
        )
        options["seed"] = st.number_input(
            "Seed",
            0,
            9999,
            DEFAULTS["seed"],
            key="map/seed",
            help="Another seed draws the same data differently. What differs between the two has no meaning.",
        )
    else:
        st.caption("PCA keeps the largest differences and bends nothing, but shows only two directions of many.")
    if st.button("Draw", type="primary", key="map/draw"):
        job_requests.start(
            job_requests.Project(name=view.collection.name, encoder=view.encoder, method="pca" if method == "PCA" else "umap", **options)
        )
        st.rerun()


def _title(view: View, artifact: map_views.Artifact) -> str:
    return ui.plain(_words(view, artifact))


def _words(view: View, artifact: map_views.Artifact) -> str:
    trusted = map_views.measured(View(view.collection, artifact, view.encoder)).get("trust")
    return map_views.layout_title(artifact) + (f" · trust {trusted:.2f}" if trusted is not None else "")


def _show(view: View) -> None:
    """Switch to another layout and keep the selected patches."""
    key = st.session_state[f"map/choice/{view.projection.key}"]
    there = next(artifact for artifact in map_views.layouts(view.collection, view.encoder) if artifact.key == key)
    second_map.carry(view, View(view.collection, there, view.encoder).key, widgets.map_state(view.key))
    st.session_state[map_views.layout_key(view.collection)] = key


def trust_line(view: View, *, colour: str, colour_key: str) -> None:
    """Say what can be read from the map and its colours, and link to the least trustworthy patches."""
    if colour in _DARK and colour not in view.collection.items:
        st.caption(_DARK[colour])
    trusted = map_views.measured(view).get("trust")
    if trusted is None:
        st.caption("Near points are similar patches. Distances between far points mean little.")
    else:
        well = (
            "Near points are nearly always similar"
            if trusted > 0.95
            else "Near points are mostly similar"
            if trusted > 0.85
            else "Near points are often not similar"
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{well}. Distances between far points mean little.", width="content")
            if trusted < 1:
                st.button(
                    f"Show the {LEAST_SHARE} % least trusted",
                    key="map/least",
                    type="tertiary",
                    on_click=_least_trusted,
                    args=(view, colour_key),
                    help="Patches whose neighbours on the map are least like them. They are selected, and the map coloured by trust.",
                )
    job_panel.panel(view.collection.name)


def _least_trusted(view: View, colour_key: str) -> None:
    """Select the least trustworthy patches and colour the map by trustworthiness."""
    values = map_views.described(view)[TRUST].to_numpy()
    few = max(1, len(values) * LEAST_SHARE // 100)
    where: url_state.Where = {TRUST: {"<=": float(np.partition(values, few - 1)[few - 1])}}
    map_views.choose_where(view, where)
    st.session_state[colour_key] = TRUST


def _trust(view: View) -> None:
    """Show the quality of the map in numbers and in words."""
    found = map_views.measured(view)
    st.markdown("  \n".join(f"**{name.capitalize()} {value:.2f}** &ensp; :gray[{_MEANS[name]}]" for name, value in found.items()))
    if view.projection.recipe["method"] != "umap":
        st.caption("PCA has no seed: it is the same each time it is drawn.")
    elif "stability" not in found and view.collection.n > 1:
        st.button("Measure its stability", key="map/stability", on_click=_measure_stability, args=(view,), help=_STABILITY_HELP)


def _measure_stability(view: View) -> None:
    options = {name: view.projection.recipe[name] for name in ("n_neighbors", "min_dist", "seed")}
    job_requests.start(job_requests.Project(name=view.collection.name, encoder=view.encoder, stability=True, **options))
