"""Vector stores: every kind satisfies the contract; recall is measured against brute force; the graph holds the true neighbours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contracts.store_contract import COPIES, DIM, ZERO, N, StoreContract, cosines, patches
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.cosine import unit
from explorer.errors import InputError, VectorsNotFinite
from explorer.index import build_index, exact, faiss_index, graph, graph_recall, knn_graph, recall
from explorer.types import Neighbours, Progress


class TestFlat(StoreContract):
    kind = "flat"

    def test_every_kind_of_index_finds_the_true_neighbours(self, index: Any, vectors: Any) -> None:
        for queries in (patches(1, seed=5), patches(300, seed=5)):  # one by one, and as a matrix product
            self.assert_best(index.search(queries, 10), cosines(queries, vectors), 10)
        assert recall(index, vectors) == 1


class TestIvf(StoreContract):
    kind = "ivf"


class TestIvfRefine(StoreContract):
    kind = "ivf-refine"
    tolerance = 2e-3  # half precision


def test_the_kind_follows_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_index, "FLAT_UP_TO", 300)
    monkeypatch.setattr(faiss_index, "IVF_UP_TO_BYTES", 600 * DIM * 4)
    assert [build_index(patches(n)).kind for n in (300, 301, 600, 601)] == ["flat", "ivf", "ivf", "ivf-refine"]


def test_lists_are_read_until_the_recall_is_reached() -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((60, 32))
    tight = (centres[rng.integers(60, size=6000)] + 0.02 * rng.standard_normal((6000, 32))).astype(np.float32)
    formless = rng.standard_normal((6000, 32)).astype(np.float32)
    easy, hard = build_index(tight, kind="ivf"), build_index(formless, kind="ivf")
    assert easy.settings["nprobe"] * 4 < hard.settings["nprobe"] <= hard.settings["nlist"]
    assert min(recall(index, x, seed=4) for index, x in ((easy, tight), (hard, formless))) >= 0.99


@pytest.mark.parametrize("kind", faiss_index.KINDS)
@pytest.mark.parametrize("n", [2, 20, 100])
def test_an_index_of_a_few_rows_returns_all_of_them(kind: str, n: int, capfd: pytest.CaptureFixture[str]) -> None:
    vectors = patches(n)
    index = build_index(vectors, kind=kind)
    assert index.search(vectors, 1)[1][:, 0].tolist() == list(range(n))
    assert recall(index, vectors) >= 0.99
    assert capfd.readouterr() == ("", "")  # FAISS has nothing to warn about


def test_an_index_of_equal_rows_can_be_built_and_searched() -> None:
    vectors = np.ones((500, 8), np.float32)
    for kind in faiss_index.KINDS:
        index = build_index(vectors, kind=kind)
        assert index.search(vectors[:1], 500)[1].tolist() == [list(range(500))]
        assert recall(index, vectors) == 1
        rows = knn_graph(vectors, index=index, k=6).rows
        assert (rows != np.arange(500)[:, None]).all()
        assert (rows >= 0).all()


def test_unknown_kinds_and_no_rows_are_refused() -> None:
    with pytest.raises(InputError, match="hnsw"):
        build_index(patches(5), kind="hnsw")
    with pytest.raises(InputError, match="no vectors"):
        build_index(patches(5)[:0])


def test_progress_reaches_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Progress] = []
    monkeypatch.setattr(exact, "BLOCK", 64)
    vectors = patches(200)
    index = build_index(vectors, report=seen.append)
    knn_graph(vectors, index=index, report=seen.append)
    assert [p.done for p in seen if p.verb == "index"][-1] == 200
    assert [(p.done, p.total) for p in seen if p.verb == "graph"][-1] == (200, 200)


@given(hnp.arrays(np.float64, st.tuples(st.integers(0, 9), st.integers(1, 9)), elements=st.floats(-1e6, 1e6).map(lambda v: round(v, 3))))
def test_unit_normalises_rows_and_keeps_zeros(vectors: Any) -> None:
    result = unit(vectors)
    assert result.dtype == np.float32
    lengths = np.linalg.norm(result.astype(np.float64), axis=1)
    np.testing.assert_allclose(lengths, (vectors != 0).any(axis=1).astype(float), atol=1e-6)
    scale = np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(result * scale, vectors, rtol=1e-5, atol=1e-5 * max(1, scale.max(initial=0)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_is_named(bad: float) -> None:
    vectors = patches(20)
    vectors[13, 2] = bad
    with pytest.raises(VectorsNotFinite, match="Row 13"):
        build_index(vectors)


def test_batches_use_matrix_products() -> None:
    import faiss

    build_index(patches(5))
    assert faiss.cvar.distance_compute_blas_threshold == exact.BLAS_FROM


class Forgetful:
    """An index that loses every second true neighbour."""

    kind, n_bytes, settings = "forgetful", 0, {}

    def __init__(self, vectors: Any) -> None:
        self.vectors, self.n, self.dim = vectors, *vectors.shape

    def count(self, *, allowed: Any = None) -> int:
        return self.n

    def save(self, folder: Path) -> None:
        raise NotImplementedError

    def search(self, queries: Any, k: int, *, allowed: Any = None) -> Any:
        scores = cosines(queries, self.vectors).astype(np.float32)
        rows = np.argsort(-scores, axis=1, kind="stable")[:, : 2 * k]
        rows = np.hstack([rows[:, :1], rows[:, 2::2]])[:, :k].astype(np.int64)
        return np.take_along_axis(scores, rows, axis=1), rows


def test_recall_counts_missing_neighbours() -> None:
    vectors = patches(400, seed=2)
    assert recall(Forgetful(vectors), vectors, k=10) == pytest.approx(0.5)
    rows = knn_graph(vectors, index=build_index(vectors), k=10)
    wrong = Neighbours(np.where(np.arange(10) < 3, -1, rows.rows), rows.scores)
    assert graph_recall(rows, vectors) == 1
    assert graph_recall(wrong, vectors) == pytest.approx(0.7)


def brute_graph(vectors: Any, k: int) -> Any:
    """Cosines (n k) of the k nearest other rows."""
    truth = cosines(vectors, vectors)
    np.fill_diagonal(truth, -np.inf)
    return -np.sort(-truth, axis=1)[:, :k]


@pytest.mark.parametrize("k", [1, 15])
def test_the_graph_of_a_flat_index_is_exact(k: int) -> None:
    vectors = patches()
    found = knn_graph(vectors, index=build_index(vectors), k=k)
    np.testing.assert_allclose(found.scores, brute_graph(vectors, k), atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(cosines(vectors, vectors), found.rows, axis=1), found.scores, atol=1e-6)
    assert found.rows[COPIES[1], : min(k, 3)].tolist() == [COPIES[0], COPIES[2], COPIES[3]][: min(k, 3)]
    assert (found.rows != np.arange(N)[:, None]).all()
    assert found.rows.shape == found.scores.shape == (N, k)


@pytest.mark.parametrize("kind", ["flat", "ivf", "ivf-refine"])
def test_the_graph_by_lists_finds_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "EXACT_UP_TO", 100)
    vectors, notes = patches(), []
    found = knn_graph(vectors, index=build_index(vectors, kind=kind), k=15, report=lambda p: notes.append(p.note))
    assert graph_recall(found, vectors, seed=7) >= 0.99
    assert (found.rows != np.arange(N)[:, None]).all()
    for row in np.delete(np.arange(N), ZERO):
        assert len(set(found.rows[row].tolist())) == 15
    assert any(notes) == (kind != "ivf-refine")
    truth = np.take_along_axis(cosines(vectors, vectors), found.rows, axis=1)
    np.testing.assert_allclose(found.scores, truth, atol=2e-3 if kind == "ivf-refine" else 1e-6)


@pytest.mark.parametrize("kind", faiss_index.KINDS)
@pytest.mark.parametrize("n", [1, 4])
def test_a_graph_with_fewer_rows_than_neighbours(kind: str, n: int) -> None:
    vectors = patches(n)
    found = knn_graph(vectors, index=build_index(vectors, kind=kind), k=6)
    assert [sorted(row) for row in found.rows[:, : n - 1].tolist()] == [[j for j in range(n) if j != i] for i in range(n)]
    assert (found.rows[:, n - 1 :] == -1).all()
    assert (found.scores[:, n - 1 :] == -np.inf).all()


def test_a_batch_may_mix_queries_whose_lists_hold_enough_rows_with_others(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = patches()
    index = build_index(vectors, kind="ivf")
    monkeypatch.setitem(index._settings, "nprobe", 1)  # one list a query, some of which hold fewer than 40 rows
    lists = index.raw.quantizer.assign(unit(vectors), 1)[:, 0]
    sizes = np.bincount(lists)[lists]
    starved, full = np.flatnonzero(sizes < 40)[:5], np.flatnonzero(sizes >= 40)[:5]
    assert len(starved) == len(full) == 5
    mixed = np.stack([full, starved], axis=1).ravel()
    scores, rows = index.search(vectors[mixed], 40)
    truth = cosines(vectors[mixed], vectors)
    for at, row in enumerate(mixed.tolist()):
        own = np.arange(N) if row in starved else np.flatnonzero(lists == lists[row])  # all rows, or those of the one list
        best = np.sort(truth[at][own])[::-1][:40]
        np.testing.assert_allclose(scores[at], best, atol=1e-5)
        np.testing.assert_allclose(truth[at][rows[at]], best, atol=1e-5)


def test_a_graph_holds_k_neighbours_where_every_list_holds_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = patches(400)
    lists = faiss_index.fill(vectors, kind="ivf", seed=0)
    assert max(lists.invlists.list_size(i) for i in range(lists.nlist)) <= 150
    monkeypatch.setattr(graph, "EXACT_UP_TO", 100)
    monkeypatch.setattr(graph.Truth, "lists_needed", lambda *_, **__: 1)
    found = knn_graph(vectors, index=build_index(vectors), k=160)
    assert (found.rows >= 0).all()
    for row, near in enumerate(found.rows.tolist()):
        assert len({*near, row}) == 161
    np.testing.assert_allclose(found.scores, np.take_along_axis(cosines(vectors, vectors), found.rows, axis=1), atol=1e-6)


def test_the_graph_refuses_other_vectors() -> None:
    index = build_index(patches(50))
    with pytest.raises(InputError, match="built from"):
        knn_graph(patches(49), index=index)
    with pytest.raises(InputError, match="at least 1"):
        knn_graph(patches(50), index=index, k=0)


class Card:
    """Stands in for a FAISS index on a GPU: the same answers, and a count of who asked."""

    def __init__(self, raw: Any) -> None:
        self.raw, self.asked = raw, 0

    def search(self, *args: Any, **kwargs: Any) -> Any:
        self.asked += 1
        return self.raw.search(*args, **kwargs)


@pytest.mark.parametrize("kind", faiss_index.KINDS)
def test_a_gpu_takes_the_searches_it_can(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import faiss

    vectors, cards = patches(), []
    plain = build_index(vectors, kind=kind)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1)
    monkeypatch.setattr(faiss, "StandardGpuResources", lambda: None, raising=False)
    monkeypatch.setattr(faiss, "index_cpu_to_gpu", lambda _, device, raw: cards.append(Card(raw)) or cards[-1], raising=False)
    index = faiss_index.FaissIndex(plain.raw, plain.settings)
    for one, other in zip(index.search(vectors[:5], 4), plain.search(vectors[:5], 4), strict=True):
        np.testing.assert_array_equal(one, other)
    if kind == "ivf-refine":
        assert (index.settings["device"], cards) == ("cpu", [])
        return
    assert (index.settings["device"], cards[0].asked) == ("gpu", 1)
    index.search(vectors[:5], 4, allowed=np.ones(N, bool))
    monkeypatch.setattr(faiss_index, "GPU_MOST", 50)
    index.search(vectors[:5], 51)
    assert cards[0].asked == 1  # filters and long lists of hits stay on the CPU
    build_index(vectors, kind=kind)
    assert len(cards) == 2  # one copy for an index, also while it is tuned


@pytest.mark.parametrize(("device", "number"), [("auto", 0), ("cuda", 0), ("cuda:1", 1), ("cpu", None), ("mps", None), ("cuda:2", None)])
def test_the_device_setting_chooses_the_gpu_of_the_index(device: str, number: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    import faiss

    asked: list[int] = []
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 2)
    monkeypatch.setattr(faiss, "StandardGpuResources", lambda: None, raising=False)
    monkeypatch.setattr(faiss, "index_cpu_to_gpu", lambda _, at, raw: asked.append(at) or Card(raw), raising=False)
    index = build_index(patches(50), device=device)
    assert asked == ([] if number is None else [number])
    assert index.settings["device"] == ("cpu" if number is None else "gpu")


@pytest.mark.parametrize(("lists", "memory"), [(faiss_index.GPU_MOST + 1, True), (1, False)])
def test_what_a_gpu_cannot_hold_is_searched_on_the_cpu_and_said(lists: int, memory: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import faiss

    def copy(resources: object, device: int, raw: Any) -> Any:
        if memory:
            return Card(raw)
        raise RuntimeError("StandardGpuResources: alloc fail type FlatData dev 0 (cudaMalloc error out of memory [2])")

    plain = build_index(patches(), kind="ivf")
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1)
    monkeypatch.setattr(faiss, "StandardGpuResources", lambda: None, raising=False)
    monkeypatch.setattr(faiss, "index_cpu_to_gpu", copy, raising=False)
    index = faiss_index.FaissIndex(plain.raw, plain.settings | {"nprobe": lists})
    assert index.settings["device"] == "cpu"
    assert index.search(patches()[:2], 3)[1].shape == (2, 3)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 40), dim=st.integers(1, 12), k=st.integers(1, 50))
def test_flat_search_and_graph_equal_brute_force_on_any_shape(seed: int, n: int, dim: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-2, 3, size=(n, dim)).astype(np.float32)  # many copies, opposites and zeros
    index = build_index(vectors)
    TestFlat().assert_best(index.search(vectors, k), cosines(vectors, vectors), k)
    truth = cosines(vectors, vectors)
    np.fill_diagonal(truth, -np.inf)
    found = knn_graph(vectors, index=index, k=k)
    TestFlat().assert_best((found.scores, found.rows), truth, k)
