"""Selections from shapes, against a point-by-point walk around each polygon."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from explorer.app.shared.selections import Shape, inside, read_shapes, select
from explorer.errors import InputError

CORNER = some.tuples(some.integers(-6, 6).map(float), some.integers(-6, 6).map(float))


def even_odd(polygon: list[tuple[float, float]], x: float, y: float) -> bool:
    """Textbook ray to the right, one point, one edge at a time."""
    odd = False
    for k in range(len(polygon)):
        (ax, ay), (bx, by) = polygon[k], polygon[k - 1]
        if (ay > y) != (by > y) and x < ((bx - ax) * (y - ay)) / (by - ay) + ax:
            odd = not odd
    return odd


@settings(max_examples=200, deadline=None)
@given(some.lists(CORNER, min_size=3, max_size=9), some.lists(CORNER, max_size=30))
def test_inside_is_the_even_odd_rule_on_corners_and_edges_too(polygon: list, spots: list) -> None:
    points = np.array(spots, np.float64).reshape(-1, 2)
    found = inside(polygon, points, np.argsort(points[:, 1], kind="stable"))
    assert found.tolist() == [even_odd(polygon, x, y) for x, y in spots]


SQUARE = ((0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0))
LEFT = ((0.0, 0.0), (1.0, 0.0), (1.0, 2.0), (0.0, 2.0))
POINTS = np.array([[0.5, 0.5], [1.5, 0.5], [1.5, 1.5], [5.0, 5.0]])


def test_shapes_join_in_turn() -> None:
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


def test_whole_classes_are_taken() -> None:
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
def test_nonsense_is_refused_in_one_sentence(sent: object) -> None:
    with pytest.raises(InputError, match=r"draw (it again|larger ones)"):
        read_shapes(sent)
