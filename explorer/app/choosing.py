"""Controls that say which rows are meant: values of some columns, ranges of others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from . import buffers, ui
from .address import Where

_MOST_CHOICES = 200
_STEPS = 100
"""Of a slider, at least."""


def columns(rows: pd.DataFrame) -> list[str]:
    """Columns to choose by: measurements, and those with few enough values."""
    return [name for name in ui.columns_worth(rows) if measured(rows, name) or rows[name].nunique() <= _MOST_CHOICES]


def measured(rows: pd.DataFrame, name: str) -> bool:
    """Whether a column is chosen by a range of numbers rather than by its values."""
    return buffers.column_kind(rows[name]) == "values"


def controls(rows: pd.DataFrame, *, key: str) -> Where:
    """A control for each column; returns what they say."""
    for name in columns(rows):
        title, kept = ui.plain(ui.COLUMN_NAMES.get(name, name)), _key(key, name)
        if measured(rows, name):
            low, high, step = ends(rows[name])
            st.session_state.setdefault(kept, (low, high))
            st.slider(title, low, high, step=step, key=kept, persist_state="session", format=f"%.{max(0, -_decade(step))}f")
        else:
            st.multiselect(title, values(rows, name), key=kept, persist_state="session")
    return said(rows, key=key)


def said(rows: pd.DataFrame, *, key: str) -> Where:
    """What the controls say, as ``allowed_rows`` takes it. A slider at its end sets no bound there."""
    found: Where = {}
    for name in columns(rows):
        chosen = st.session_state.get(_key(key, name))
        if not chosen:
            continue
        if measured(rows, name):
            low, high, _ = ends(rows[name])
            bounds = {">=": (chosen[0], low), "<=": (chosen[1], high)}
            found[name] = {bound: float(end) for bound, (end, last) in bounds.items() if end != last}
        else:
            found[name] = list(chosen)
    return {name: wanted for name, wanted in found.items() if wanted}


def take(rows: pd.DataFrame, where: Mapping[str, Any], *, key: str) -> None:
    """Set the controls to a choice. What it says of columns that are not there, or of values that nothing has, is left out."""
    for name in columns(rows):
        wanted = where.get(name)
        if measured(rows, name):
            low, high, _ = ends(rows[name])
            bounds = wanted if isinstance(wanted, Mapping) else {}
            first, last = (np.clip(bounds.get(bound, end), low, high) for bound, end in ((">=", low), ("<=", high)))
            usable = first <= last  # not where a link says NaN, or the ends the wrong way round
            st.session_state[_key(key, name)] = (float(first), float(last)) if usable else (low, high)
        else:
            known = values(rows, name)
            st.session_state[_key(key, name)] = [value for value in wanted if value in known] if isinstance(wanted, list) else []


def values(rows: pd.DataFrame, name: str) -> list[str]:
    """Values of a column, as text."""
    return sorted({str(value) for value in rows[name].dropna().unique()})


def ends(values: pd.Series) -> tuple[float, float, float]:
    """Ends of a slider around all values that are finite, and its step, in round numbers."""
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = numbers[np.isfinite(numbers)]
    low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 1.0)
    whole = bool((numbers % 1 == 0).all())
    decade = _decade((high - low) / _STEPS) if high > low else 0
    if whole:
        decade = max(decade, 0)
    step = 10.0**decade
    return round(math.floor(low / step) * step, -decade), round(math.ceil(high / step) * step, -decade), step


def _decade(number: float) -> int:
    """Exponent of the power of ten at or below a number."""
    return math.floor(math.log10(number) + 1e-9)


def _key(key: str, name: str) -> str:
    return f"{key}/{name}"
