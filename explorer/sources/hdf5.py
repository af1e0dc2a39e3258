"""Pictures in one HDF5 array, as PatchCamelyon lays them out."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ImageRejected, SourceError
from ..types import Image, Item, Limits, Reject

_PCAM_LABELS = {0: "no_tumor", 1: "tumor"}


class Hdf5Source:
    """Dataset ``x`` (N h w 3) uint8 and, in the same file or in the ``..._y.h5`` beside ``..._x.h5``, labels ``y``.

    Labels of files named like PatchCamelyon's are ``no_tumor`` and ``tumor``; others are the number as text.
    One handle, read behind a lock: the HDF5 library is not thread-safe.
    """

    kind = "hdf5"

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path.resolve()
        self._lock = threading.Lock()
        self.options: Mapping[str, Any] = {}
        self._x = _dataset(self._path, "x")
        if self._x is None:
            raise SourceError(f"{path} has no dataset x; expected x of shape (N, h, w, 3) in uint8.")
        if self._x.ndim != 4 or self._x.shape[3] != 3 or self._x.dtype != np.uint8 or not len(self._x):
            raise SourceError(f"Dataset x in {path} is {self._x.shape} of {self._x.dtype}; expected (N, h, w, 3) in uint8.")
        if self._x.shape[1] * self._x.shape[2] > limits.max_pixels:
            raise SourceError(f"Pictures in {path} have more pixels than the limit of {limits.max_pixels}; raise max_pixels.")

    @property
    def uri(self) -> str:
        return str(self._path)

    def items(self) -> Sequence[Item]:
        return self._items

    def rejects(self) -> Sequence[Reject]:
        return ()

    def read(self, uri: str) -> Image:
        row = uri.removeprefix("x[").removesuffix("]")
        if uri != f"x[{row}]" or not row.isdecimal() or int(row) >= len(self._x):
            raise ImageRejected("there is no such row")
        try:
            with self._lock:
                pixels: Image = self._x[int(row)]
        except OSError as error:
            raise ImageRejected("damaged: the HDF5 data do not decode") from error
        return pixels

    @cached_property
    def _items(self) -> list[Item]:
        labels = self._labels()
        return [Item(uri=f"x[{row}]", id=f"x[{row}]", label=label) for row, label in enumerate(labels)]

    def _labels(self) -> list[str | None]:
        y = _dataset(self._path, "y")
        beside = self._path.with_name(self._path.name.replace("_x.", "_y."))
        if y is None and beside != self._path and beside.is_file():
            y = _dataset(beside, "y")
        if y is None:
            return [None] * len(self._x)
        if y.size != len(self._x):
            raise SourceError(f"{self._path} has {len(self._x)} pictures but {y.size} labels; the two files do not belong together.")
        values = y[...].reshape(-1).tolist()
        names = _PCAM_LABELS if "camelyonpatch" in self._path.name else {}
        return [names.get(value, str(value)) for value in values]


def _dataset(path: Path, name: str) -> Any:
    """An open dataset, or None where the file has none of that name."""
    import h5py

    try:
        found = h5py.File(path, "r").get(name)
    except OSError as error:
        raise SourceError(f"{path} is not an HDF5 file, or is damaged; fetch it again.") from error
    return found if isinstance(found, h5py.Dataset) else None
