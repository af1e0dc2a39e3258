"""The page navigation, the header, and the message shown when a page fails."""

from __future__ import annotations

import streamlit as st

from . import ui
from .shared import cache
from .ui import theme, url_state
from .ui.url_state import PAGES, page


def run(first: str = "library") -> None:
    """Show the page of the present URL; ``first`` is the page at the root."""
    st.set_page_config(page_title="Pathology explorer", page_icon="🔬", layout="wide", initial_sidebar_state="collapsed")
    theme.apply()
    shown = st.navigation([page(name, default=name == first) for name in PAGES], position="hidden")
    name = shown.url_path or first
    asked = url_state.arrive(name)
    names = ui.guarded(lambda: [collection.name for collection in cache.collections()])
    if names is None:
        return
    if asked is not None and (name != "library" or asked.get(ui.CHOSEN)):
        st.session_state[ui.CHOSEN] = asked.get(ui.CHOSEN)  # without a name it is the first, as it was when the link was made
    if names or name != "library":
        header(name, names)
    ui.guarded(shown.run)


def header(here: str, names: list[str]) -> None:
    """Show the name of the app, the pages, and the choice of a collection."""
    with st.container(key="top", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Pathology explorer**", width="content")
        for name, title in PAGES.items():
            with st.container(key=f"{'here' if name == here else 'tab'}-{name}", width="content"):
                st.page_link(page(name), label=title, query_params=dict(url_state.of(name)))
        if here != "library" and names:
            st.space("stretch")
            with st.container(key="which", width=280):
                ui.choose_collection(names)
