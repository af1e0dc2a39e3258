"""Rows that a user selected on the map, computed from the drawn shapes.

The browser sends shapes instead of rows: a shape is below a kilobyte however many patches it contains. Both sides use the same
numbers and arithmetic (``web/map/lasso.js``), so both select the same patches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ...errors import InputError
from ...types import Allowed
from .point_buffers import Drawn

MOST_SHAPES = 200
MOST_CORNERS = 64
_MODES = ("replace", "add", "subtract")


@dataclass(frozen=True, slots=True)
class Shape:
    """One step of a selection: a polygon (lasso or box), or given rows, or whole classes of a column."""

    mode: Literal["replace", "add", "subtract"]
    polygon: tuple[tuple[float, float], ...] = ()
    """Corners in map units."""
    rows: tuple[int, ...] = ()
    classes: tuple[int, ...] = ()
    """Class numbers of ``column``."""
    column: str | None = None
    """The column whose class numbers ``classes`` and ``hidden`` are."""
    hidden: tuple[int, ...] = ()
    """Classes that were switched off when the polygon was drawn: rows of these are not inside it."""

    def as_json(self) -> dict[str, Any]:
        """The JSON of ``Shape`` in ``web/map/lasso.js``, without empty fields."""
        fields = {name: getattr(self, name) for name in ("mode", "polygon", "rows", "classes", "column", "hidden")}
        return {name: value for name, value in fields.items() if value}


def read_shapes(value: Any) -> tuple[Shape, ...]:
    """Shapes from the JSON of a browser, validated. Raises ``InputError``."""
    if value is None:
        return ()
    try:
        shapes = tuple(_shape(one) for one in value["shapes"])
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(f"The selection could not be read ({error}); draw it again.") from error
    if len(shapes) > MOST_SHAPES:
        raise InputError(f"The selection has {len(shapes)} shapes, more than {MOST_SHAPES}; clear it and draw larger ones.")
    return shapes


def select(shapes: Sequence[Shape], points: Drawn, codes: Mapping[str, np.ndarray]) -> Allowed:
    """True for each row that is selected after all shapes have been applied in order.

    ``points`` are positions as drawn (``point_buffers.drawn_points``); ``codes`` gives the class numbers of the columns that
    shapes name.
    """
    chosen = np.zeros(len(points), dtype=bool)
    order = np.argsort(points[:, 1], kind="stable") if shapes else np.empty(0, dtype=np.int64)
    for shape in shapes:
        if shape.mode == "replace":
            chosen[:] = False
        chosen[_selected(shape, points, order, codes.get(shape.column or ""))] = shape.mode != "subtract"
    return chosen


def _selected(shape: Shape, points: Drawn, order: np.ndarray, codes: np.ndarray | None) -> Allowed:
    """True for each row of one shape, ignoring its mode."""
    selected = inside(shape.polygon, points, order) if shape.polygon else np.zeros(len(points), dtype=bool)
    if codes is not None and shape.hidden:
        selected &= ~np.isin(codes, shape.hidden)
    if codes is not None and shape.classes:
        selected |= np.isin(codes, shape.classes)
    selected[[row for row in shape.rows if 0 <= row < len(points)]] = True
    return selected


def inside(polygon: Sequence[tuple[float, float]], points: Drawn, order: np.ndarray) -> Allowed:
    """True for each point inside a polygon by the even-odd rule: a ray to the right crosses an odd number of edges.

    ``order`` sorts the points by y, so that each edge is compared with the points between its two ends only.
    """
    odd = np.zeros(len(points), dtype=bool)
    heights = points[order, 1]
    for (ax, ay), (bx, by) in zip(polygon, [polygon[-1], *polygon[:-1]], strict=True):
        if ay == by:
            continue
        first, last = np.searchsorted(heights, sorted((ay, by)))  # low <= y < high, as (ay > y) != (by > y)
        rows = order[first:last]
        crossing = ((bx - ax) * (points[rows, 1] - ay)) / (by - ay) + ax
        odd[rows[points[rows, 0] < crossing]] ^= True
    return odd


def _shape(value: Mapping[str, Any]) -> Shape:
    if value["mode"] not in _MODES:
        raise ValueError(f"mode {value['mode']!r}")
    polygon = tuple((float(x), float(y)) for x, y in value.get("polygon", ()))
    if len(polygon) > MOST_CORNERS or not np.isfinite(polygon).all():
        raise ValueError("polygon")
    rows = tuple(int(row) for row in value.get("rows", ()))
    classes = tuple(int(code) for code in value.get("classes", ()))
    hidden = tuple(int(code) for code in value.get("hidden", ()))
    column = value.get("column")
    if not isinstance(column, str | None):
        raise ValueError("column")
    return Shape(value["mode"], polygon, rows, classes, column, hidden)
