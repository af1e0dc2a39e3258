"""A collection on disk: its rows, pictures, artifacts and annotations."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int64

from .. import storage
from ..errors import ArtifactDamaged, ArtifactMissing, CollectionMissing, ImageRejected, InputError, SourceError
from ..sources import open_source
from ..sources.pixels import pixels_sha256
from ..storage import Artifact
from ..types import Image, Limits, Source
from .annotations import Annotations
from .artifact_files import checked_file, load_array
from .cache import ByteCache
from .verification import REQUIRED_COLUMNS, collection_faults, missing_fields

RECORD = storage.COLLECTION
FORMAT = 1
ITEMS = "items.parquet"
MOST_TABLE_BYTES = 2 << 30
"""Maximal bytes of the tables of all opened collections of a process."""
MOST_HASH_BYTES = 512 << 20
"""Maximal bytes of their tables of pixel hashes."""
_tables: ByteCache[pd.DataFrame] = ByteCache(MOST_TABLE_BYTES, lambda table: int(table.memory_usage(deep=True).sum()))
_rows_by_sha256: ByteCache[dict[str, int]] = ByteCache(
    MOST_HASH_BYTES, lambda rows: sys.getsizeof(rows) + sum(sys.getsizeof(sha) + sys.getsizeof(row) for sha, row in rows.items())
)


class StoredCollection:
    """A folder of rows and artifacts. Row i is line i of ``items``; the number of rows never changes."""

    def __init__(self, path: Path, *, limits: Limits | None = None) -> None:
        """Raises ``CollectionMissing``, ``InputError`` for a newer format, or ``ArtifactDamaged``.

        A record is checked here, once; after this its fields are there and of their types, and n is the length of ``items``.
        """
        if not (path / RECORD).is_file():
            raise CollectionMissing(f"There is no collection {path.name!r} in {path.parent}; run 'explorer list' to see what is there.")
        self.path = path
        self.record = _record(path)
        self._limits = limits or Limits()
        self._artifacts: dict[str, list[Artifact]] = {}
        self._there: dict[str, list[str]] = {}

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

    @property
    def items(self) -> pd.DataFrame:
        """One line per row: id uri label patient slide site split mpp ... sha256 and the user's own columns.

        Every opening of the collection in a process shares this object, so do not change it.
        """
        return self._table(self._items_key)

    @property
    def rejects(self) -> pd.DataFrame:
        """What did not become a row: uri, reason."""
        return self._table(self._rejects_key)

    @cached_property
    def annotations(self) -> Annotations:
        """Annotations of the rows: labels, notes, tags, decisions, saved selections, names of clusters."""
        return Annotations(self.path, n=self.n)

    def table(self) -> pd.DataFrame:
        """``items`` with the annotations as further columns (``Annotations.beside``)."""
        return self.annotations.beside(self.items)

    @cached_property
    def source(self) -> Source:
        """The source of the pictures. Raises ``SourceError`` where it no longer exists."""
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
        """Published artifacts of a kind whose recipe has these values, newest first; the folder is read once (see ``refresh``).

        Those with a damaged record are left out; ``verify`` names them.
        """
        found = self._artifacts.get(kind)
        if found is None:
            found = self._artifacts[kind] = [each for each in storage.artifacts(self.path, kind) if not missing_fields(kind, each)]
        return [artifact for artifact in found if all(artifact.recipe.get(name) == value for name, value in recipe.items())]

    def artifact(self, kind: str, *, step: str, options: str = "", **recipe: Any) -> Artifact:
        """The newest such artifact. Raises ``ArtifactMissing`` that names the command which makes one, by its step and options."""
        if found := self.artifacts(kind, **recipe):
            return found[0]
        raise ArtifactMissing(f"Collection {self.name!r} has no {kind} of this kind yet; run 'explorer {step} {self.name}{options}'.")

    def make(
        self,
        kind: str,
        recipe: Mapping[str, Any],
        fill: Callable[[Path], Mapping[str, Any]],
        *,
        waiting: Callable[[], None] | None = None,
    ) -> Artifact:
        """``storage.make`` in this collection's folder; ``artifacts`` lists the result at once."""
        artifact = storage.make(self.path, kind, recipe, fill, waiting=waiting)
        self.refresh(kind)
        return artifact

    def refresh(self, kind: str | None = None) -> None:
        """Read the list of artifacts again at its next use, so that those of other processes are found."""
        if kind is None:
            self._artifacts.clear()
        else:
            self._artifacts.pop(kind, None)

    def notice_changes(self) -> None:
        """``refresh`` where another process has made or removed an artifact since this was last called."""
        there = {path.name: sorted(child.name for child in path.iterdir()) for path in self.path.iterdir() if path.is_dir()}
        if there != self._there:
            self._there = there
            self.refresh()

    def selection(self, name: str) -> Int64[np.ndarray, " m"]:
        """Rows of the saved selection of that title or key, ascending. Raises ``InputError``."""
        return self.annotations.selection(name).rows

    def row_of(self, image: Image) -> int | None:
        """The row with exactly these pixels, or None."""
        return self.row_by_sha256.get(pixels_sha256(image))

    def verify(self) -> list[str]:
        """One sentence per file that is missing, cut, changed or does not agree with the others; empty when all is well."""
        return list(dict.fromkeys(collection_faults(self.path, self.record) + self.annotations.journal.faults()))

    # -- within

    def _own_file(self, name: str) -> Path:
        return storage.file(Artifact(self.path, self.record), name)

    @cached_property
    def _items_key(self) -> tuple[Path, str]:
        return self._file_key(ITEMS)

    @cached_property
    def _rejects_key(self) -> tuple[Path, str]:
        return self._file_key("rejects.parquet")

    def _file_key(self, name: str) -> tuple[Path, str]:
        """The cache key of a table; computed once, so that a missing or damaged file is noticed when it is opened."""
        return self._own_file(name), self.record["files"][name]["sha256"]

    def _table(self, key: tuple[Path, str]) -> pd.DataFrame:
        return _tables.get(key, lambda: self._read_table(key[0].name))

    def _read_table(self, name: str) -> pd.DataFrame:
        """Its bytes are compared with their sha256 first: what a flipped bit makes of a Parquet file is anybody's guess."""
        path = storage.file(Artifact(self.path, self.record), name, whole=True)
        table = pd.read_parquet(path)
        if missing := [column for column in (REQUIRED_COLUMNS if name == ITEMS else ("uri", "reason")) if column not in table.columns]:
            raise ArtifactDamaged(f"{path} has no column {missing[0]}; restore this collection from a copy.")
        return table

    def _row(self, row: int) -> int:
        if not 0 <= row < self.n:
            raise InputError(f"Row {row} is not in {self.name!r}; rows go from 0 to {self.n - 1}.")
        return row

    @cached_property
    def _thumbnails(self) -> Any:
        return np.memmap(checked_file(self._thumbnail_artifact, "thumbnails.bin"), dtype=np.uint8, mode="r")

    @cached_property
    def _thumbnail_ends(self) -> Any:
        ends = load_array(self._thumbnail_artifact, "offsets.npy", rows=self.n + 1)
        if ends.dtype != np.int64 or ends[0] != 0 or ends[-1] > len(self._thumbnails) or (np.diff(ends) < 0).any():
            raise ArtifactDamaged(f"The thumbnails of {self.name!r} are damaged; run 'explorer verify {self.name}'.")
        return ends

    @cached_property
    def _thumbnail_artifact(self) -> Artifact:
        return self.artifact("thumbnails", step="ingest")

    @property
    def row_by_sha256(self) -> Mapping[str, int]:
        """The first row with each pixel hash."""
        return _rows_by_sha256.get(self._items_key, lambda: {sha: row for row, sha in reversed(list(enumerate(self.items["sha256"])))})


def _record(path: Path) -> Mapping[str, Any]:
    """The record of the collection at ``path``, checked against its shape, and against the length of its table."""
    mend = "restore this collection from a copy, or delete its folder and build it again."
    found = storage.read_json(path / RECORD)
    written = found.get("format") if isinstance(found, dict) else None
    if isinstance(written, int) and written > FORMAT:  # which may have another shape
        raise InputError(f"Collection {path.name!r} has format {written}, newer than this program; update the program.")
    record = storage.read_record(path / RECORD, storage.CollectionRecord)
    if missing := [name for name in (ITEMS, "rejects.parquet") if name not in record["files"]]:
        raise ArtifactDamaged(f"{path / RECORD} is damaged (it names no {missing[0]}); {mend}")
    items = storage.file(Artifact(path, record), ITEMS)
    try:
        n = pq.read_metadata(items).num_rows
    except (pa.ArrowException, OSError) as error:
        raise ArtifactDamaged(f"{items} is damaged ({str(error)[:80]}); {mend}") from error
    if n != record["n"]:
        raise ArtifactDamaged(f"{items} has {n} rows and {RECORD} says {record['n']}; {mend}")
    return record
