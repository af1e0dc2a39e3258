"""Two maps with one common state.

Two linked maps have one picked patch and one selection. An action on either is shown on both by the browser at once; the
selection is stored with the map it was made on, and ``map_view`` returns no shapes for the other one.
"""

from __future__ import annotations

from typing import Any

from ..shared.selections import read_shapes
from .memory import memory


def link_maps(key: str, other: str) -> str:
    """Link two maps of the same rows, before they are mounted; where both have a selection, that of the first is kept.

    Returns the name of the link, which a grid uses to highlight patches on both.
    """
    name = "|".join(sorted((key, other)))
    for one, partner in ((key, other), (other, key)):
        if memory(one).get("partner") != partner:
            memory(one).update(partner=partner, link=name)
            share(key, "picked", "selection")
    return name


def link_data(key: str) -> dict[str, Any] | None:
    """The link of a map as data for the browser; None where the map is not linked."""
    partner = memory(key).get("partner")
    return partner and {"name": memory(key)["link"], "elsewhere": bool(read_shapes(memory(partner).get("selection")))}


def share(key: str, *changed: str) -> None:
    """Apply an action on a map to its partner: pick the same patch there, and clear its selection."""
    partner = memory(key).get("partner")
    if partner and "picked" in changed:
        memory(partner)["picked"] = memory(key).get("picked")
    if partner and "selection" in changed:
        memory(partner)["selection"] = None
