"""Embed histology with pathology foundation models, search it, map it, and judge the models.

from explorer import build, encoders, open_collection

collection = build("folder", name="lung")
collection.search(row=0, k=10).hits
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import encoders as encoders
    from .collection import open_collection as open_collection
    from .pipeline.build import build as build

__all__ = ["build", "encoders", "open_collection"]

_HOME = {"build": ".pipeline", "open_collection": ".collection"}


def __getattr__(name: str) -> Any:
    """Brings in what a name needs only when it is asked for, so that importing the package stays light."""
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name], __name__), name)
    if name == "encoders":
        return importlib.import_module(".encoders", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
