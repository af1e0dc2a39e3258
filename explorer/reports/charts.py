"""The charts and tables of an HTML report, drawn as HTML, and SVG for the curve: numbers and names in, markup out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Estimate = Mapping[str, Any]
"""``value``, ``low`` and ``high``; each None where it is unknown."""
UNKNOWN = "–"
LINE_PX = 22
HALF_WAY = 0.6
"""Of the scale, from which on names stand to the left of their tick."""


def text(value: Any) -> str:
    """Any value as text that no browser reads as markup."""
    return escape(str(value), quote=True)


def number(value: float | None) -> str:
    """Three decimals."""
    return UNKNOWN if value is None else f"{value:.3f}"


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table whose first column names its lines."""
    top = "".join(f"<th scope='col'>{text(each)}</th>" for each in head)
    lines = "".join(
        f"<tr><th scope='row'>{text(first)}</th>{''.join(f'<td>{text(each)}</td>' for each in rest)}</tr>" for first, *rest in rows
    )
    return f"<div class='wide'><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"


def scale(value: Estimate, anchors: Sequence[Mapping[str, Any]]) -> str:
    """The score with its interval on a line from 0 to 1, the anchors as ticks on it, each named on a line of its own."""
    known = stacked(anchors)
    marks = []
    for line, each in enumerate(known, 1):
        at = _percent(each["value"])
        left = at <= 100 * HALF_WAY
        place, faint = f"left:{at:.2f}%" if left else f"right:{100 - at:.2f}%", " class='faint'" if each.get("faint") else ""
        marks.append(
            f"<i style='left:{at:.2f}%;height:{LINE_PX * line}px'></i>"
            f"<span{faint} style='{place};top:{LINE_PX * line}px'>{text(each['title'])} {number(each['value'])}</span>"
        )
    own = ""
    if value["value"] is not None:
        low, high = (_percent(value["value"] if value[end] is None else value[end]) for end in ("low", "high"))
        own = f"<u style='left:{low:.2f}%;width:{high - low:.2f}%'></u><b style='left:{_percent(value['value']):.2f}%'></b>"
    return (
        f"<div class='scale' role='img' aria-label='The score and its anchors from 0 to 1' style='height:{LINE_PX * (len(known) + 1)}px'>"
        f"{''.join(marks)}{own}</div>"
    )


def stacked(anchors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The anchors with a value, in the order of the lines their names stand on, so that no tick runs through a name beside it.

    Names left of their tick stand above those right of it; either way a longer tick passes where no name is.
    """
    known = sorted((each for each in anchors if each["value"] is not None), key=lambda each: float(each["value"]))
    left = [each for each in known if each["value"] <= HALF_WAY]
    return [*known[len(left) :], *reversed(left)]


def bar(value: Estimate) -> str:
    """A bar from 0 to 1 with its interval."""
    if value["value"] is None:
        return ""
    low, high = (_percent(value["value"] if value[end] is None else value[end]) for end in ("low", "high"))
    return (
        f"<div class='bar'><i style='width:{_percent(value['value']):.2f}%'></i>"
        f"<u style='left:{low:.2f}%;width:{high - low:.2f}%'></u></div>"
    )


def curve(points: Sequence[tuple[int, Estimate]], *, chance: float) -> str:
    """Scores over the number of rows per class (on a logarithmic axis), with whiskers and the line of chance."""
    widest = math.log(points[-1][0]) or 1.0
    placed = [(40 + 560 * math.log(n) / widest, n, each) for n, each in points]
    path = " ".join(f"{x:.1f},{_y(each['value']):.1f}" for x, _, each in placed)
    dots = "".join(
        f"<line class='whisker' x1='{x:.1f}' x2='{x:.1f}' y1='{_y(each['low']):.1f}' y2='{_y(each['high']):.1f}'/>"
        f"<circle class='own' cx='{x:.1f}' cy='{_y(each['value']):.1f}' r='4'/><text x='{x:.1f}' y='236' text-anchor='middle'>{n}</text>"
        for x, n, each in placed
    )
    grid = "".join(
        f"<line class='track' x1='30' x2='610' y1='{_y(at):.1f}' y2='{_y(at):.1f}'/>"
        f"<text x='24' y='{_y(at) + 4:.1f}' text-anchor='end'>{at:g}</text>"
        for at in (0.0, 0.5, 1.0)
    )
    by_chance = f"<line class='tick' x1='30' x2='610' y1='{_y(chance):.1f}' y2='{_y(chance):.1f}'/>"
    named = f"<text x='610' y='{_y(chance) - 4:.1f}' text-anchor='end'>chance</text>"
    return (
        "<svg viewBox='0 0 640 244' role='img' aria-label='Balanced accuracy over rows per class'>"
        f"{grid}{by_chance}{named}<polyline class='line' points='{path}'/>{dots}</svg>"
    )


def confusion_table(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Counts by true class (line) and given class (column), shaded by the share of the line."""
    head = "".join(f"<th scope='col'>{text(name)}</th>" for name in classes)
    lines = []
    for name, row in zip(classes, counts, strict=True):
        whole = max(1, sum(row))
        cells = "".join(f"<td style='--share:{100 * count / whole:.0f}%'>{count}</td>" for count in row)
        lines.append(f"<tr><th scope='row'>{text(name)}</th>{cells}</tr>")
    return (
        f"<div class='wide'><table class='confusion'><thead><tr><th scope='col'>is \\ named</th>{head}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _percent(value: float) -> float:
    return 100 * min(1.0, max(0.0, value))


def _y(value: float) -> float:
    return 210 - 190 * value
