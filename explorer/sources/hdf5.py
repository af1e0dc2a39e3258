"""Pictures in one HDF5 array, as PatchCamelyon (Veeling et al. 2018) lays them out."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ImageRejected, SourceError
from ..types import Image, Item, Limits, Reject
from .base import Listed
from .metadata import convert, find_columns, make_item
from .table_reader import read_table

_PCAM_LABELS = {"0": "no_tumor", "1": "tumor"}


class Hdf5Source(Listed):
    """Dataset ``x`` (N h w 3) uint8; labels ``y`` (N values) in the same file or in the ``..._y.h5`` beside ``..._x.h5``.

    Of files named like PatchCamelyon's, labels 0 and 1 are ``no_tumor`` and ``tumor``, the name gives the split, and
    ``..._meta.csv`` beside them the slide and further columns. Other labels are the value as text.
    One handle, read behind a lock: the HDF5 library is not thread-safe.
    """

    kind = "hdf5"

    def __init__(self, path: Path, limits: Limits) -> None:
        super().__init__(path, limits)
        self._lock = threading.Lock()
        x = _dataset(self._path, "x")
        if x is None:
            raise SourceError(f"{path} has no dataset x; it should have x of shape (N, h, w, 3) in uint8.")
        if x.ndim != 4 or x.shape[3] != 3 or x.dtype != np.uint8 or 0 in x.shape:
            raise SourceError(f"Dataset x in {path} is {x.shape} of {x.dtype}; it should be (N, h, w, 3) of uint8.")
        if x.shape[1] * x.shape[2] > limits.max_pixels:
            raise SourceError(f"Pictures in {path} have more pixels than the limit of {limits.max_pixels}; raise max_pixels.")
        self._x = x

    def read(self, uri: str) -> Image:
        row = uri.removeprefix("x[").removesuffix("]")
        if uri != f"x[{row}]" or not (row.isascii() and row.isdecimal()) or int(row) >= len(self._x):
            raise ImageRejected("there is no such row")
        try:
            with self._lock:
                pixels: Image = self._x[int(row)]
        except OSError as error:
            raise ImageRejected("damaged: its part of the HDF5 file cannot be read") from error
        return pixels

    def _list(self) -> tuple[list[Item], list[Reject]]:
        pcam = "camelyonpatch" in self._path.name
        split = re.search(r"split_([a-z]+)", self._path.name) if pcam else None
        rows, columns = self._meta() if pcam else ([], {})
        items = []
        for row, label in enumerate(self._labels()):
            said = _PCAM_LABELS.get(label or "", label) if pcam else label
            record = rows[row] if rows else {}
            items.append(make_item(f"x[{row}]", record, columns, label=said, split=split[1] if split else None))
        return items, []

    def _labels(self) -> list[str | None]:
        beside = self._beside("_y.h5")
        y = _dataset(self._path, "y")
        if y is None and beside is not None:
            y = _dataset(beside, "y")
        if y is None:
            return [None] * len(self._x)
        if y.size != len(self._x):
            raise SourceError(f"{self._path} has {len(self._x)} pictures but {y.size} labels; get the two files that belong together.")
        return [value.decode() if isinstance(value, bytes) else str(value) for value in y[...].reshape(-1).tolist()]

    def _meta(self) -> tuple[list[dict[str, Any]], dict[str, str]]:
        path = self._beside("_meta.csv")
        if path is None:
            return [], {}
        table = read_table(path.read_bytes(), name=str(path))
        columns = find_columns(table.columns)
        if len(table) != len(self._x):
            raise SourceError(
                f"{self._path} has {len(self._x)} pictures but {path.name} {len(table)} rows; get the files that belong together."
            )
        return list(convert(table, columns).records()), {
            field: columns[field] for field in ("slide", "patient", "site") if field in columns
        }

    def _beside(self, ending: str) -> Path | None:
        stem, mark, _ = self._path.name.rpartition("_x.")
        path = self._path.with_name(stem + ending)
        return path if mark and path.is_file() else None


def _dataset(path: Path, name: str) -> Any:
    """An open dataset, or None where the file has none of that name."""
    import h5py

    try:
        found = h5py.File(path, "r").get(name)
    except OSError as error:
        raise SourceError(f"{path} is not an HDF5 file, or is damaged; fetch it again.") from error
    return found if isinstance(found, h5py.Dataset) else None
