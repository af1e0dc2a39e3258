"""``Collection``: what lies on disk, the embeddings made from it, and searching them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ..errors import ArtifactMissing, InputError
from ..search import Picture, Query, Row, SearchResult, search
from ..types import Encoder, Image
from .embedding import Embedding
from .encoder_cache import identity
from .stored import FORMAT, RECORD, StoredCollection

__all__ = ["FORMAT", "RECORD", "Collection"]


class Collection(StoredCollection):
    """A folder of rows and artifacts. Row i is line i of ``items``; the number of rows never changes."""

    def embeddings(self) -> list[Embedding]:
        """All embeddings, newest first."""
        return [Embedding(self, artifact) for artifact in self.artifacts("embeddings")]

    def embedding(self, name_or_key: str | None = None) -> Embedding:
        """The embedding of that key, or the newest by the encoder of that name, or the newest. Raises ``ArtifactMissing``."""
        for embedding in self.embeddings():
            if name_or_key in (None, embedding.encoder_name, embedding.key):
                return embedding
        by = f" --encoder {name_or_key}" if name_or_key else ""
        raise ArtifactMissing(
            f"Collection {self.name!r} has no embedding{' by ' + name_or_key if name_or_key else ''}; run 'explorer embed {self.name}{by}'."
        )

    def embedding_by(self, encoder: Encoder) -> Embedding:
        """The newest embedding that this loaded encoder made, in whatever precision; it encodes pictures from outside.

        Raises ``ArtifactMissing`` where none is by an encoder of that name, ``InputError`` where they are of other weights.
        """
        self.embedding(encoder.name)
        for embedding in self.embeddings():
            if identity(embedding.recipe["encoder"]) == identity(encoder.recipe):
                return embedding.with_encoder(encoder)
        raise InputError(
            f"{encoder.name} as loaded is not the one collection {self.name!r} was embedded with (other weights or another version); "
            f"load the same weights, or run 'explorer embed {self.name} --encoder {encoder.name}'."
        )

    def encoder_names(self) -> list[str]:
        """Names of the encoders this collection was embedded with, newest first."""
        return list(dict.fromkeys(embedding.encoder_name for embedding in self.embeddings()))

    def search(self, query: Query | None = None, *, encoder: str | Encoder | None = None, **asked: Any) -> SearchResult:
        """The rows most similar to what is asked; ``search.search`` on one embedding.

        Give a ``Query``, or its fields: ``row=12``, ``image=pixels`` (h w 3) uint8, ``k``, ``where``, ``exclude_same``, ...
        ``encoder`` is the name of an encoder, the key of an embedding, or a loaded encoder. Raises ``InputError``,
        ``ArtifactMissing``.
        """
        embedding = self.embedding(encoder) if encoder is None or isinstance(encoder, str) else self.embedding_by(encoder)
        return search(embedding, query if query is not None else _query(**asked))


def _query(*, row: int | None = None, image: Image | None = None, **asked: Any) -> Query:
    if unknown := set(asked) - ({each.name for each in fields(Query)} - {"like"}):
        raise InputError(f"A search has no {sorted(unknown)[0]!r}; see Query for what can be asked.")
    if "exclude_same" in asked:
        asked["exclude_same"] = tuple(asked["exclude_same"])
    if row is not None and image is None:
        return Query((Row(row),), **asked)
    if image is not None and row is None:
        return Query((Picture(image),), **asked)
    raise InputError("Search needs either a row or a picture; give one of the two.")
