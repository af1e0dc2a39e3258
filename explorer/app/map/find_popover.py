"""Select patches on the map by their values and ranges of numbers."""

from __future__ import annotations

import streamlit as st

from .. import ui
from ..ui import filter_controls, map_views
from ..ui.map_views import View


def button(view: View) -> None:
    """Show the button that opens the filter controls; the matching rows are selected on request."""
    offered = filter_controls.offers(view.collection, view.projection)
    if not offered:
        return
    with st.popover("Find", key="map/find", help="Select patches by what is known of them"):
        where = filter_controls.controls(offered, key=f"map/where/{view.projection.key}")
        found = ui.guarded(lambda: map_views.rows_where(view, where)) if where else None
        if not where:
            st.caption("Choose values, or narrow a range.")
        elif found is not None:
            st.button(
                f"Select {ui.count(len(found), 'patch')}",
                type="primary" if len(found) else "secondary",
                key="map/select",
                disabled=not len(found),
                on_click=map_views.choose_where,
                args=(view, where),
            )
