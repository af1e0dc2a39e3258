"""A picture on which a region can be chosen. The browser side is ``web/crop/crop.js``."""

from __future__ import annotations

from .memory import memory
from .module import Module

_MODULE = Module("crop", states=("box",))

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of a picture."""


def crop(key: str, picture: str, *, alt: str, side_px: tuple[int, int] | None = None) -> Box | None:
    """Show a picture; returns the chosen region, None for the whole picture. ``side_px`` is the original's width and height."""
    _MODULE.mount(key, {"picture": picture, "alt": alt, "side_px": side_px, "box": memory(key).get("box")})
    box = memory(key).get("box")
    return None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))


def set_crop(key: str, box: Box | None) -> None:
    """Set the region, for example from a link. Takes effect when the widget is mounted next."""
    memory(key)["box"] = box
