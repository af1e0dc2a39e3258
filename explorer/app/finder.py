"""Finding patches on the map by what is known of them: values, and ranges of numbers."""

from __future__ import annotations

import streamlit as st

from . import choosing, maps, ui
from .maps import View


def button(view: View) -> None:
    """Opens the controls; what they say is selected when asked for."""
    rows = maps.described(view)
    if not choosing.columns(rows):
        return
    with st.popover("Find", key="map/find", help="Select patches by what is known of them"):
        where = choosing.controls(rows, key=f"map/where/{view.projection.key}")
        found = ui.guarded(lambda: maps.rows_where(view, where))
        if not where:
            st.caption("Choose values, or narrow a range.")
        elif found is not None:
            st.button(
                f"Select {ui.count(len(found), 'patch')}",
                type="primary" if len(found) else "secondary",
                key="map/select",
                disabled=not len(found),
                on_click=maps.choose_where,
                args=(view, where),
            )
