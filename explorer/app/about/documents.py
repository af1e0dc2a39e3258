"""The documentation pages of the program, read from files of the package; nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from urllib.parse import urlencode

import streamlit as st

TITLES = {
    "sources": "What it reads",
    "commands": "Commands",
    "api": "Python",
    "rest": "REST",
    "server": "Serving the app",
    "models": "Models",
    "trust": "How far to trust it",
    "settings": "Settings",
    "measured": "Measured",
    "architecture": "How it is built",
}
PARAMETER = "document"
"""Name of the URL parameter that says which document is open."""
_KEY = "about/document"
_COMMENT = re.compile(r"<!--.*?-->\n?", flags=re.DOTALL)
_CODE = re.compile(r"(^```.*?^```$)", flags=re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#+) ", flags=re.MULTILINE)
_LINK = re.compile(r"\]\((\w+)\.md\)")


def choose(collection: str | None, url_params: Mapping[str, str] | None) -> str | None:
    """Show buttons for the documents. On the first view the URL decides which one is open. Returns its name, or None."""
    if url_params is not None:
        requested = url_params.get(PARAMETER)
        st.session_state[_KEY] = requested if requested in TITLES else None
    st.header("Documentation", anchor=False)
    chosen: str | None = st.pills("Documentation", list(TITLES), format_func=TITLES.__getitem__, key=_KEY, label_visibility="collapsed")
    if chosen is not None:
        with st.container(border=True, key="document"):
            st.markdown(text(chosen, collection))
    return chosen


@lru_cache(maxsize=64)
def text(name: str, collection: str | None) -> str:
    """Markdown of a document for display in the app: smaller headings, no comments; links stay in the app and keep the collection."""
    written = _COMMENT.sub("", files("explorer").joinpath("docs", f"{name}.md").read_text(encoding="utf-8"))
    here = {"collection": collection} if collection else {}
    parts = _CODE.split(written)
    parts[::2] = [
        _LINK.sub(lambda found: f"](about?{urlencode({**here, PARAMETER: found[1]})})", _HEADING.sub(r"##\1 ", part)) for part in parts[::2]
    ]
    return "".join(parts)
