"""About a collection: how it was made, by what, under which licence; what was left out; what people said of its rows; whether its files are
whole.

Below it, the program's documents, which need no collection.
"""

from __future__ import annotations

import streamlit as st

from explorer.app import ui
from explorer.app.about import documents, facts, history
from explorer.app.ui import url_state


def show_collection() -> None:
    """Show the facts of the chosen collection."""
    collection = ui.current()
    facts.head(collection)
    facts.understood(collection)
    facts.models(collection)
    facts.check(collection)
    facts.rejects(collection)
    history.show(collection)
    facts.artifacts(collection)


def show_documents() -> None:
    """Show the list of documents and the one that the URL names."""
    document = documents.choose(st.session_state.get(ui.CHOSEN), url_state.asked())
    url_state.leave("about", **{documents.PARAMETER: document})


ui.guarded(show_collection)
ui.guarded(show_documents)
