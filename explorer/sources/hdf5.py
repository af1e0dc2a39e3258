"""Pictures in one HDF5 array, as PatchCamelyon (Veeling et al. 2018) lays them out."""

from __future__ import annotations

import math
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from ..errors import ImageRejected, SourceError
from ..types import Image, Item, Limits, Reject
from ..wording import counted
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
        absent = _absent_rows(self._x, self._path.parent)
        items = []
        for row, label in enumerate(self._labels()):
            if row in absent:
                continue
            name = _PCAM_LABELS.get(label or "", label) if pcam else label
            record = rows[row] if rows else {}
            items.append(make_item(f"x[{row}]", record, columns, label=name, split=split[1] if split else None))
        if not items:
            raise SourceError(f"Dataset x in {self._path} holds no pictures: {next(iter(absent.values()))}.")
        return items, [Reject(f"x[{row}]", reason) for row, reason in absent.items()]

    def _labels(self) -> list[str | None]:
        beside = self._beside("_y.h5")
        y = _dataset(self._path, "y")
        if y is None and beside is not None:
            y = _dataset(beside, "y")
        if y is None:
            return [None] * len(self._x)
        values = y[...] if y.shape else y[()]
        try:
            return label_texts(np.asarray(values), len(self._x))
        except ValueError as error:
            raise SourceError(
                f"{self._path} has {counted(len(self._x), 'picture')} but {error}; get the two files that belong together."
            ) from error

    def _meta(self) -> tuple[list[dict[str, Any]], dict[str, str]]:
        path = self._beside("_meta.csv")
        if path is None:
            return [], {}
        table = read_table(path.read_bytes(), name=str(path))
        columns = find_columns(table.columns)
        if len(table) != len(self._x):
            raise SourceError(
                f"{self._path} has {counted(len(self._x), 'picture')} but {path.name} {counted(len(table), 'row')}; "
                "get the files that belong together."
            )
        return list(convert(table, columns).records()), {
            field: columns[field] for field in ("slide", "patient", "site") if field in columns
        }

    def _beside(self, ending: str) -> Path | None:
        stem, mark, _ = self._path.name.rpartition("_x.")
        path = self._path.with_name(stem + ending)
        return path if mark and path.is_file() else None


def label_texts(values: Shaped[np.ndarray, ...], n: int) -> list[str | None]:
    """One label per picture, as text.

    Of ``values`` of n numbers or texts each is a label: whole numbers without a decimal point, no label for NaN, bytes as
    UTF-8 or else Windows-1252. Of n rows of c numbers, one of them 1 and the others 0 (one-hot), the label is the place
    of the 1. Raises ``ValueError`` with the shape for anything else.
    """
    if values.size == n:
        return [_label_text(value) for value in values.reshape(-1).tolist()]
    rows = values.reshape(n, -1) if values.ndim > 1 and values.shape[0] == n else None
    if rows is None or rows.dtype.kind not in "biuf":
        raise ValueError(f"labels of shape {values.shape}")
    if not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()):
        raise ValueError(f"labels of shape {values.shape} that are not one-hot (a single 1 in each row)")
    return [str(place) for place in rows.argmax(axis=1).tolist()]


def _label_text(value: object) -> str | None:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("cp1252", errors="replace")
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def _absent_rows(x: Any, folder: Path) -> dict[int, str]:
    """The rows of a virtual dataset whose file is missing or that no file covers, and why: HDF5 would return blank pictures there."""
    if not x.is_virtual:
        return {}
    covered: set[int] = set()
    missing: dict[int, str] = {}
    for part in x.virtual_sources():
        low, high = part.vspace.get_select_bounds()
        rows = range(int(low[0]), int(high[0]) + 1)
        covered.update(rows)
        if reason := _missing_source(x, part.file_name, part.dset_name, folder):
            missing |= dict.fromkeys(rows, reason)
    gap = "no file holds it: the virtual dataset has a gap here"
    return {row: missing.get(row, gap) for row in range(len(x)) if row in missing or row not in covered}


def _missing_source(x: Any, name: str, dataset: str, folder: Path) -> str:
    """Why a file that a virtual dataset draws from cannot be read; empty where it can."""
    import h5py

    if name == ".":
        return "" if dataset in x.file else f"the virtual dataset draws it from {dataset}, which is not in the file"
    path = folder / name
    try:
        with h5py.File(path, "r") as file:
            there = dataset in file
    except OSError:
        there = False
    return "" if there else f"the virtual dataset draws it from {name} ({dataset}), which is not there; put that file beside this one"


def _dataset(path: Path, name: str) -> Any:
    """An open dataset, or None where the file has none of that name."""
    import h5py

    try:
        found = h5py.File(path, "r").get(name)
    except OSError as error:
        raise SourceError(f"{path} is not an HDF5 file, or is damaged; fetch it again.") from error
    return found if isinstance(found, h5py.Dataset) else None
