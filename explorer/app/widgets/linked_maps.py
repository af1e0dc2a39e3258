"""Two maps that act as one.

Two linked maps have one picked patch and one selection. The browser shows at once on both what is done on either; the
selection is kept with the map it was made on, and ``map_view`` returns no shapes of the other one.
"""

from __future__ import annotations

from typing import Any

from ..shared.selections import read_shapes
from .memory import memory


def link_maps(key: str, other: str) -> str:
    """Link two maps of the same rows, before they are mounted; where both have a selection, the first one's is kept.

    Returns their common name, by which a grid can point at patches on both.
    """
    name = "|".join(sorted((key, other)))
    for one, partner in ((key, other), (other, key)):
        if memory(one).get("partner") != partner:
            memory(one).update(partner=partner, link=name)
            share(key, "picked", "selection")
    return name


def link_data(key: str) -> dict[str, Any] | None:
    """What the browser needs to know of a map's link; None where it has none."""
    partner = memory(key).get("partner")
    return partner and {"name": memory(key)["link"], "elsewhere": bool(read_shapes(memory(partner).get("selection")))}


def share(key: str, *changed: str) -> None:
    """Apply what was done on a map to its partner: the same patch is picked there, and its selection ends."""
    partner = memory(key).get("partner")
    if partner and "picked" in changed:
        memory(partner)["picked"] = memory(key).get("picked")
    if partner and "selection" in changed:
        memory(partner)["selection"] = None
