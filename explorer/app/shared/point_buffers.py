"""Binary buffers that the map fetches: positions in 4 bytes per patch, colours in 1 to 4.

A point buffer is a header of 32 bytes (``XPT1``, the number of points, then x0, y0 and step as doubles), followed by x and
y of each row as whole steps in 16 bits, all little-endian. A position is ``x0 + steps * step``; one step is 1/65535 of the
longer side of the map.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from jaxtyping import Float64

from ...errors import InputError
from ...types import Labels, Points

Drawn = Float64[np.ndarray, "n 2"]
"""Positions as the map draws them: rounded to its steps. Selections are made on these."""

_HEADER = struct.Struct("<4sI3d")
_MAGIC = b"XPT1"
_SPAN = 65535
_FEW = 24
"""Whole numbers with more distinct values than this are shown on a ramp, not as classes."""
_MOST_CLASSES = 65535


@dataclass(frozen=True, slots=True)
class Column:
    """Colours of a map: one value per row for the buffer, and the legend."""

    data: bytes
    """uint8 or uint16 class numbers, or float32 values with NaN for "no value"; little-endian."""
    legend: Mapping[str, Any]
    """JSON: name, kind, dtype; names, counts, none (the class drawn grey, or None); or low, high, missing.

    With the ``url`` of its data it is a ``Column`` of ``web/map/columns.js``.
    """


def pack_points(xy: Points) -> bytes:
    """The point buffer of a map."""
    n = len(xy)
    low = xy.min(axis=0).astype(np.float64) if n else np.zeros(2)
    span = float((xy.max(axis=0) - low).max()) if n else 1.0
    step = (span or 1.0) / _SPAN
    steps = np.rint((xy - low) / step).clip(0, _SPAN).astype("<u2")
    return _HEADER.pack(_MAGIC, n, low[0], low[1], step) + steps.tobytes()


def drawn_points(buffer: bytes) -> Drawn:
    """Positions as a map draws them, from its point buffer; the same arithmetic as in the browser."""
    magic, n, x0, y0, step = _HEADER.unpack_from(buffer)
    if magic != _MAGIC or len(buffer) != _HEADER.size + 4 * n:
        raise InputError("The point buffer is damaged; make the map again.")
    steps = np.frombuffer(buffer, "<u2", offset=_HEADER.size).reshape(n, 2)
    origin: Drawn = np.array([[x0, y0]])
    return origin + steps * np.float64(step)


def class_column(name: str, values: pd.Series) -> Column:
    """Colours by class: one for each distinct value; missing values are grey and named "none"."""
    codes, distinct = pd.factorize(values, sort=True)
    names = [str(value) for value in distinct]
    missing = codes < 0
    none = len(names) if missing.any() else None
    if none is not None:
        names.append("none")
        codes = np.where(missing, none, codes)
    return _classes(name, codes, names, none)


def cluster_column(name: str, labels: Labels, names: Mapping[int, str]) -> Column:
    """Colours by cluster number; -1 is grey and named "in no group"."""
    groups = int(labels.max(initial=-1)) + 1
    titles = [names.get(group, f"Group {group + 1}") for group in range(groups)]
    none = groups if (labels < 0).any() else None
    if none is not None:
        titles.append("in no group")
    return _classes(name, np.where(labels < 0, groups, labels), titles, none)


def value_column(name: str, values: pd.Series) -> Column:
    """Colours on a continuous scale, from the lowest to the highest finite value."""
    numbers = pd.to_numeric(values).to_numpy(dtype="<f4", na_value=np.nan)
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    missing = len(numbers) - len(finite)
    return Column(numbers.tobytes(), {"name": name, "kind": "continuous", "dtype": "float32", "low": low, "high": high, "missing": missing})


def column_kind(values: pd.Series) -> Literal["classes", "values"]:
    """The kind of colouring for a column: a continuous scale for measurements, classes for everything else."""
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return "classes"
    if pd.api.types.is_float_dtype(values) and not (values.dropna() % 1 == 0).all():
        return "values"
    return "values" if values.nunique() > _FEW else "classes"


def codes_of(column: Column) -> np.ndarray:
    """Class numbers of a class column, one per row."""
    return np.frombuffer(column.data, {"uint8": "<u1", "uint16": "<u2"}[column.legend["dtype"]])


def _classes(name: str, codes: np.ndarray, names: list[str], none: int | None) -> Column:
    if len(names) > _MOST_CLASSES:
        raise InputError(f"Column {name!r} has {len(names)} different values, too many to colour by; choose another column.")
    dtype = "uint8" if len(names) <= 256 else "uint16"
    counts = np.bincount(codes, minlength=len(names)).tolist()
    legend = {"name": name, "kind": "classes", "dtype": dtype, "names": names, "counts": counts, "none": none}
    return Column(codes.astype(f"<{'u1' if dtype == 'uint8' else 'u2'}").tobytes(), legend)
