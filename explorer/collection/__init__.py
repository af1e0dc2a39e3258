"""A collection on disk: its rows and pictures, and what was made from them."""

from .annotations import ROW_KINDS, Annotations, RowKind, system_user
from .collection import FORMAT, PLACED_BY, RECORD, Collection, checked_name, list_collections, list_damaged, open_collection, pixels_sha256
from .replay import Selection

__all__ = [
    "FORMAT",
    "PLACED_BY",
    "RECORD",
    "ROW_KINDS",
    "Annotations",
    "Collection",
    "RowKind",
    "Selection",
    "checked_name",
    "list_collections",
    "list_damaged",
    "open_collection",
    "pixels_sha256",
    "system_user",
]
