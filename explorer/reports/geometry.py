"""Positions of chart elements: typed numbers for the templates and for the charts of the app."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..evaluation import Estimate
from .document import EvaluationReport
from .sections import Curves

HALF_WAY = 0.6
"""Share of the scale from which on names stand to the left of their tick."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A tick on the line of the score, with its name on line ``line`` below it (1 is the first)."""

    title: str
    value: float
    faint: bool
    line: int

    @property
    def left(self) -> bool:
        """True if the name begins at the tick, False if it ends there."""
        return self.value <= HALF_WAY

    @property
    def percent(self) -> float:
        """Position of the tick."""
        return percent(self.value)


@dataclass(frozen=True, slots=True)
class Placed:
    """A point of a curve in pixels of its drawing."""

    x: float
    y: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Line:
    """A curve in pixels of its drawing."""

    title: str
    points: tuple[Placed, ...]
    faint: bool
    colour: int
    """Index of the colour, from 0."""

    @property
    def path(self) -> str:
        """The points of an SVG polyline."""
        return " ".join(f"{each.x:.1f},{each.y:.1f}" for each in self.points)


def percent(value: float) -> float:
    """A score from 0 to 1 in percent, limited to 0 to 100."""
    return 100 * min(1.0, max(0.0, value))


def y_px(score: float) -> float:
    """The y coordinate in pixels of a score in a drawing of curves."""
    return 210 - 190 * score


def beside(report: EvaluationReport[Any]) -> list[tuple[str, Estimate, bool]]:
    """Scores to show beside the main one: (title, score, faint) of each baseline, and of the same score without keeping groups apart."""
    found = [(each.title, each.score, False) for each in report.baselines]
    return found if report.naive is None else [*found, ("Nothing kept apart", Estimate(report.naive), True)]


def marks(report: EvaluationReport[Any]) -> list[Mark]:
    """Ticks for ``beside``, ordered so that no tick crosses the name of another.

    Names left of their tick are placed above those right of it; in either group a longer tick passes where no name is.
    """
    known = sorted((each for each in beside(report) if each[1].known), key=lambda each: each[1].value)
    right = [each for each in known if each[1].value > HALF_WAY]
    left = [each for each in known if each[1].value <= HALF_WAY]
    ordered = [*right, *reversed(left)]
    return [Mark(title, score.value, faint, line) for line, (title, score, faint) in enumerate(ordered, 1)]


def span(estimate: Estimate) -> tuple[float, float]:
    """Start and width of an interval in percent; the score itself where there is no interval."""
    low, high = (estimate.low, estimate.high) if estimate.has_interval else (estimate.value, estimate.value)
    return percent(low), percent(high) - percent(low)


def lines(section: Curves) -> list[Line]:
    """The curves of a section on a drawing of 640 by 244 pixels."""
    every = {**section.series, **{name: [(n, Estimate(value)) for n, value in points] for name, points in section.faint.items()}}
    widest = max((n for points in every.values() for n, _ in points), default=1)
    return [
        Line(name, _placed(points, math.log(widest) or 1.0), name in section.faint and name not in section.series, at)
        for at, (name, points) in enumerate(every.items())
    ]


def _placed(points: Sequence[tuple[int, Estimate]], widest: float) -> tuple[Placed, ...]:
    def place(n: int, score: Estimate) -> Placed:
        low, high = (score.low, score.high) if score.has_interval else (score.value, score.value)
        return Placed(40 + 560 * math.log(n) / widest, y_px(score.value), y_px(low), y_px(high), n)

    return tuple(place(n, score) for n, score in points if score.known)
