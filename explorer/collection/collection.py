"""What is on disk: the rows of a collection, its thumbnails and its artifacts, and the questions one may ask of them."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Shaped

from .. import settings, storage
from ..errors import ArtifactMissing, CollectionMissing, ExplorerError, ImageRejected, InputError, SourceError
from ..index import load_index
from ..projection import place
from ..search import SearchResult, allowed_rows, find_hits
from ..sources import open_source
from ..storage import Artifact
from ..types import Encoder, Image, Limits, Neighbours, Points, Queries, Rows, Scores, Source, VectorIndex, Vectors
from . import map_quality
from .encoder_cache import identity, load_encoder

RECORD = storage.COLLECTION
FORMAT = 1
PLACED_BY = 15
"""Neighbours that decide where a picture from outside falls on the map."""
_NAME = re.compile(r"[^\W_][\w .+-]{0,99}")


class Collection:
    """A folder of rows and artifacts. Row i is line i of ``items``; the number of rows never changes."""

    def __init__(self, path: Path, *, limits: Limits | None = None) -> None:
        """Raises ``CollectionMissing``, ``ArtifactDamaged``, or ``InputError`` for a newer format."""
        if not (path / RECORD).is_file():
            raise CollectionMissing(f"There is no collection {path.name!r} in {path.parent}; run 'explorer list' to see what is there.")
        self.path = path
        self.record: Mapping[str, Any] = storage.read_json(path / RECORD)
        if self.record["format"] > FORMAT:
            raise InputError(f"Collection {path.name!r} has format {self.record['format']}, newer than this program; update the program.")
        self._limits = limits or Limits()

    def __repr__(self) -> str:
        return f"<Collection {self.name!r}: {self.n} rows>"

    @property
    def name(self) -> str:
        """The folder's name: renaming the folder renames the collection."""
        return self.path.name

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.record["n"])

    @cached_property
    def items(self) -> pd.DataFrame:
        """One line per row: id uri label patient slide site split mpp ... sha256 and the user's own columns."""
        return pd.read_parquet(self._own_file("items.parquet"))

    @cached_property
    def rejects(self) -> pd.DataFrame:
        """What did not become a row: uri, reason."""
        return pd.read_parquet(self._own_file("rejects.parquet"))

    @cached_property
    def source(self) -> Source:
        """Where the pictures are read from. Raises ``SourceError`` where that place is gone."""
        s = self.record["source"]
        drawn = self.artifacts("pictures")  # drawn tissue, written when it was taken in; older collections draw it again
        if drawn:
            return open_source(drawn[0].path, kind="folder", limits=self._limits)
        try:
            return open_source(s["uri"], kind=s["kind"], options=s["options"], limits=self._limits)
        except SourceError as error:
            raise SourceError(f"The pictures of collection {self.name!r} cannot be read: {error}") from error

    # -- pictures

    def image(self, row: int) -> Image:
        """The full picture of a row, as it was when ingested; raises ``InputError`` where its pixels have changed since."""
        uri = str(self.items["uri"].iloc[self._row(row)])
        try:
            image = self.source.read(uri)
        except ImageRejected as rejected:
            raise InputError(
                f"{uri} of collection {self.name!r} cannot be read any more: {rejected.reason}; restore the file or build a new collection."
            ) from rejected
        if pixels_sha256(image) != self.items["sha256"].iloc[row]:
            raise InputError(f"{uri} has changed since it was taken into {self.name!r}; restore the file or build a new collection.")
        return image

    def thumbnail(self, row: int) -> bytes:
        """A small JPEG of a row."""
        start, end = self._thumbnail_ends[self._row(row)], self._thumbnail_ends[row + 1]
        small: bytes = self._thumbnails[start:end].tobytes()
        return small

    # -- artifacts

    def artifacts(self, kind: str, **recipe: Any) -> list[Artifact]:
        """Published artifacts of a kind whose recipe has these values, newest first."""
        return [a for a in storage.artifacts(self.path, kind) if all(a.recipe.get(k) == v for k, v in recipe.items())]

    def artifact(self, kind: str, *, step: str, **recipe: Any) -> Artifact:
        """The newest such artifact; raises ``ArtifactMissing`` that names the step which makes one."""
        if found := self.artifacts(kind, **recipe):
            return found[0]
        raise ArtifactMissing(f"Collection {self.name!r} has no {kind} of this kind yet; run 'explorer {step} {self.name}'.")

    def embedding(self, encoder: str | None = None) -> Artifact:
        """The newest embedding, or the newest one by that encoder, or the one of that key."""
        for candidate in self.artifacts("embeddings"):
            if encoder in (None, candidate.recipe["encoder"]["name"], candidate.key):
                return candidate
        by = f" --encoder {encoder}" if encoder else ""
        raise ArtifactMissing(
            f"Collection {self.name!r} has no embedding{' by ' + encoder if encoder else ''}; run 'explorer embed {self.name}{by}'."
        )

    def encoder_names(self) -> list[str]:
        """Names of the encoders this collection was embedded with, newest first."""
        return list(dict.fromkeys(str(a.recipe["encoder"]["name"]) for a in self.artifacts("embeddings")))

    def vectors(self, encoder: str | None = None) -> Vectors:
        """(n d) float32, memory-mapped, as the encoder gave them."""
        return _load(self.embedding(encoder), "vectors.npy")

    def neighbours(self, encoder: str | None = None) -> Neighbours:
        """The one nearest-neighbour graph of an embedding, memory-mapped."""
        artifact = self._neighbours(encoder)
        return Neighbours(_load(artifact, "knn_rows.npy"), _load(artifact, "knn_scores.npy"))

    def index(self, encoder: str | None = None) -> VectorIndex:
        """The search index of an embedding; read once per process."""
        return _read_index(storage.file(self._neighbours(encoder), "index.faiss"))

    def projection(self, encoder: str | None = None, method: str = "umap") -> Points:
        """(n 2) float32 positions on the newest map of that method."""
        return _load(self.projection_artifact(encoder, method), "xy.npy")

    def projection_artifact(self, encoder: str | None = None, method: str = "umap") -> Artifact:
        """The newest map of that method, with its recipe."""
        return self.artifact("projections", step="project", neighbours=self._neighbours(encoder).key, method=method)

    def described(self, encoder: str | None = None, *, projection: Artifact | None = None) -> pd.DataFrame:
        """``items``, and beside them how far each row's place on a map (the newest UMAP, else the newest) can be trusted."""
        if projection is None:
            with suppress(ArtifactMissing):  # rows without vectors or a map are as they are
                projection = map_quality.first(self.artifacts("projections", neighbours=self._neighbours(encoder).key))
        return map_quality.beside(self.items, projection)

    def clusterings(self, encoder: str | None = None) -> list[Artifact]:
        """All group numberings of an embedding, newest first."""
        return self.artifacts("clusters", neighbours=self._neighbours(encoder).key)

    # -- questions

    def search(
        self,
        *,
        image: Image | None = None,
        row: int | None = None,
        k: int = 10,
        where: Mapping[str, Any] | None = None,
        exclude_same: Sequence[str] = (),
        encoder: str | Encoder | None = None,
    ) -> SearchResult:
        """The k rows most similar to a row or to a picture (h w 3) uint8.

        ``where`` maps columns to a value, a list of values or a range (``allowed_rows``); ``exclude_same`` names columns
        (patient, slide) in which answers must differ from the query; those not known for it are in ``query["not_excluded"]``.
        A picture that is in the collection, pixel for pixel, is known by its row.
        Pass a loaded ``encoder`` to query by pictures without loading it again. Raises ``InputError``, ``ArtifactMissing``.
        """
        if (image is None) == (row is None):
            raise InputError("Search needs either a row or a picture; give one of the two.")
        started = time.perf_counter()
        ready = None if isinstance(encoder, str) or encoder is None else encoder
        embedding = self.embedding(encoder) if ready is None else self._embedding_by(ready)  # type: ignore[arg-type]
        query: dict[str, Any] = {}
        if image is not None:
            row = self.row_of(image)
            ready = ready or load_encoder(embedding)
            vector = ready.encode(ready.prepare(image)[None]).numpy()
            query["image_px"] = [int(image.shape[1]), int(image.shape[0])]
        elif row is not None:
            vector = np.array(self.vectors(embedding.key)[[self._row(row)]])
        if row is not None:
            query |= {"row": int(row), "id": str(self.items["id"].iloc[row]), "not_excluded": self._unknown_of(row, exclude_same)}
        query |= {"k": k, "where": dict(where or {}), "exclude_same": list(exclude_same)}
        items = self.items if set(where or ()) <= set(self.items.columns) else self.described(embedding.key)
        allowed = allowed_rows(items, where=where, exclude_same=exclude_same, like=row)
        index = self.index(embedding.key)
        hits = find_hits(self.items, index=index, query=vector, k=k, allowed=allowed)
        with suppress(ArtifactMissing):  # a collection without a map has no place on it
            layout = self.projection(embedding.key)
            xy = layout[row] if row is not None else place(*_nearest(index, vector), xy=np.asarray(layout))[0]
            query["map_xy"] = [round(float(value), 4) for value in xy]
        return SearchResult(self.name, str(embedding.recipe["encoder"]["name"]), query, hits, time.perf_counter() - started)

    def row_of(self, image: Image) -> int | None:
        """The row with exactly these pixels, or None."""
        return self._row_by_sha256.get(pixels_sha256(image))

    def verify(self) -> list[str]:
        """One sentence per file that is missing, cut or changed; empty when all is well."""
        faults = storage.verify(Artifact(self.path, self.record))
        for folder in sorted(p for p in self.path.iterdir() if p.is_dir() and not p.name.startswith(".")):
            faults += storage.verify_kind(self.path, folder.name)
        return faults

    # -- within

    def _own_file(self, name: str) -> Path:
        return storage.file(Artifact(self.path, self.record), name)

    def _row(self, row: int) -> int:
        if not 0 <= row < self.n:
            raise InputError(f"Row {row} is not in {self.name!r}; rows go from 0 to {self.n - 1}.")
        return row

    def _embedding_by(self, encoder: Encoder) -> Artifact:
        """The newest embedding this very encoder made, in whatever precision. Raises ``ArtifactMissing`` or ``InputError``."""
        self.embedding(encoder.name)
        for candidate in self.artifacts("embeddings"):
            if identity(candidate.recipe["encoder"]) == identity(encoder.recipe):
                return candidate
        raise InputError(
            f"{encoder.name} as loaded is not the one collection {self.name!r} was embedded with (other weights or another version); "
            f"load the same weights, or run 'explorer embed {self.name} --encoder {encoder.name}'."
        )

    def _unknown_of(self, row: int, columns: Sequence[str]) -> list[str]:
        return [column for column in columns if column in self.items.columns and pd.isna(self.items[column].iloc[row])]

    def _neighbours(self, encoder: str | None) -> Artifact:
        return self.artifact("neighbours", step="index", embedding=self.embedding(encoder).key)

    @cached_property
    def _thumbnails(self) -> Any:
        return np.memmap(storage.file(self._thumbnail_artifact, "thumbnails.bin"), dtype=np.uint8, mode="r")

    @cached_property
    def _thumbnail_ends(self) -> Any:
        return np.load(storage.file(self._thumbnail_artifact, "offsets.npy"), allow_pickle=False)

    @cached_property
    def _thumbnail_artifact(self) -> Artifact:
        return self.artifact("thumbnails", step="ingest")

    @cached_property
    def _row_by_sha256(self) -> dict[str, int]:
        return {sha: row for row, sha in reversed(list(enumerate(self.items["sha256"])))}


def open_collection(name: str, *, home: Path | str | None = None, limits: Limits | None = None) -> Collection:
    """The collection of that name under ``home`` (``EXPLORER_HOME`` or ``indexes`` where left out). Raises ``CollectionMissing``."""
    return Collection(Path(home or settings.read().home) / checked_name(name), limits=limits)


def list_collections(home: Path) -> list[Collection]:
    """All collections under ``home`` that open, by name."""
    opened = (_try_open(path) for path in _folders(home))
    return [collection for collection in opened if isinstance(collection, Collection)]


def list_damaged(home: Path) -> dict[str, str]:
    """Name and fault of every collection under ``home`` that does not open."""
    opened = {path.name: _try_open(path) for path in _folders(home)}
    return {name: str(fault) for name, fault in opened.items() if isinstance(fault, ExplorerError)}


def _folders(home: Path) -> list[Path]:
    folders = sorted(home.iterdir()) if home.is_dir() else []
    return [path for path in folders if not path.name.startswith(".") and (path / RECORD).is_file()]


def _try_open(path: Path) -> Collection | ExplorerError:
    try:
        return Collection(path)
    except ExplorerError as error:
        return error


def checked_name(name: str) -> str:
    """The name, where it can safely name a folder; raises ``InputError``."""
    if not _NAME.fullmatch(name) or name.endswith((".", " ")):
        raise InputError(f"{name!r} cannot name a collection; use letters, digits, spaces and . + - _, starting with a letter or digit.")
    return name


def pixels_sha256(image: Image) -> str:
    """Hex digest of a picture's shape and pixels: equal pictures, equal digests, whatever file they lie in."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def _nearest(index: VectorIndex, query: Queries) -> tuple[Rows, Scores]:
    scores, rows = index.search(query, min(PLACED_BY, index.n))
    return rows, scores


@lru_cache(maxsize=4)
def _read_index(path: Path) -> VectorIndex:
    import faiss

    settings = storage.read_json(path.with_name(storage.META))["measured"]["index"]
    return load_index(faiss.read_index(str(path)), settings=settings)


def _load(artifact: Artifact, name: str) -> Shaped[np.ndarray, ...]:
    array: Shaped[np.ndarray, ...] = np.load(storage.file(artifact, name), mmap_mode="r", allow_pickle=False)
    return array
