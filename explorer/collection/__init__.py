"""A collection on disk: its rows and pictures, and what was made from them.

catalog.py        finding collections under a home folder
collection.py     ``Collection``: rows, pictures, artifacts
embedding.py      ``Embedding``: one handle for vectors, index, graph, maps, clusterings
encoder_cache.py  the encoder that made an embedding, loaded once
map_quality.py    how far each row's place on a map can be trusted
cache.py          values kept within a bound of bytes
"""

from ..sources.pixels import pixels_sha256
from .catalog import checked_name, list_collections, list_damaged, open_collection
from .collection import FORMAT, RECORD, Collection
from .embedding import Embedding

__all__ = [
    "FORMAT",
    "RECORD",
    "Collection",
    "Embedding",
    "checked_name",
    "list_collections",
    "list_damaged",
    "open_collection",
    "pixels_sha256",
]
