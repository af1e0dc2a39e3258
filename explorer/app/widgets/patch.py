"""Enlarged patches. The browser side is ``web/patch/patch.js``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from .module import Module

_MODULE = Module("patch")


@dataclass(frozen=True, slots=True)
class Picture:
    """A patch to be shown enlarged."""

    url: str
    title: str
    mpp: float | None = None
    """Micrometres per pixel of the original; None where it is not known."""
    side_px: tuple[int, int] | None = None
    """Width and height of the original."""


def patch(key: str, pictures: Sequence[Picture], *, height_px: int = 480) -> None:
    """Show one patch, or a query beside its hit: at the same scale where both pixel sizes are known, with a scale bar."""
    _MODULE.mount(key, {"pictures": [asdict(picture) for picture in pictures], "height_px": height_px})
