"""A collection on disk: its rows and pictures, and what was made from them.

catalog.py        finding collections under a home folder
annotations.py    what people say of rows: labels, notes, tags, decisions, saved selections, names of clusters
replay.py         what holds after a replay of the journal of annotations
artifact_files.py files of artifacts, checked before they are read
verification.py   everything that can be wrong with a collection on disk
stored.py         what lies on disk: rows, pictures, artifacts, annotations
collection.py     ``Collection``: the same with its embeddings, and searching them
embedding.py      ``Embedding``: one handle for vectors, index, graph, maps, clusterings
encoder_cache.py  the encoder that made an embedding, loaded once
map_quality.py    how far each row's place on a map can be trusted
cache.py          values kept within a bound of bytes
"""

from ..sources.pixels import pixels_sha256
from .annotations import ROW_KINDS, Annotations, RowKind, system_user
from .catalog import checked_name, list_collections, list_damaged, open_collection
from .collection import FORMAT, RECORD, Collection
from .embedding import Embedding
from .replay import SavedSelection

__all__ = [
    "FORMAT",
    "RECORD",
    "ROW_KINDS",
    "Annotations",
    "Collection",
    "Embedding",
    "RowKind",
    "SavedSelection",
    "checked_name",
    "list_collections",
    "list_damaged",
    "open_collection",
    "pixels_sha256",
    "system_user",
]
