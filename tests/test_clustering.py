"""Clusters: found where they are known, the same for a seed, and summaries against hand-counted cases."""

from __future__ import annotations

import random

import numpy as np
import pytest
from graphs import exact_graph, islands
from hypothesis import given
from hypothesis import strategies as st

from explorer import clustering
from explorer.errors import InputError
from explorer.types import Neighbours

LABELS = np.array([0, 0, 0, 1, 1, -1], np.int64)
VALUES = np.array(["a", "a", "b", None, "b", "b"], object)


@pytest.mark.parametrize("method", ["kmeans", "leiden", "hdbscan"])
def test_every_method_finds_separate_islands(method: str) -> None:
    vectors, group = islands(400, groups=4, spread=0.3)
    found = {
        "kmeans": lambda: clustering.kmeans(vectors, n_clusters=4),
        "leiden": lambda: clustering.leiden(exact_graph(vectors, 15)),
        "hdbscan": lambda: clustering.hdbscan(vectors[:, :3], min_cluster_size=20),
    }[method]
    labels = found()
    assert labels.dtype == np.int64
    assert clustering.ari(labels, group) > 0.95
    np.testing.assert_array_equal(labels, found())
    count = clustering.sizes(labels)
    assert (np.diff(count) <= 0).all()


def test_kmeans_reaches_every_size_it_may() -> None:
    vectors, _ = islands(7)
    assert clustering.sizes(clustering.kmeans(vectors, n_clusters=7)).tolist() == [1] * 7
    assert clustering.kmeans(vectors[:1], n_clusters=1).tolist() == [0]
    for wrong in (0, 8):
        with pytest.raises(InputError, match=f"n_clusters is {wrong} and there are 7 rows"):
            clustering.kmeans(vectors, n_clusters=wrong)


def test_kmeans_clusters_by_direction_and_not_by_length() -> None:
    vectors, group = islands(200, groups=2, spread=0.2)
    stretched = vectors * np.random.default_rng(0).uniform(0.1, 100, (200, 1)).astype(np.float32)
    assert clustering.ari(clustering.kmeans(stretched, n_clusters=2), group) == 1


def test_kmeans_of_equal_rows_is_one_cluster() -> None:
    assert clustering.kmeans(np.ones((30, 4), np.float32), n_clusters=3).max() == 0


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_hdbscan_of_few_points(n: int) -> None:
    labels = clustering.hdbscan(islands(n)[0][:, :2], min_cluster_size=5)
    assert labels.shape == (n,)
    assert labels.min() >= -1


def test_hdbscan_calls_stray_points_noise() -> None:
    rng = np.random.default_rng(0)
    dense = np.vstack([rng.normal(0, 0.1, (100, 2)), rng.normal(9, 0.1, (60, 2))])
    labels = clustering.hdbscan(np.vstack([dense, [[50, -40], [-40, 30]]]), min_cluster_size=10)
    assert labels[-2:].tolist() == [-1, -1]
    assert clustering.sizes(labels).tolist() == [100, 60]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_hdbscan_refuses_what_is_not_finite(bad: float) -> None:
    points = np.zeros((40, 2))
    points[17, 1] = bad
    with pytest.raises(InputError, match="Row 17"):
        clustering.hdbscan(points)


def test_leiden_resolution_makes_more_clusters_and_leaves_randomness_as_it_was() -> None:
    vectors, _ = islands(300)
    graph = exact_graph(vectors, 15)
    random.seed(5)
    expected = random.Random(5).random()
    coarse, fine = (clustering.leiden(graph, resolution=r).max() for r in (0.2, 8.0))
    assert fine > coarse
    assert random.random() == expected
    with pytest.raises(InputError, match="resolution is 0"):
        clustering.leiden(graph, resolution=0.0)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_leiden_of_few_rows(n: int) -> None:
    assert clustering.leiden(exact_graph(islands(n)[0], 15)).shape == (n,)


def test_leiden_does_not_join_what_no_edge_joins() -> None:
    alone = Neighbours(np.full((4, 3), -1, np.int64), np.full((4, 3), -np.inf, np.float32))
    assert clustering.leiden(alone).tolist() == [0, 1, 2, 3]


def test_shared_neighbour_edges_by_hand() -> None:
    rows = np.array([[1, 2], [0, 2], [1, 3], [2, -1]], np.int64)
    edges, weights = clustering._shared_neighbour_edges(rows)
    near = [{i, *(j for j in line if j >= 0)} for i, line in enumerate(rows.tolist())]
    expected = {
        (a, b): len(near[a] & near[b]) / len(near[a] | near[b]) for a in range(4) for b in range(a + 1, 4) if b in near[a] or a in near[b]
    }
    assert dict(zip(map(tuple, edges.tolist()), weights.tolist(), strict=True)) == pytest.approx(expected)


@given(st.lists(st.integers(-2, 6), max_size=40))
def test_by_size_keeps_the_groups_and_orders_them(given_labels: list[int]) -> None:
    before = np.array(given_labels, np.int64)
    after = clustering.by_size(before)
    assert ((before < 0) == (after < 0)).all()
    kept = before >= 0
    assert len({(a, b) for a, b in zip(before[kept], after[kept], strict=True)}) == len(set(before[kept])) == len(set(after[kept]))
    count = clustering.sizes(after)
    assert (np.diff(count) <= 0).all() and (count > 0).all()


def test_medoids_and_borderline_by_hand() -> None:
    angle = np.radians([0, 10, 20, 90, 100, 64])
    vectors = np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float32) * np.array([1, 9, 2, 5, 1, 3], np.float32)[:, None]
    labels = np.array([0, 0, 0, 1, 1, 1], np.int64)
    assert clustering.medoids(vectors, labels, count=4).tolist() == [[1, 0, 2, -1], [3, 4, 5, -1]]
    assert clustering.borderline(vectors, labels, count=1).tolist() == [[2], [5]]


def test_one_cluster_has_no_border_and_noise_no_medoid() -> None:
    vectors, _ = islands(6)
    assert clustering.borderline(vectors, np.zeros(6, np.int64), count=2).tolist() == [[-1, -1]]
    assert clustering.medoids(vectors, np.full(6, -1, np.int64)).shape == (0, 5)
    assert clustering.borderline(vectors, np.full(6, -1, np.int64)).shape == (0, 5)


def test_purity_by_hand() -> None:
    found = clustering.purity(LABELS, VALUES)
    assert found.overall == pytest.approx(3 / 4)
    np.testing.assert_allclose(found.per_cluster, [2 / 3, 1])
    assert (found.commonest, found.missing, found.noise) == (["a", "b"], 1, 1)


def test_purity_of_a_column_without_values_is_not_a_number() -> None:
    found = clustering.purity(LABELS, np.array([None] * 6, object))
    assert np.isnan(found.overall) and np.isnan(found.per_cluster).all()
    assert (found.commonest, found.missing) == ([None, None], 6)


def test_composition_by_hand() -> None:
    table = clustering.composition(LABELS, VALUES)
    assert table.index.tolist() == [-1, 0, 1]
    assert table.loc[0].to_dict() == {"a": 2, "b": 1}
    assert table.to_numpy().sum() == 5


def test_agreement_leaves_missing_values_out() -> None:
    labels = np.array([0, 0, 1, 1, 1], np.int64)
    for measure in (clustering.ari, clustering.nmi):
        assert measure(labels, np.array([5.0, 5.0, 7.0, 7.0, np.nan])) == 1
        assert measure(labels, np.array(["x", "y", "x", "y", None], object)) < 0.1


@pytest.mark.parametrize("measure", [clustering.purity, clustering.ari, clustering.nmi, clustering.composition])
def test_a_column_of_another_length_is_refused(measure) -> None:
    with pytest.raises(InputError, match="6 cluster labels and 2 values"):
        measure(LABELS, np.array(["a", "b"], object))


def test_vectors_of_another_length_are_refused() -> None:
    with pytest.raises(InputError, match="6 cluster labels and 4 vectors"):
        clustering.medoids(islands(4)[0], LABELS)
