"""Shared types: arrays with shape and dtype, records, protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Int64, UInt8

if TYPE_CHECKING:
    import torch

Image = UInt8[np.ndarray, "h w 3"]
"""One picture: height, width, RGB."""
Vectors = Float32[np.ndarray, "n d"]
"""One embedding per row, as the encoder gave it (not normalised)."""
Queries = Float32[np.ndarray, "q d"]
"""One vector per query."""
Scores = Float32[np.ndarray, "q k"]
"""Cosine similarity of each query to its hits, best first; ``-inf`` where there are fewer than k."""
Rows = Int64[np.ndarray, "q k"]
"""Row numbers of the hits, best first; -1 where there are fewer than k."""
Points = Float32[np.ndarray, "n 2"]
"""Positions on a map."""
Labels = Int64[np.ndarray, " n"]
"""A cluster number per row; -1 is "in no cluster"."""
Allowed = Bool[np.ndarray, " n"]
"""True for the rows a search may return."""
TAGS_COLUMN = "tags_by_people"
"""The one column whose cells hold several values; a filter checks whether one of them matches."""
LIST_SEPARATOR = "; "
"""Separator of the values in a cell of that column."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The k nearest other rows of every row (never the row itself), nearest first."""

    rows: Rows
    scores: Scores


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of a source, before it is read. It becomes row i of a collection."""

    uri: str
    """Position inside its source: a relative POSIX path, a zip member, ``x[17]``. Unique."""
    id: str = ""
    """The user's own identifier; the uri where none is given."""
    label: str | None = None
    patient: str | None = None
    slide: str | None = None
    site: str | None = None
    split: str | None = None
    mpp: float | None = None
    """Micrometres per pixel of the stored picture."""
    x_px0: int | None = None
    """Left edge in level-0 pixels of the slide."""
    y_px0: int | None = None
    side_px0: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """The user's further columns."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A file that did not become a row, and the reason, in words for people."""

    uri: str
    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on the size of an input."""

    max_pixels: int = 120_000_000
    """Pixels of one picture; more counts as a decompression bomb."""
    max_archive_bytes: int = 50_000_000_000
    """Bytes of an archive, unpacked."""
    max_archive_ratio: int = 200
    """Ratio of unpacked to packed size of one member."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a verb. A caller may ignore it."""

    verb: str
    done: int
    total: int | None = None
    unit: str = "patches"
    note: str = ""
    """A message for the user (a batch was halved, another process is being waited for)."""


Report = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """The report function that does nothing."""


@runtime_checkable
class Source(Protocol):
    """A place images come from: a folder, a zip, a table, an HDF5 file, drawn tissue."""

    @property
    def kind(self) -> str: ...
    @property
    def uri(self) -> str:
        """The address from which ``open_source`` opens the same source again: an absolute path, or ``synthetic``."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """JSON values; with ``kind`` and ``uri`` they are the whole identity of the source."""
        ...

    def items(self) -> Sequence[Item]:
        """All pictures found, in a stable order, without decoding any."""
        ...

    def rejects(self) -> Sequence[Reject]:
        """Files that the listing left out, with reasons (hidden files, links that leave the root, files that are not images)."""
        ...

    def read(self, uri: str) -> Image:
        """Decode one picture; safe to call from several threads. Raises ``ImageRejected``."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """Turns pictures into vectors; ``recipe`` holds everything that could change a vector."""

    @property
    def name(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def side_px(self) -> int: ...
    @property
    def device(self) -> str: ...
    @property
    def recipe(self) -> Mapping[str, Any]: ...

    def resize(self, image: Image) -> torch.Tensor:
        """(h w 3) uint8 -> (3 s s) uint8: resized and cropped, not yet normalised."""
        ...

    def prepare(self, image: Image) -> torch.Tensor:
        """(h w 3) uint8 RGB -> (3 s s) float32, normalised."""
        ...

    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        """(b 3 s s) float32 as ``prepare`` gives, or uint8 as ``resize`` gives -> (b d) float32 on the CPU."""
        ...


@runtime_checkable
class VectorStore(Protocol):
    """Cosine search over the rows of one embedding, for any engine.

    ``tests/contracts/store_contract.py`` is the contract; ``explorer.index`` builds and opens stores.
    """

    @property
    def kind(self) -> str: ...
    @property
    def n(self) -> int:
        """Number of rows."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def n_bytes(self) -> int:
        """Main memory the store takes in this process."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """JSON values that ``open_store`` needs again, and what was measured when it was built."""
        ...

    def search(self, queries: Queries, k: int, *, allowed: Allowed | None = None) -> tuple[Scores, Rows]:
        """The k best allowed rows of each query, best first; exact within ``allowed`` at any selectivity.

        Scores are cosines, equal ones in order of their rows; -inf and row -1 where there are fewer than k. Raises
        ``InputError`` where a shape does not fit or k is not positive. Safe to call from several threads.
        """
        ...

    def count(self, *, allowed: Allowed | None = None) -> int:
        """Number of rows that this filter allows."""
        ...

    def save(self, folder: Path) -> None:
        """Write the files that ``open_store`` reads into an empty folder."""
        ...
