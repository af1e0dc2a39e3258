"""What the session remembers of a widget, also while another page is shown."""

from __future__ import annotations

from typing import Any

import streamlit as st


def memory(key: str) -> dict[str, Any]:
    """The values of the widget of that key, by state name; empty on its first visit. Changes are remembered."""
    values: dict[str, Any] = st.session_state.setdefault(_name(key), {})
    return values


def forget(key: str) -> None:
    """Drop what is remembered of a widget, so that its next visit starts afresh."""
    st.session_state.pop(_name(key), None)


def row_or_none(value: Any) -> int | None:
    """A row as a browser sent it; anything else is no row."""
    return value if isinstance(value, int) and value >= 0 else None


def _name(key: str) -> str:
    return f"{key}/memory"
