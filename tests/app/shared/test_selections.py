"""Selections from shapes, against winding numbers and cases computed by hand."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from explorer.app.shared.selections import Shape, inside, read_shapes, select
from explorer.errors import InputError

Corner = tuple[float, float]
CORNER = some.tuples(some.integers(-6, 6).map(float), some.integers(-6, 6).map(float))
SPOT = some.tuples(some.floats(-7, 7), some.floats(-7, 7))
CLEAR = 0.01
"""Distance from every edge below which a point is no test of the angles: they would depend on rounding."""


def turns(polygon: list[Corner], spot: Corner) -> int:
    """How often the polygon winds round a point: the angles under which its edges are seen, added up.

    A ray crosses the outline an odd number of times exactly where this number is odd.
    """
    corners = [complex(*corner) - complex(*spot) for corner in polygon]
    return round(sum(cmath.phase(b / a) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)) / (2 * math.pi))


def clearance(polygon: list[Corner], spot: Corner) -> float:
    """Distance of a point from the nearest edge."""
    point = complex(*spot)
    nearest = math.inf
    for a, b in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        start, along = complex(*a), complex(*b) - complex(*a)
        share = 0.0 if along == 0 else min(1.0, max(0.0, ((point - start) / along).real))
        nearest = min(nearest, abs(point - start - share * along))
    return nearest


def contains(polygon: list[Corner], spots: list[Corner]) -> list[bool]:
    points = np.array(spots, np.float64).reshape(-1, 2)
    return inside(polygon, points, np.argsort(points[:, 1], kind="stable")).tolist()


@settings(max_examples=200, deadline=None)
@given(some.lists(CORNER, min_size=3, max_size=9), some.lists(SPOT, max_size=30))
def test_a_point_is_inside_where_the_polygon_winds_round_it_an_odd_number_of_times(polygon: list[Corner], spots: list[Corner]) -> None:
    clear = [spot for spot in spots if clearance(polygon, spot) > CLEAR]
    assert contains(polygon, clear) == [turns(polygon, spot) % 2 == 1 for spot in clear]


PENTAGRAM = [(math.sin(4 * math.pi * k / 5), math.cos(4 * math.pi * k / 5)) for k in range(5)]


@pytest.mark.parametrize(
    ("polygon", "spot", "expected"),
    [
        ([(0, 0), (4, 0), (4, 4), (0, 4)], (1, 1), True),
        ([(0, 0), (4, 0), (4, 4), (0, 4)], (5, 1), False),
        ([(0, 4), (4, 4), (4, 0), (0, 0)], (1, 1), True),  # the other way round
        ([(0, 0), (4, 4), (4, 0), (0, 4)], (1, 2), True),  # two triangles that meet in (2, 2)
        ([(0, 0), (4, 4), (4, 0), (0, 4)], (2, 1), False),
        (PENTAGRAM, (0, 0), False),  # wound round twice
        (PENTAGRAM, (0, 0.8), True),  # a point of the star
        ([(0, 0), (2, 2), (4, 0), (4, 4), (0, 4)], (1, 2), True),  # level with the corner (2, 2)
        ([(0, 0), (2, 2), (4, 0), (4, 4), (0, 4)], (-1, 2), False),
        ([(0, 0), (2, 2), (4, 0), (4, 4), (0, 4)], (2, 1), False),  # in the notch
        ([(0, 0), (2, 0), (2, 2), (4, 2), (4, 4), (0, 4)], (1, 2), True),  # level with a flat edge
        ([(0, 0), (2, 0), (2, 2), (4, 2), (4, 4), (0, 4)], (-1, 2), False),
        ([(0, 0), (0, 0), (4, 0), (4, 4), (4, 4), (0, 4)], (1, 1), True),  # corners twice
        ([(0, 0), (4, 0), (2, 0)], (1, 0.5), False),  # no area
    ],
)
def test_inside_of_polygons_whose_answer_is_computed_by_hand(polygon: list[Corner], spot: Corner, expected: bool) -> None:
    assert contains([(float(x), float(y)) for x, y in polygon], [spot]) == [expected]


def test_every_point_of_a_tiled_square_lies_in_one_tile_also_on_edges_and_corners() -> None:
    tiles = [
        [(x, y), (x + 2.0, y), (x + 2.0, y + 2.0)] if upper else [(x, y), (x + 2.0, y + 2.0), (x, y + 2.0)]
        for x in (0.0, 2.0)
        for y in (0.0, 2.0)
        for upper in (False, True)
    ]
    spots = [(x / 2, y / 2) for x in range(8) for y in range(8)]
    times = np.sum([contains(tile, spots) for tile in tiles], axis=0)
    assert times.tolist() == [1] * len(spots)


SQUARE = ((0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0))
LEFT = ((0.0, 0.0), (1.0, 0.0), (1.0, 2.0), (0.0, 2.0))
POINTS = np.array([[0.5, 0.5], [1.5, 0.5], [1.5, 1.5], [5.0, 5.0]])


def test_shapes_replace_add_and_subtract_in_turn() -> None:
    assert select([], POINTS, {}).sum() == 0
    assert np.flatnonzero(select([Shape("replace", SQUARE)], POINTS, {})).tolist() == [0, 1, 2]
    both = [Shape("replace", SQUARE), Shape("subtract", LEFT)]
    assert np.flatnonzero(select(both, POINTS, {})).tolist() == [1, 2]
    assert np.flatnonzero(select([*both, Shape("add", rows=(3, 99, -1))], POINTS, {})).tolist() == [1, 2, 3]
    assert np.flatnonzero(select([*both, Shape("replace", LEFT)], POINTS, {})).tolist() == [0]


def test_hidden_classes_are_left_out() -> None:
    codes = {"tissue": np.array([0, 1, 0, 1])}
    shape = Shape("replace", SQUARE, column="tissue", hidden=(1,))
    assert np.flatnonzero(select([shape], POINTS, codes)).tolist() == [0, 2]


def test_hidden_classes_are_left_out_of_the_polygon_and_not_of_rows_or_classes_that_are_named() -> None:
    codes = {"tissue": np.array([0, 1, 0, 1])}
    shape = Shape("replace", LEFT, rows=(1,), column="tissue", hidden=(0, 1))
    assert np.flatnonzero(select([shape], POINTS, codes)).tolist() == [1]
    shape = Shape("replace", SQUARE, classes=(1,), column="tissue", hidden=(0, 1))
    assert np.flatnonzero(select([shape], POINTS, codes)).tolist() == [1, 3]


def test_whole_classes_are_selected() -> None:
    codes = {"tissue": np.array([0, 1, 0, 1])}
    assert np.flatnonzero(select([Shape("replace", classes=(1,), column="tissue")], POINTS, codes)).tolist() == [1, 3]
    assert not select([Shape("replace", classes=(1,), column="other")], POINTS, codes).any()


def test_what_a_browser_sends_is_read_and_given_back() -> None:
    sent = {"shapes": [{"mode": "add", "polygon": [[0, 0], [1, 0], [1, 1]], "column": "tissue", "hidden": [2]}]}
    (shape,) = read_shapes(sent)
    assert shape == Shape("add", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)), column="tissue", hidden=(2,))
    assert read_shapes({"shapes": [shape.as_json()]}) == (shape,)
    assert read_shapes(None) == ()


@pytest.mark.parametrize(
    "sent",
    [
        7,
        {},
        {"shapes": [{}]},
        {"shapes": [{"mode": "explode", "polygon": []}]},
        {"shapes": [{"mode": "add", "polygon": [[0, "x"]]}]},
        {"shapes": [{"mode": "add", "polygon": [[0, float("nan")]]}]},
        {"shapes": [{"mode": "add", "polygon": [[0, 0]] * 1000}]},
        {"shapes": [{"mode": "add", "rows": [0]}] * 1000},
        {"shapes": [{"mode": "add", "column": 3, "hidden": [1]}]},
    ],
)
def test_a_malformed_selection_is_refused_in_one_sentence(sent: object) -> None:
    with pytest.raises(InputError, match=r"draw (it again|larger ones)"):
        read_shapes(sent)
