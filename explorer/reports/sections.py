"""Sections of a report. A protocol returns its sections; the HTML page and the app each draw every kind of section."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from ..evaluation import Estimate
from ..evaluation.reports import Counts

UNKNOWN = "–"
Point = tuple[int, Estimate]


@dataclass(frozen=True, slots=True)
class Section:
    """Base of all sections. ``name`` is unique within a report."""

    kind: ClassVar[str] = ""
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Table(Section):
    """Lines of text under a header; the first cell of a line is its name."""

    kind = "table"
    head: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bars(Section):
    """A score from 0 to 1 with its interval for each name."""

    kind = "bars"
    bars: Mapping[str, Estimate]
    chance: float | None = None
    """Position of a dotted line."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Confusion(Section):
    """Counts by true class (line) and predicted class (column)."""

    kind = "confusion"
    classes: tuple[str, ...]
    counts: Counts
    note: str = ""


@dataclass(frozen=True, slots=True)
class Curves(Section):
    """Scores from 0 to 1 over a number, on a logarithmic axis."""

    kind = "curves"
    x: str
    """Name of the number on the x axis."""
    series: Mapping[str, tuple[Point, ...]]
    chance: float | None = None
    faint: Mapping[str, tuple[tuple[int, float], ...]] = field(default_factory=dict)
    """Series shown only for comparison."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts(Section):
    """Names with their values."""

    kind = "facts"
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """How a protocol displays its report."""

    title: str
    """Title of the protocol."""
    explained: str
    """What the headline score is, in a sentence."""
    citations: tuple[str, ...]
    sections: tuple[Section, ...]


def number(value: float | None) -> str:
    """A number with three decimals; a dash where it is NaN."""
    return UNKNOWN if value is None or math.isnan(value) else f"{value:.3f}"


def signed(value: float | None) -> str:
    """A number with three decimals and its sign."""
    return UNKNOWN if value is None or math.isnan(value) else f"{value:+.3f}"


def interval(estimate: Estimate) -> str:
    """The ends of an interval; empty where there is none."""
    return f"{number(estimate.low)} to {number(estimate.high)}" if estimate.has_interval else ""


def facts(name: str, title: str, values: Mapping[str, object]) -> Facts:
    """A section of facts, with every value as text."""
    return Facts(name, title, {key: _text(value) for key, value in values.items()})


def table(name: str, title: str, head: Sequence[str], lines: Iterable[Sequence[object]], *, note: str = "") -> Table:
    """A section with a table, with every cell as text."""
    return Table(name, title, tuple(head), tuple(tuple(map(_text, line)) for line in lines), note)


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
