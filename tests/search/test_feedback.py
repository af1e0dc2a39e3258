"""Query vectors made of several vectors, against values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.search import mean_direction, refine

NONE = np.empty((0, 2), np.float32)


def test_rocchio_by_hand() -> None:
    query, more_like, unlike = (np.array([row], np.float32) for row in ([2, 0], [0, 3], [5, 0]))
    assert refine(query, more_like=more_like, unlike=unlike) == pytest.approx(np.array([[1 - 0.15, 0.75]]))


def test_without_feedback_the_query_keeps_its_direction() -> None:
    assert refine(np.array([[2, 0]], np.float32), more_like=NONE, unlike=NONE) == pytest.approx(np.array([[1, 0]]))


def test_the_mean_direction_does_not_depend_on_the_lengths_of_the_vectors() -> None:
    assert mean_direction(np.array([[10, 0], [0, 1]], np.float32)) == pytest.approx(np.array([[0.5, 0.5]]))
