"""One embedding of a collection, and everything that was computed from it: resolved once, then passed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32, Int64

from .. import settings
from ..errors import ArtifactDamaged, ArtifactMissing
from ..index import open_store
from ..search import Searchable
from ..storage import Artifact
from ..types import Encoder, Image, Labels, Neighbours, Points, Queries, Vectors, VectorStore
from . import map_quality
from .artifact_files import checked_file, load_array
from .cache import ByteCache
from .encoder_cache import load_encoder
from .stored import StoredCollection

MOST_STORE_BYTES = 8 << 30
"""Maximal bytes of all opened search indexes of a process."""
_stores: ByteCache[VectorStore] = ByteCache(MOST_STORE_BYTES, lambda store: store.n_bytes)
_nearest_scores: ByteCache[Float32[np.ndarray, " n"]] = ByteCache(256 << 20, lambda scores: scores.nbytes)


class Embedding(Searchable):
    """An embedding with its vectors, search index, neighbour graph, maps and clusterings.

    It stands for one key. Its artifacts are looked up in the collection's list of artifacts, which is read once
    (``Collection.refresh`` reads it again), and big arrays are memory-mapped: a search reads no directory.
    """

    def __init__(self, collection: StoredCollection, artifact: Artifact, *, encoder: Encoder | None = None) -> None:
        self.collection = collection
        self.artifact = artifact
        self._encoder = encoder

    def __repr__(self) -> str:
        return f"<Embedding {self.key} of {self.collection.name!r} by {self.encoder_name}>"

    @property
    def key(self) -> str:
        """Sixteen hex digits that identify its recipe."""
        return self.artifact.key

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What it was made from: rows, encoder, weights, precision."""
        return self.artifact.recipe

    @property
    def encoder_name(self) -> str:
        """Name of the encoder that made it."""
        return str(self.recipe["encoder"]["name"])

    @property
    def collection_name(self) -> str:
        """Name of its collection."""
        return self.collection.name

    def with_encoder(self, encoder: Encoder) -> Embedding:
        """The same embedding with a loaded encoder for pictures from outside."""
        return Embedding(self.collection, self.artifact, encoder=encoder)

    # -- vectors, index, graph

    @cached_property
    def vectors(self) -> Vectors:
        """(n d) float32, memory-mapped, as the encoder gave them."""
        vectors: Vectors = load_array(self.artifact, "vectors.npy", rows=self.collection.n)
        return vectors

    @cached_property
    def neighbours(self) -> Artifact:
        """The artifact that holds index and graph. Raises ``ArtifactMissing``."""
        return self.collection.artifact("neighbours", step="index", options=f" --encoder {self.encoder_name}", embedding=self.key)

    @property
    def index(self) -> VectorStore:
        """The search index; opened once per process, within ``MOST_STORE_BYTES``."""
        artifact, device = self.neighbours, settings.device()

        def load() -> VectorStore:
            for name in artifact.meta["files"]:
                checked_file(artifact, name)
            store = open_store(artifact.path, artifact.meta["measured"]["index"], device=device)
            if (store.n, store.dim) != self.vectors.shape:
                raise ArtifactDamaged(f"The index in {artifact.path} is not one of these vectors; delete it and run 'explorer index'.")
            return store

        return _stores.get((artifact.path, artifact.meta["created"], device), load)

    @cached_property
    def graph(self) -> Neighbours:
        """The k nearest other rows of every row, memory-mapped."""
        return Neighbours(*(load_array(self.neighbours, name, rows=self.collection.n) for name in ("knn_rows.npy", "knn_scores.npy")))

    @property
    def nearest_scores(self) -> Float32[np.ndarray, " n"]:
        """Cosine of each row to its nearest other row, ascending."""
        artifact = self.neighbours
        return _nearest_scores.get((artifact.path, artifact.meta["created"]), lambda: np.sort(self.graph.scores[:, 0]))

    # -- maps and clusterings

    def maps(self, method: str | None = None) -> list[Artifact]:
        """Its maps, UMAP before others, newest first; of one method where that is given."""
        found = self.collection.artifacts("projections", neighbours=self.neighbours.key)
        return sorted((each for each in found if method in (None, each.recipe["method"])), key=lambda each: each.recipe["method"] != "umap")

    def map(self, method: str | None = None) -> Artifact:
        """The first of ``maps``. Raises ``ArtifactMissing``."""
        if found := self.maps(method):
            return found[0]
        raise ArtifactMissing(
            f"Collection {self.collection.name!r} has no {method or 'map'} by {self.encoder_name} yet; "
            f"run 'explorer project {self.collection.name} --encoder {self.encoder_name}'."
        )

    def positions(self, method: str | None = None) -> Points:
        """(n 2) float32 of ``map(method)``, memory-mapped."""
        xy: Points = load_array(self.map(method), "xy.npy", rows=self.collection.n)
        return xy

    @cached_property
    def layout(self) -> Points | None:
        """(n 2) positions on the first map; None where there is none."""
        try:
            return self.positions()
        except ArtifactMissing:
            return None

    def clusterings(self) -> list[Artifact]:
        """Its clusterings, newest first."""
        return self.collection.artifacts("clusters", neighbours=self.neighbours.key)

    def clustering(self, key: str) -> Artifact:
        """The clustering of that key. Raises ``ArtifactMissing``."""
        for artifact in self.clusterings():
            if artifact.key == key:
                return artifact
        raise ArtifactMissing(
            f"Collection {self.collection.name!r} has no clustering {key!r} by {self.encoder_name}; "
            f"run 'explorer cluster {self.collection.name} --encoder {self.encoder_name}'."
        )

    def labels(self, clustering: Artifact) -> Labels:
        """(n,) the cluster of every row, -1 for none."""
        labels: Labels = load_array(clustering, "labels.npy", rows=self.collection.n)
        return labels

    # -- what a search needs of the collection (search.Searchable)

    @property
    def items(self) -> pd.DataFrame:
        """One line per row."""
        return self.collection.items

    @property
    def annotated_items(self) -> pd.DataFrame:
        """``Collection.table``."""
        return self.collection.table()

    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        """``items`` with annotations, and with map quality where one of these columns is named."""
        return self.items if set(columns) <= set(self.items.columns) else self.described()

    def described(self, projection: Artifact | None = None) -> pd.DataFrame:
        """``Collection.table`` with the quality of each row's position on a map (by default the first one)."""
        if projection is None:
            try:
                projection = self.map()
            except ArtifactMissing:
                return self.collection.table()
        return map_quality.beside(self.collection.table(), projection, self.collection.artifacts("stabilities"))

    def image(self, row: int) -> Image:
        """The picture of a row."""
        return self.collection.image(row)

    def row_of(self, sha256: str) -> int | None:
        """The first row with these pixels."""
        return self.collection.row_by_sha256.get(sha256)

    def selection(self, name: str) -> Int64[np.ndarray, " m"]:
        """Rows of a saved selection, by its name or key. Raises ``InputError``."""
        return self.collection.selection(name)

    def encode(self, image: Image) -> Queries:
        """(h w 3) uint8 -> (1 d) by the encoder that made this embedding; loaded once per process where none was given."""
        encoder = self._encoder or load_encoder(self.artifact)
        vector: Queries = encoder.encode(encoder.prepare(image)[None]).numpy()
        return vector
