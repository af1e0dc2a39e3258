"""How the map is made: which layout is shown, how far it can be believed, and another one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from . import compare, jobboard, maps, ui, widgets, work
from .maps import View

DEFAULTS = {"n_neighbors": 15, "min_dist": 0.1, "seed": 0}


def button(view: View) -> None:
    """Opens the drawer."""
    with st.popover("Layout", key="map/drawer", help="Other maps of the same patches"):
        found = {made.key: made for made in maps.layouts(view.opened, view.encoder)}
        st.radio(
            "Shown",
            list(found),
            index=list(found).index(view.projection.key),
            format_func=lambda key: _title(found[key]),
            key=f"map/choice/{view.projection.key}",
            on_change=_show,
            args=(view,),
        )
        if len(found) > 1:
            compare.choose(view, {key: _title(made) for key, made in found.items() if key != view.projection.key})
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
            help="Another seed draws the same thing otherwise. What changes with it means nothing.",
        )
    else:
        st.caption("PCA keeps the largest differences and bends nothing, but shows only two directions of many.")
    if st.button("Draw", type="primary", key="map/draw"):
        work.start(work.Project(name=view.opened.name, encoder=view.encoder, method="pca" if method == "PCA" else "umap", **options))
        st.rerun()


def _title(made: maps.Artifact) -> str:
    trusted = maps.trust(made)
    return ui.plain(maps.layout_title(made) + (f" · trust {trusted:.2f}" if trusted is not None else ""))


def _show(view: View) -> None:
    """Another layout, with the same patches selected."""
    key = st.session_state[f"map/choice/{view.projection.key}"]
    there = next(made for made in maps.layouts(view.opened, view.encoder) if made.key == key)
    compare.carry(view, View(view.opened, there, view.encoder).key, widgets.map_state(view.key))
    st.session_state[maps.layout_key(view.opened)] = key


def trust_line(view: View) -> None:
    """What may be read from the map."""
    trusted = maps.trust(view.projection)
    if trusted is not None:
        well = (
            "Near points are nearly always similar"
            if trusted > 0.95
            else "Near points are mostly similar"
            if trusted > 0.85
            else "Near points are often not similar"
        )
        st.caption(f"{well} (trustworthiness {trusted:.2f} of 1). Distances between far points mean little.")
    else:
        st.caption("Near points are similar patches. Distances between far points mean little.")
    jobboard.panel(view.opened.name)
