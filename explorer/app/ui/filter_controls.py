"""Controls that filter rows by values of columns and by ranges of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from ... import storage
from ...collection import Collection, map_quality
from ...storage import Artifact
from ...types import LIST_SEPARATOR, TAGS_COLUMN
from .. import ui
from ..shared import cache, point_buffers
from .url_state import Where

_MOST_CHOICES = 200
_STEPS = 100
"""Minimal number of steps of a slider."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A column to filter by: its distinct values as text, or the limits and step of a slider."""

    name: str
    values: tuple[str, ...]
    ends: tuple[float, float, float] | None


def offers(collection: Collection, projection: Artifact | None) -> Sequence[Offer]:
    """The columns that can be filtered by, including map quality of the given map; computed once for each map."""
    again = None if projection is None else map_quality.stability_of(projection, collection.artifacts("stabilities"))
    return _offers(collection.path, cache.table_version(collection), projection and projection.key, again and again.key)


@lru_cache(maxsize=16)
def _offers(path: Path, version: str, projection: str | None, again: str | None) -> Sequence[Offer]:
    artifact = None if projection is None else storage.find(path, "projections", projection)
    collection = cache.collection(path.name)
    rows = collection.table() if artifact is None else map_quality.beside(collection.table(), artifact, collection.artifacts("stabilities"))
    found = []
    for name in ui.columns_worth(rows):
        if point_buffers.column_kind(rows[name]) == "values":
            found.append(Offer(name, (), ends(rows[name])))
        elif len(values := choices(rows[name])) <= _MOST_CHOICES:
            found.append(Offer(name, tuple(values), None))
    return tuple(found)


def controls(offered: Sequence[Offer], *, key: str) -> Where:
    """Show a control for each column; returns the conditions."""
    for one in offered:
        title, state_key = ui.plain(ui.COLUMN_NAMES.get(one.name, one.name)), _key(key, one)
        if one.ends is None:
            st.multiselect(title, one.values, key=state_key, persist_state="session")
        else:
            low, high, step = one.ends
            st.session_state.setdefault(state_key, (low, high))
            st.slider(title, low, high, step=step, key=state_key, persist_state="session", format=f"%.{max(0, -_decade(step))}f")
    return conditions(offered, key=key)


def conditions(offered: Sequence[Offer], *, key: str) -> Where:
    """The conditions of the controls in the form that ``allowed_rows`` takes. A slider at its limit sets no bound on that side."""
    found: Where = {}
    for one in offered:
        chosen = st.session_state.get(_key(key, one))
        if chosen and one.ends is not None:
            bounds = {">=": (chosen[0], one.ends[0]), "<=": (chosen[1], one.ends[1])}
            found[one.name] = {bound: float(end) for bound, (end, last) in bounds.items() if end != last}
        elif chosen:
            found[one.name] = list(chosen)
    return {name: wanted for name, wanted in found.items() if wanted}


def take(offered: Sequence[Offer], where: Mapping[str, Any], *, key: str) -> None:
    """Set the controls to the conditions. Unknown columns and values that do not occur are ignored."""
    for one in offered:
        wanted = where.get(one.name)
        if one.ends is None:
            st.session_state[_key(key, one)] = [value for value in wanted if value in one.values] if isinstance(wanted, list) else []
            continue
        low, high, _ = one.ends
        bounds = wanted if isinstance(wanted, Mapping) else {}
        first, last = (np.clip(bounds.get(bound, end), low, high) for bound, end in ((">=", low), ("<=", high)))
        usable = first <= last  # not where a link says NaN, or the ends the wrong way round
        st.session_state[_key(key, one)] = (float(first), float(last)) if usable else (low, high)


def choices(values: pd.Series) -> list[str]:
    """The distinct values of a column as text; tags are separated."""
    texts = {str(value) for value in values.dropna().unique()}
    if str(values.name).rstrip("_") == TAGS_COLUMN:
        texts = {tag for text in texts for tag in text.split(LIST_SEPARATOR)}
    return sorted(texts)


_LEAST_STEP = 1e-300
"""Values nearer to each other than this are drawn as equal: powers of ten end soon below."""


def ends(values: pd.Series) -> tuple[float, float, float]:
    """Limits of a slider around all finite values, and its step, in round numbers."""
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = numbers[np.isfinite(numbers)]
    low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 1.0)
    spread = high / _STEPS - low / _STEPS  # of each first: their difference may be too large for a float
    decade = _decade(spread) if spread > _LEAST_STEP else 0
    if (numbers % 1 == 0).all():
        decade = max(decade, 0)
    step = 10.0**decade
    return round(math.floor(low / step) * step, -decade), round(math.ceil(high / step) * step, -decade), step


def _decade(number: float) -> int:
    """Exponent of the largest power of ten that is not above a number."""
    return math.floor(math.log10(number) + 1e-9)


def _key(key: str, offer: Offer) -> str:
    return f"{key}/{offer.name}"
