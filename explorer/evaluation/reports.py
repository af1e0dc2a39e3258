"""The base of all reports: frozen records that convert to plain JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

Counts = tuple[tuple[int, ...], ...]
"""A table of whole numbers, line by line."""
Facts = Mapping[str, str | int | float | bool | tuple[int, ...] | None]
"""Settings of a measurement, as JSON knows them."""


@dataclasses.dataclass(frozen=True)
class Report:
    """Base of all reports."""

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values: arrays become lists, NaN becomes null."""
        return {field.name: plain(getattr(self, field.name)) for field in dataclasses.fields(self)}


def plain(value: Any) -> Any:
    """A value as JSON types: records become objects, arrays lists, NaN and infinity null."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
