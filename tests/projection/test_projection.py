"""Maps: against scikit-learn and hand-made cases, the same bytes for a seed, and inputs that are small, equal or torn apart."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import exact_graph, islands
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from explorer import projection
from explorer.errors import InputError
from explorer.types import Progress


def test_pca_is_that_of_scikit_learn_on_unit_vectors() -> None:
    vectors, _ = islands(300)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    peer = PCA(2, svd_solver="full").fit(unit)
    xy = projection.pca(vectors)
    assert xy.dtype == np.float32
    np.testing.assert_allclose(np.abs(xy), np.abs(peer.transform(unit)), atol=1e-4)
    np.testing.assert_allclose(projection.explained_variance(vectors), peer.explained_variance_ratio_, rtol=1e-4)


def test_pca_ignores_length_and_fixes_signs() -> None:
    vectors, _ = islands(100)
    longer = vectors * np.linspace(1, 50, 100, dtype=np.float32)[:, None]
    np.testing.assert_allclose(projection.pca(longer), projection.pca(vectors), atol=1e-4)
    np.testing.assert_allclose(projection.pca(vectors[::-1].copy())[::-1], projection.pca(vectors), atol=1e-4)


@pytest.mark.parametrize(("n", "dim"), [(1, 8), (2, 8), (3, 8), (5, 1), (2, 1)])
def test_pca_of_very_few_rows(n: int, dim: int) -> None:
    xy = projection.pca(islands(n, dim=dim)[0])
    assert xy.shape == (n, 2)
    assert np.isfinite(xy).all()


def test_umap_has_the_same_bytes_for_a_seed_and_others_for_another() -> None:
    vectors, _ = islands(400)
    graph = exact_graph(vectors, 20)
    first, again, other = (projection.umap(vectors, neighbours=graph, n_epochs=50, seed=seed) for seed in (3, 3, 4))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_umap_is_compiled_once_for_all_processes() -> None:
    from umap import layouts, umap_

    vectors, _ = islands(30)
    projection.umap(vectors, neighbours=exact_graph(vectors, 20), n_epochs=1)
    for function in (umap_.smooth_knn_dist, umap_.compute_membership_strengths, layouts._nb_optimize_layout_euclidean_single_epoch):
        assert function.stats.cache_path is not None, function


def test_umap_keeps_islands_apart_and_neighbours_together() -> None:
    vectors, group = islands(500)
    graph = exact_graph(vectors, 20)
    xy = projection.umap(vectors, neighbours=graph, n_epochs=200)
    near = projection.map_neighbours(xy, k=10)
    assert (group[near] == group[:, None]).mean() > 0.99
    kept = projection.overlap(graph.rows[:, :10], near).mean()
    assert kept > 1.5 * projection.overlap(graph.rows[:, :10], projection.map_neighbours(projection.pca(vectors), k=10)).mean()


def test_umap_agrees_with_stock_umap_learn() -> None:
    """Same graph, start and seed handed to the estimator itself."""
    from umap import UMAP

    vectors, _ = islands(300)
    graph = exact_graph(vectors, 14)
    own = np.arange(300)[:, None]
    distances = np.hstack([np.zeros((300, 1), np.float32), np.maximum(1 - graph.scores, 0)])
    stock = UMAP(
        metric="cosine", random_state=0, n_jobs=1, n_epochs=100, init="pca", precomputed_knn=(np.hstack([own, graph.rows]), distances, None)
    )
    with pytest.warns(UserWarning, match="precomputed_knn"):
        peer = stock.fit_transform(vectors).astype(np.float32)
    ours = projection.umap(vectors, neighbours=graph, n_epochs=100)
    truth = graph.rows[:, :10]
    kept = [projection.overlap(truth, projection.map_neighbours(xy, k=10)).mean() for xy in (ours, peer)]
    assert abs(kept[0] - kept[1]) < 0.05


@pytest.mark.parametrize("n", [1, 2, 3, 4, 14, 15, 16])
def test_umap_of_few_rows(n: int) -> None:
    vectors, _ = islands(n)
    xy = projection.umap(vectors, neighbours=exact_graph(vectors, 15), n_epochs=20)
    assert xy.shape == (n, 2)
    assert np.isfinite(xy).all()


def test_umap_of_equal_rows_and_of_islands_without_bridges() -> None:
    same = np.ones((60, 8), np.float32)
    copies = np.repeat(islands(3, groups=3)[0], 40, axis=0)
    for vectors in (same, copies):
        xy = projection.umap(vectors, neighbours=exact_graph(vectors, 15), n_epochs=50)
        assert np.isfinite(xy).all()
    near = projection.map_neighbours(xy, k=5)
    assert (near // 40 == np.arange(120)[:, None] // 40).mean() > 0.95


def test_umap_accepts_a_graph_with_missing_neighbours() -> None:
    vectors, _ = islands(80)
    graph = exact_graph(vectors, 15)
    graph.rows[3, 5:], graph.scores[3, 5:] = -1, -np.inf
    graph.rows[4], graph.scores[4] = -1, -np.inf
    assert np.isfinite(projection.umap(vectors, neighbours=graph, n_epochs=20)).all()


def test_umap_reports_every_part_of_the_way() -> None:
    seen: list[Progress] = []
    vectors, _ = islands(200)
    projection.umap(vectors, neighbours=exact_graph(vectors, 15), n_epochs=30, report=seen.append)
    assert "compiles" in seen[0].note
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert (seen[-1].done, seen[-1].total) == (30, 30)


@pytest.mark.parametrize(
    ("rows", "k", "n_neighbors", "words"),
    [(40, 15, 15, "from these vectors"), (50, 9, 15, "--k 14 or ask for at most 10 neighbours"), (50, 15, 1, "2 or more")],
)
def test_umap_refuses_what_does_not_fit(rows: int, k: int, n_neighbors: int, words: str) -> None:
    vectors, _ = islands(50)
    with pytest.raises(InputError, match=words):
        projection.umap(vectors, neighbours=exact_graph(vectors[:rows], k), n_neighbors=n_neighbors)


@pytest.mark.parametrize("min_dist", [-0.1, 1.0, 5.0, float("nan"), float("inf")])
def test_umap_refuses_a_min_dist_it_cannot_fit(min_dist: float) -> None:
    vectors, _ = islands(50)
    with pytest.raises(InputError, match=r"^min_dist is .*; use 0 or more and less than 1\.$"):
        projection.umap(vectors, neighbours=exact_graph(vectors, 15), min_dist=min_dist)


@pytest.mark.parametrize("min_dist", [0.0, 0.999])
def test_umap_takes_a_min_dist_at_its_bounds(min_dist: float) -> None:
    vectors, _ = islands(50)
    assert np.isfinite(projection.umap(vectors, neighbours=exact_graph(vectors, 15), min_dist=min_dist, n_epochs=10)).all()


def test_trustworthiness_is_that_of_scikit_learn_and_continuity_its_mirror() -> None:
    vectors, _ = islands(150)
    xy = projection.pca(vectors)
    trust = projection.trustworthiness(exact_graph(vectors, 15), xy, vectors=vectors, k=12)
    assert trust.ranked_against == 150
    assert trust.trustworthiness.mean() == pytest.approx(sklearn_trustworthiness(vectors, xy, n_neighbors=12, metric="cosine"), abs=1e-4)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine_distance = 1 - unit @ unit.T
    map_distance = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    np.fill_diagonal(cosine_distance, 0)
    mirror = _trust_by_hand(map_distance, cosine_distance, 12)
    np.testing.assert_allclose(trust.continuity, mirror, atol=1e-4)
    np.testing.assert_allclose(trust.trustworthiness, _trust_by_hand(cosine_distance, map_distance, 12), atol=1e-4)


def _trust_by_hand(true: np.ndarray, shown: np.ndarray, k: int) -> np.ndarray:
    """Venna and Kaski's sum, one row and one neighbour at a time."""
    n = len(true)
    out = np.ones(n)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        rank = {j: r for r, j in enumerate(sorted(others, key=lambda j: true[i, j]), start=1)}
        for j in sorted(others, key=lambda j: shown[i, j])[:k]:
            if rank[j] > k:
                out[i] -= 2 / (k * (2 * n - 3 * k - 1)) * (rank[j] - k)
    return out


def test_a_perfect_map_is_perfect_and_a_shuffled_one_is_not() -> None:
    angle = np.linspace(0, 3, 60)
    vectors = np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float32)
    graph = exact_graph(vectors, 10)
    good = projection.trustworthiness(graph, vectors, vectors=vectors, k=10)
    assert good.trustworthiness.min() == good.continuity.min() == good.preservation.min() == 1
    bad = projection.trustworthiness(graph, np.random.default_rng(0).permutation(vectors), vectors=vectors, k=10)
    assert bad.trustworthiness.mean() < 0.7
    assert bad.continuity.mean() < 0.7


def test_a_sample_estimates_the_exact_ranks() -> None:
    vectors, _ = islands(1500)
    graph, xy = exact_graph(vectors, 15), projection.pca(vectors)
    exact, sampled = (projection.trustworthiness(graph, xy, vectors=vectors, sample=sample) for sample in (1500, 300))
    assert sampled.ranked_against == 300
    for name in ("trustworthiness", "continuity"):
        a, b = getattr(exact, name), getattr(sampled, name)
        assert a.mean() == pytest.approx(b.mean(), abs=0.01)
        assert np.corrcoef(a, b)[0, 1] > 0.8
    np.testing.assert_array_equal(exact.preservation, sampled.preservation)


def test_copies_of_a_row_do_not_spoil_a_map() -> None:
    vectors = np.repeat(islands(10)[0], 8, axis=0)
    xy = np.repeat(projection.pca(islands(10)[0]), 8, axis=0)
    trust = projection.trustworthiness(exact_graph(vectors, 5), xy, vectors=vectors, k=5)
    assert trust.trustworthiness.mean() > 0.99
    assert trust.continuity.mean() > 0.99


def test_map_neighbours_never_hold_the_row_itself() -> None:
    xy = np.repeat(np.random.default_rng(0).normal(size=(10, 2)).astype(np.float32), 6, axis=0)
    assert not (projection.map_neighbours(xy, k=5) == np.arange(60)[:, None]).any()
    with pytest.raises(InputError, match="at most 59"):
        projection.map_neighbours(xy, k=60)


def test_two_rows_have_no_trust() -> None:
    vectors, _ = islands(2)
    with pytest.raises(InputError, match="three rows"):
        projection.trustworthiness(exact_graph(vectors, 3), vectors[:, :2].copy(), vectors=vectors)


def test_a_new_point_goes_to_the_island_of_most_neighbours_and_not_between() -> None:
    rng = np.random.default_rng(0)
    xy = np.vstack([rng.normal(0, 0.1, (20, 2)), rng.normal(10, 0.1, (20, 2))]).astype(np.float32)
    rows = np.array([[*range(9), *range(20, 26)], [*range(6), *range(20, 29)]], np.int64)
    placed = projection.place(rows, np.full((2, 15), 0.9, np.float32), xy=xy)
    assert np.linalg.norm(placed - [[0, 0], [10, 10]], axis=1).max() < 0.2


def test_a_row_placed_by_its_own_neighbours_lands_where_it_lies() -> None:
    vectors, _ = islands(600)
    graph = exact_graph(vectors, 15)
    xy = projection.umap(vectors, neighbours=graph, n_epochs=200)
    placed = projection.place(graph.rows, graph.scores, xy=xy)
    extent = np.linalg.norm(xy - xy.mean(0), axis=1).mean()
    assert np.median(np.linalg.norm(placed - xy, axis=1)) < 0.15 * extent


@pytest.mark.parametrize("seed", range(4))
def test_a_point_is_placed_where_the_density_of_its_neighbours_is_highest(seed: int) -> None:
    """Against all points of a fine grid. Nine neighbours lie on one island and six on another, all equally near."""
    rng = np.random.default_rng(seed)
    xy = np.concatenate([rng.normal([0, 0], 0.5, (9, 2)), rng.normal([8, 5], 0.5, (6, 2))]).astype(np.float32)
    order = rng.permutation(15)
    (placed,) = projection.place(order[None].astype(np.int64), np.full((1, 15), 0.8, np.float32), xy=xy)
    squares = np.square(xy[:, None].astype(np.float64) - xy[None]).sum(2)
    width = 2 * np.median(np.sort(squares, axis=1)[:, 3])  # twice the squared distance to the third neighbour, as usual
    axis = np.linspace(-2, 2, 401)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    density = np.exp(-np.square(grid[:, None] - xy[None]).sum(2) / width).sum(1)
    np.testing.assert_allclose(placed, grid[density.argmax()], atol=0.03)


def test_a_point_with_few_or_equal_neighbours_is_placed() -> None:
    xy = np.array([[0, 0], [4, 0], [4, 0], [4, 0]], np.float32)
    rows = np.array([[1, -1, -1], [0, 1, -1], [1, 2, 3]], np.int64)
    scores = np.array([[0.9, -np.inf, -np.inf], [0.9, 0.2, -np.inf], [1, 1, 1]], np.float32)
    placed = projection.place(rows, scores, xy=xy)
    np.testing.assert_allclose(placed[[0, 2]], [[4, 0], [4, 0]])
    assert placed[1] == pytest.approx([0, 0], abs=1)
    assert projection.place(rows[:0], scores[:0], xy=xy).shape == (0, 2)
    with pytest.raises(InputError, match="no neighbour"):
        projection.place(np.full((1, 3), -1, np.int64), np.full((1, 3), -np.inf, np.float32), xy=xy)


def _kept_by_hand(xy: np.ndarray, others: list[np.ndarray], k: int) -> list[float]:
    """Row by row, neighbour by neighbour."""

    def near(points: np.ndarray, i: int) -> set[int]:
        return set(sorted((j for j in range(len(points)) if j != i), key=lambda j: float(np.square(points[i] - points[j]).sum()))[:k])

    return [float(np.mean([len(near(xy, i) & near(other, i)) / k for other in others])) for i in range(len(xy))]


def test_stability_is_what_counting_gives() -> None:
    rng = np.random.default_rng(0)
    xy, *others = (rng.normal(size=(40, 2)).astype(np.float32) for _ in range(3))
    others.append(xy + rng.normal(scale=0.2, size=xy.shape).astype(np.float32))
    np.testing.assert_allclose(projection.stability(xy, others=others, k=6), _kept_by_hand(xy, others, 6), atol=1e-6)


def test_a_map_that_is_turned_mirrored_moved_or_enlarged_is_the_same_map() -> None:
    xy = np.random.default_rng(0).normal(size=(80, 2)).astype(np.float32)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]], np.float32)
    others = [xy @ turn, xy * np.float32([-1, 1]), 3 * xy + 7]
    assert projection.stability(xy, others=others).tolist() == [1.0] * 80


def test_layouts_without_relation_agree_by_chance_only() -> None:
    rng = np.random.default_rng(0)
    xy, other = (rng.normal(size=(2000, 2)).astype(np.float32) for _ in range(2))
    assert projection.stability(xy, others=[other], k=15).mean() == pytest.approx(15 / 1999, abs=0.002)


def test_stability_of_few_rows_and_of_none_to_compare() -> None:
    xy = np.zeros((2, 2), np.float32)
    assert projection.stability(xy, others=[xy]).tolist() == [1.0, 1.0]
    with pytest.raises(InputError, match="draw it with other seeds"):
        projection.stability(xy, others=[])


def test_umap_of_other_seeds_agrees_far_beyond_chance_and_not_entirely() -> None:
    vectors, _ = islands(300)
    graph = exact_graph(vectors, 15)
    xy, *others = (projection.umap(vectors, neighbours=graph, n_epochs=100, seed=seed) for seed in range(3))
    kept = projection.stability(xy, others=others, k=15)
    assert 5 * 15 / 299 < kept.mean() < 1
    assert kept.min() < kept.max()
