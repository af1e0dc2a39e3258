"""A collection on disk: its rows and pictures, and what was made from them."""

from .collection import FORMAT, PLACED_BY, RECORD, Collection, checked_name, list_collections, list_damaged, open_collection, pixels_sha256

__all__ = [
    "FORMAT",
    "PLACED_BY",
    "RECORD",
    "Collection",
    "checked_name",
    "list_collections",
    "list_damaged",
    "open_collection",
    "pixels_sha256",
]
