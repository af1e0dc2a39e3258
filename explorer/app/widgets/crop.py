"""A region chosen on a picture. Its browser side is ``web/crop/crop.js``."""

from __future__ import annotations

from .memory import memory
from .module import Module

_MODULE = Module("crop", states=("box",))

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of a picture."""


def crop(key: str, picture: str, *, alt: str, side_px: tuple[int, int] | None = None) -> Box | None:
    """A picture on which a region can be chosen; None for the whole of it. ``side_px`` is the original's width and height."""
    _MODULE.mount(key, {"picture": picture, "alt": alt, "side_px": side_px, "box": memory(key).get("box")})
    box = memory(key).get("box")
    return None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))


def set_crop(key: str, box: Box | None) -> None:
    """Choose a region for the reader: from a link. Takes effect where the picture is mounted next."""
    memory(key)["box"] = box
