"""What a widget keeps in the session, and two maps that act as one.

Two linked maps have one picked patch and one selection. The browser shows at once on both what is done on either; the
selection is kept with the map it was made on, and ``map_view`` returns no shapes of the other one.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from ..shared.selections import read_shapes


def memory(key: str) -> dict[str, Any]:
    """What is kept of the widget of that key, also while another page is shown."""
    kept: dict[str, Any] = st.session_state.setdefault(f"{key}/kept", {})
    return kept


def link_maps(key: str, other: str) -> str:
    """Link two maps of the same rows, before they are mounted; where both have a selection, the first one's holds.

    Returns their common name, by which a grid can point at patches on both.
    """
    name = "|".join(sorted((key, other)))
    for one, beside in ((key, other), (other, key)):
        if memory(one).get("beside") != beside:
            memory(one).update(beside=beside, link=name)
            share(key, "picked", "selection")
    return name


def told(key: str) -> dict[str, Any] | None:
    """What the browser needs to know of a map's link; None where it has none."""
    other = memory(key).get("beside")
    return other and {"name": memory(key)["link"], "elsewhere": bool(read_shapes(memory(other).get("selection")))}


def share(key: str, *changed: str) -> None:
    """What was done on a map holds for the linked one: its picked patch is picked there, its selection ends the one there."""
    other = memory(key).get("beside")
    if other and "picked" in changed:
        memory(other)["picked"] = memory(key).get("picked")
    if other and "selection" in changed:
        memory(other)["selection"] = None
