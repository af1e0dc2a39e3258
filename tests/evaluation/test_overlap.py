"""Overlap of neighbours between encoders, against sets counted by hand and intervals drawn by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.evaluation import encoder_overlap, neighbour_overlap
from explorer.types import Neighbours


def graph(seed: int, n: int, k: int) -> Neighbours:
    """Random neighbours, no row its own; some rows have fewer than k."""
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.permutation(np.delete(np.arange(n), row))[:k] for row in range(n)])
    rows[rng.random(n) < 0.2, k // 2 :] = -1
    return Neighbours(rows, np.zeros((n, k), np.float32))


def by_sets(a: Neighbours, b: Neighbours, k: int) -> list[float]:
    return [len((set(x[:k]) & set(y[:k])) - {-1}) / k for x, y in zip(a.rows.tolist(), b.rows.tolist(), strict=True)]


@given(seed=st.integers(0, 999), n=st.integers(8, 40), k=st.integers(1, 7))
def test_overlap_equals_the_intersection_of_sets(seed: int, n: int, k: int) -> None:
    a, b = graph(seed, n, 7), graph(seed + 1, n, 7)
    found = encoder_overlap(a, b, k=k)
    wanted = by_sets(a, b, k)
    assert neighbour_overlap(a, b, k=k).tolist() == pytest.approx(wanted)
    assert found.per_row.tolist() == pytest.approx(wanted)
    assert found.mean.value == pytest.approx(np.mean(wanted))
    assert found.mean.low <= found.mean.value + 1e-9 and found.mean.value <= found.mean.high + 1e-9
    assert found.counts.tolist() == [sum(round(share * k) == shared for share in wanted) for shared in range(k + 1)]
    assert encoder_overlap(b, a, k=k).mean == found.mean, "neither encoder is the first"


def test_an_encoder_agrees_with_itself_and_with_others_by_chance() -> None:
    one = Neighbours(np.stack([np.delete(np.arange(400), row)[:10] for row in range(400)]), np.zeros((400, 10), np.float32))
    same = encoder_overlap(one, one)
    assert (same.mean.value, same.mean.low, same.mean.high) == (1, 1, 1)
    rng = np.random.default_rng(0)
    a, b = (Neighbours(np.stack([rng.permutation(np.delete(np.arange(400), row))[:10] for row in range(400)]), one.scores) for _ in "ab")
    drawn = encoder_overlap(a, b)
    assert drawn.chance == pytest.approx(10 / 399)
    assert drawn.mean.low <= drawn.chance <= drawn.mean.high
    assert (
        drawn.sentence
        == f"Of the 10 nearest neighbours of a patch, {10 * drawn.mean.value:.1f} are the same in both; by chance it would be 0.3."
    )


def test_the_interval_draws_patients() -> None:
    """Two patients agree wholly and two not at all: an interval over rows would be far narrower than one over patients."""
    n, patients = 80, np.repeat(["a", "b", "c", "d"], 20)
    ring = (np.arange(n)[:, None] + [1, 2]) % n
    other = np.where((np.arange(n) < 40)[:, None], ring, (np.arange(n)[:, None] + [5, 6]) % n)
    a, b = (Neighbours(rows.astype(np.int64), np.zeros((n, 2), np.float32)) for rows in (ring, other))
    by_patient, by_row = encoder_overlap(a, b, k=2, groups=patients), encoder_overlap(a, b, k=2)
    assert by_patient.mean.value == by_row.mean.value == 0.5
    assert (by_patient.n_groups, by_row.n_groups) == (4, 0)
    draws = np.random.default_rng(1).integers(0, 4, (4000, 4)) < 2
    low, high = np.percentile(draws.mean(axis=1), [2.5, 97.5])
    assert (by_patient.mean.low, by_patient.mean.high) == (low, high) == (0, 1)
    assert by_row.mean.high - by_row.mean.low < 0.3
    gaps = patients.astype(object)
    gaps[:5] = None
    assert encoder_overlap(a, b, k=2, groups=gaps).n_groups == 9, "a row without a patient stands alone"
    json.dumps(by_patient.to_json(), allow_nan=False)


def test_reordering_rows_only_reorders_the_result() -> None:
    a, b = graph(3, 30, 5), graph(4, 30, 5)
    order = np.random.default_rng(0).permutation(30)
    place = np.append(np.argsort(order), -1)
    moved = [Neighbours(place[each.rows[order]], each.scores) for each in (a, b)]
    assert encoder_overlap(*moved, k=5).per_row.tolist() == encoder_overlap(a, b, k=5).per_row[order].tolist()


def test_graphs_that_cannot_be_compared_are_refused_in_a_sentence() -> None:
    alone = Neighbours(np.full((1, 3), -1, np.int64), np.zeros((1, 3), np.float32))
    with pytest.raises(InputError, match="There is 1 row"):
        encoder_overlap(alone, alone, k=1)
    with pytest.raises(InputError, match="patient column is empty"):
        encoder_overlap(graph(0, 9, 3), graph(1, 9, 3), k=3, groups=[None] * 9)
