"""Widget states stored in the session, so that they are kept while another page is shown."""

from __future__ import annotations

from typing import Any

import streamlit as st


def memory(key: str) -> dict[str, Any]:
    """The values of the widget with that key, by state name; empty on its first visit. Changes to the mapping are stored."""
    values: dict[str, Any] = st.session_state.setdefault(_name(key), {})
    return values


def forget(key: str) -> None:
    """Delete the stored state of a widget, so that its next visit starts with defaults."""
    st.session_state.pop(_name(key), None)


def row_or_none(value: Any) -> int | None:
    """A row number sent by a browser; None where the value is not an integer."""
    return value if isinstance(value, int) and value >= 0 else None


def _name(key: str) -> str:
    return f"{key}/memory"
