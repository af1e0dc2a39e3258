"""State shared by all sessions of the server: settings, opened collections, the search, and encoders of query pictures.

Routes and pages both use these functions, so they show the same data. Everything is loaded on first use.
"""

from __future__ import annotations

import os
import threading
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ... import jobs, pipeline, storage
from ... import settings as settings_table
from ...collection import RECORD, Collection, Embedding, checked_name
from ...collection.artifact_files import load_array
from ...collection.cache import ByteCache
from ...collection.encoder_cache import load_encoder
from ...errors import Busy, CollectionMissing, ExplorerError, InputError
from ...evaluation import OverlapReport
from ...search import INTERNAL, Deadline, Example, Picture, Query, Region, SearchResult, VectorCache
from ...search import search as run_search
from ...settings import Settings
from ...storage import Artifact
from ...types import Encoder, Labels
from . import point_buffers, uploads

searching = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))
"""Limits concurrent searches and encodings: more of them than cores only make each slower."""
_loading = threading.Lock()
_points: ByteCache[bytes] = ByteCache(256 << 20, len)
_columns: ByteCache[point_buffers.Column] = ByteCache(256 << 20, lambda column: len(column.data))
LOCAL_USER = "local"
"""Author of annotations made in the app, as there is no login."""


@cache
def settings() -> Settings:
    """Settings of this server, read once."""
    return settings_table.read()


def collection(name: str) -> Collection:
    """The collection of that name, kept open until it is rebuilt. Raises ``CollectionMissing``."""
    try:
        path = settings().home / checked_name(name)
        made_ns = (path / RECORD).stat().st_mtime_ns
    except (InputError, FileNotFoundError):
        raise CollectionMissing(f"There is no collection {name!r}; choose another one in the library.") from None
    collection = _opened(path, made_ns)
    collection.notice_changes()
    return collection


def collections() -> list[Collection]:
    """All collections that can be opened, by name."""
    return [found for found in _all().values() if isinstance(found, Collection)]


def unreadable() -> dict[str, str]:
    """Name and error message of every collection that cannot be opened."""
    return {name: str(found) for name, found in _all().items() if isinstance(found, ExplorerError)}


def _all() -> dict[str, Collection | ExplorerError]:
    home = settings().home
    found: dict[str, Collection | ExplorerError] = {}
    for path in sorted(home.iterdir()) if home.is_dir() else []:
        if not path.name.startswith(".") and (path / RECORD).is_file():
            try:
                found[path.name] = collection(path.name)
            except CollectionMissing:  # removed while we look, or a folder of someone else's
                continue
            except ExplorerError as error:
                found[path.name] = error
    return found


def remove(collection: Collection) -> None:
    """Delete a collection, and the upload it was made from if nothing else uses it. Raises ``Busy`` while a job works on it."""
    _check_idle(collection)
    pipeline.remove(collection)
    uploads.remove_orphan(settings().home, Path(collection.record["source"]["uri"]), used=places_in_use())


def rename(old: Collection, name: str) -> Collection:
    """Give a collection another name. Raises ``CollectionExists``, ``InputError``, or ``Busy`` while a job works on it."""
    _check_idle(old)
    pipeline.rename(old, name)
    return collection(name)


def remove_unused_uploads() -> None:
    """Delete unused uploads. Does nothing while a collection cannot be opened, because its pictures might be among them."""
    if not unreadable():
        uploads.remove_unused(settings().home, used=places_in_use())


def places_in_use() -> set[Path]:
    """The sources of all collections and jobs."""
    made_from = {Path(collection.record["source"]["uri"]) for collection in collections()}
    return made_from | {Path(job.command[-1]) for job in jobs.jobs(settings().home)}


def version(collection: Collection) -> str:
    """A few hex digits that change with the rows, their columns and their thumbnails."""
    files = collection.record["files"]
    return str(storage.fingerprint({name: files[name]["sha256"] for name in files} | {"created": collection.record["created"]}))


def table_version(collection: Collection) -> str:
    """``version``, followed by a number that grows with every annotation of the rows."""
    return f"{version(collection)}-{collection.annotations.version}"


def search(collection: Collection, query: Query, *, encoder: str | None = None, vectors: VectorCache | None = None) -> SearchResult:
    """``search.search`` with a limit on concurrent searches; an encoder is loaded before waiting for a free place.

    ``vectors`` caches vectors of pictures between calls. A picture that is a row of the collection needs no encoder, because
    its vector is stored. Raises ``SearchTooSlow`` after ``search_limit_s`` seconds, waiting included.
    """
    deadline = Deadline(settings().search_limit_s)
    embedding = collection.embedding(encoder)
    if any(_must_be_encoded(embedding, example) for example in (*query.like, *query.more_like, *query.unlike)):
        embedding = embedding.with_encoder(picture_encoder(embedding))
    if not searching.acquire(timeout=deadline.left_s):
        raise deadline.error()
    try:
        return run_search(embedding, query, cache=vectors, deadline=deadline)
    finally:
        searching.release()


def _must_be_encoded(embedding: Embedding, example: Example) -> bool:
    return isinstance(example, Region) or (isinstance(example, Picture) and embedding.row_of(example.sha256) is None)


def picture_encoder(embedding: Embedding) -> Encoder:
    """The encoder of an embedding, for query pictures; the first caller loads it while others wait."""
    with _loading:
        return load_encoder(embedding.artifact)


def overlap(collection: Collection, one: str, other: str) -> OverlapReport:
    """How far two encoders agree on neighbours; computed once. Raises what ``pipeline.overlap`` raises."""
    graphs = tuple(collection.embedding(name).neighbours.key for name in (one, other))
    return _overlap(collection.path, one, other, graphs)


def shared(collection: Collection, one: str, other: str) -> point_buffers.Column:
    """Colours of the map by the number of nearest neighbours that two encoders have in common."""
    found = overlap(collection, one, other)
    k = int(found.protocol["k"])
    return point_buffers.value_column(f"shared of the {k} nearest", pd.Series(np.rint(found.per_row * k)))


def column(collection: Collection, name: str) -> point_buffers.Column:
    """Colours of the map by a column of the rows. Raises ``InputError``."""
    return _columns.get((collection.path, table_version(collection), name), lambda: _make_column(collection, name))


def labels(groups: Artifact) -> Labels:
    """The cluster of every row."""
    found: Labels = load_array(groups, "labels.npy")
    return found


def points(projection: Path) -> bytes:
    """The point buffer of a published map."""
    return _points.get(projection, lambda: _pack_points(projection))


def _check_idle(collection: Collection) -> None:
    for job in jobs.jobs(settings().home):
        if job.collection == collection.name and job.is_active():
            raise Busy(f"{job.title} is running on {collection.name!r} or waits to; wait for it or stop it first.")


@lru_cache(maxsize=32)  # their tables and indexes are bounded in bytes
def _opened(path: Path, made_ns: int) -> Collection:
    return Collection(path, limits=settings().limits)


@lru_cache(maxsize=16)
def _overlap(path: Path, one: str, other: str, graphs: tuple[str, ...]) -> OverlapReport:
    found = collection(path.name)
    return pipeline.overlap(found, one, other, k=min(pipeline.OVERLAP_K, max(1, found.n - 1)))


def _pack_points(projection: Path) -> bytes:
    artifact = Artifact(projection, storage.read_json(projection / storage.META))
    return point_buffers.pack_points(load_array(artifact, "xy.npy"))


def _make_column(collection: Collection, name: str) -> point_buffers.Column:
    table = collection.table()
    if name not in table.columns or name in INTERNAL:
        raise InputError(f"There is no column {name!r} in {collection.name!r}; choose another one.")
    values = table[name]
    make = point_buffers.value_column if point_buffers.column_kind(values) == "values" else point_buffers.class_column
    return make(name, values)
