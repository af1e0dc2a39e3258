"""The page Library: collections, running jobs, and ways to create a collection."""

from __future__ import annotations

import streamlit as st

from explorer import jobs
from explorer.app import ui
from explorer.app.library import cards, new_collection
from explorer.app.shared import cache
from explorer.app.shared.redaction import without_paths
from explorer.app.ui import job_panel, url_state

collections, damaged = cache.collections(), cache.unreadable()
begun = jobs.jobs(cache.settings().home)
first_run = not collections and not damaged and not begun

if first_run:
    st.title("Bring your patches", anchor=False)
    st.markdown("See which of them look alike, search them by example, and walk through them on a map. Everything stays on this machine.")
    new_collection.ways()
else:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Your collections", anchor=False, width="stretch")
        adding = st.session_state.get("library/new", not begun and not collections)
        if st.button("Close" if adding else "New collection", type="secondary" if adding else "primary", key="library/button"):
            st.session_state["library/new"] = not adding
            new_collection.drop()
            st.rerun()
    if adding:
        new_collection.ways()
    job_panel.panel()
    if collections:
        cards.show(collections)
    elif not adding and not damaged:
        ui.nothing("No collection is ready yet.", "Wait until the one that is being built is ready, or begin another.")
    for name, fault in damaged.items():
        st.warning(f"{ui.plain(name)} cannot be opened. The other collections are as they were.")
        st.text(without_paths(fault))
url_state.leave("library")
