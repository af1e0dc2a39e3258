"""What every vector store must do. Brute force in float64 is the oracle.

A subclass names its ``kind`` and the ``tolerance`` of the vectors it stores. Another engine overrides ``build`` and ``reopen``.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.index import build_store, open_store, recall
from explorer.types import VectorStore

N, DIM = 2000, 24
COPIES = [7, 8, 9, 1500]
ZERO = 11


def patches(n: int = N, seed: int = 0) -> Any:
    """Vectors in loose clusters, of many lengths; rows of ``COPIES`` are equal, row ``ZERO`` is zero."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((12, DIM))
    vectors = centres[rng.integers(12, size=n)] + 0.5 * rng.standard_normal((n, DIM))
    vectors *= rng.uniform(0.1, 30, size=(n, 1))
    if n == N:
        vectors[COPIES] = vectors[COPIES[0]]
        vectors[ZERO] = 0
    return vectors.astype(np.float32)


def cosines(queries: Any, vectors: Any) -> Any:
    """(q n) in float64; 0 against a row of zeros."""

    def directions(rows: Any) -> Any:
        rows = rows.astype(np.float64)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)

    return directions(queries) @ directions(vectors).T


class StoreContract:
    kind: str
    tolerance: float = 1e-5

    @classmethod
    def build(cls, vectors: Any) -> VectorStore:
        return build_store(vectors, kind=cls.kind)

    def reopen(self, folder: Path, settings: Any) -> VectorStore:
        """What ``VectorStore.save`` wrote into the folder."""
        return open_store(folder, settings)

    @pytest.fixture(scope="class")
    @classmethod
    def vectors(cls) -> Any:
        return patches()

    @pytest.fixture(scope="class")
    @classmethod
    def index(cls, vectors: Any) -> VectorStore:
        return cls.build(vectors)

    def assert_best(self, hits: tuple[Any, Any], truth: Any, k: int) -> None:
        """``hits`` are the k best of ``truth`` (q n), where -inf marks rows that may not be returned."""
        scores, rows = hits
        assert scores.shape == rows.shape == (len(truth), k)
        assert scores.dtype == np.float32
        assert rows.dtype == np.int64
        for query in range(len(truth)):
            best = np.sort(truth[query][np.isfinite(truth[query])])[::-1][:k]
            mine, there = rows[query][: len(best)], rows[query][len(best) :]
            assert (there == -1).all()
            assert (scores[query][len(best) :] == -np.inf).all()
            assert len(set(mine.tolist())) == len(mine)
            assert (mine >= 0).all()
            np.testing.assert_allclose(truth[query][mine], best, atol=2 * self.tolerance)  # rows as good as the true ones
            np.testing.assert_allclose(scores[query][: len(best)], truth[query][mine], atol=self.tolerance)

    def test_kind_rows_dimension_and_settings_are_reported(self, index: VectorStore) -> None:
        assert (index.kind, index.n, index.dim) == (self.kind, N, DIM)
        assert json.loads(json.dumps(index.settings))["kind"] == self.kind
        assert index.settings["device"] in ("cpu", "gpu")

    def test_a_row_finds_itself_first(self, index: VectorStore, vectors: Any) -> None:
        single = np.setdiff1d(np.arange(N), [*COPIES, ZERO])
        scores, rows = index.search(vectors[single], 1)
        assert np.mean(rows[:, 0] == single) > 0.995
        np.testing.assert_allclose(scores[rows[:, 0] == single, 0], 1, atol=self.tolerance)

    def test_copies_come_first_in_order_of_their_rows(self, index: VectorStore, vectors: Any) -> None:
        everything = np.ones(N, bool)
        for hits in (index.search(vectors[COPIES[:1]], 4), index.search(vectors[COPIES[:1]], 4, allowed=everything)):
            assert hits[1].tolist() == [COPIES]

    def test_hits_are_sorted_and_unlike_one_another(self, index: VectorStore, vectors: Any) -> None:
        scores, rows = index.search(vectors[:50], 20)
        for s, r in zip(scores, rows, strict=True):
            pairs = list(zip((-s).tolist(), r.tolist(), strict=True))
            assert pairs == sorted(pairs)
            assert len(set(r.tolist())) == 20

    def test_a_filtered_search_equals_brute_force(self, index: VectorStore, vectors: Any) -> None:
        @settings(deadline=None, max_examples=60)
        @given(seed=st.integers(0, 2**32 - 1), share=st.sampled_from([0, 0.0005, 0.005, 0.1, 0.5, 0.99, 1]), k=st.integers(1, 60))
        def check(seed: int, share: float, k: int) -> None:
            rng = np.random.default_rng(seed)
            allowed = rng.random(N) < share
            queries = patches(int(rng.choice([1, 2, 200])), seed=seed)
            truth = np.where(allowed, cosines(queries, vectors), -np.inf)
            self.assert_best(index.search(queries, k, allowed=allowed), truth, k)

        check()

    def test_more_hits_than_rows(self, index: VectorStore, vectors: Any) -> None:
        hits = index.search(vectors[:3], N + 5)
        self.assert_best(hits, cosines(vectors[:3], vectors), N + 5)
        self.assert_best(index.search(vectors[:3], N + 5, allowed=np.ones(N, bool)), cosines(vectors[:3], vectors), N + 5)

    def test_one_row(self, vectors: Any) -> None:
        index = self.build(vectors[:1])
        scores, rows = index.search(vectors[:2], 3)
        assert rows.tolist() == [[0, -1, -1]] * 2
        assert scores[0, 0] == pytest.approx(1, abs=self.tolerance)
        assert index.search(vectors[:1], 1, allowed=np.zeros(1, bool))[1].tolist() == [[-1]]

    def test_no_queries(self, index: VectorStore, vectors: Any) -> None:
        scores, rows = index.search(vectors[:0], 3)
        assert scores.shape == rows.shape == (0, 3)

    def test_a_row_of_zeros_is_like_nothing(self, index: VectorStore, vectors: Any) -> None:
        scores, rows = index.search(vectors[[ZERO]], N, allowed=np.ones(N, bool))
        assert (scores == 0).all()
        only = np.arange(N) == ZERO
        assert index.search(vectors[:1], 1, allowed=only)[0].tolist() == [[0]]
        assert rows[0].tolist() == list(range(N))

    @pytest.mark.parametrize("form", [np.float16, np.float32, np.float64])
    def test_any_float_and_any_layout(self, vectors: Any, form: Any) -> None:
        wide = np.zeros((N, 2 * DIM), form, order="F")
        wide[:, ::2] = vectors
        mine, plain = wide[:, ::2], np.ascontiguousarray(wide[:, ::2], np.float32)
        queries, kept = mine[:40], mine[:40].copy()
        one, other = self.build(mine).search(queries, 5), self.build(plain).search(plain[:40], 5)
        np.testing.assert_array_equal(one[1], other[1])
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(queries, kept)  # the caller's array is left as it was

    def test_the_same_seed_gives_the_same_index(self, index: VectorStore, vectors: Any) -> None:
        again = self.build(vectors)
        assert again.settings == index.settings
        for one, other in zip(index.search(vectors, 7), again.search(vectors, 7), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_the_order_of_rows_does_not_matter(self, index: VectorStore, vectors: Any) -> None:
        single = np.setdiff1d(np.arange(N), COPIES)
        order = np.random.default_rng(3).permutation(N)
        shuffled = self.build(vectors[order])
        queries = patches(30, seed=8)
        one = index.search(queries, 9, allowed=np.isin(np.arange(N), single))
        other = shuffled.search(queries, 9, allowed=np.isin(order, single))
        np.testing.assert_array_equal(one[1], order[other[1]])
        np.testing.assert_allclose(one[0], other[0], atol=1e-6)

    def test_recall_is_measured_and_reaches_the_aim(self, index: VectorStore, vectors: Any) -> None:
        stored = index.settings
        assert stored["recall_k"] == 10
        assert stored["recall"] >= 0.99
        assert recall(index, vectors, k=10, seed=99) >= 0.985

    def test_is_the_same_after_save_and_open(self, index: VectorStore, vectors: Any, tmp_path: Path) -> None:
        index.save(tmp_path)
        back = self.reopen(tmp_path, json.loads(json.dumps(dict(index.settings))))
        assert (back.n, back.dim, back.kind) == (index.n, index.dim, index.kind)
        assert back.settings == index.settings
        allowed = np.arange(N) % 3 == 0
        for kept in (None, allowed):
            for one, other in zip(index.search(vectors[:200], 6, allowed=kept), back.search(vectors[:200], 6, allowed=kept), strict=True):
                np.testing.assert_array_equal(one, other)

    def test_counts_the_rows_a_filter_leaves(self, index: VectorStore) -> None:
        assert index.count() == N
        assert index.count(allowed=np.arange(N) % 4 == 0) == N // 4

    def test_says_how_much_memory_it_takes(self, index: VectorStore) -> None:
        assert N * DIM // 8 <= index.n_bytes <= 2 * N * DIM * 4

    def test_ten_people_search_at_once(self, index: VectorStore, vectors: Any) -> None:
        def ask(person: int) -> list[Any]:
            allowed = np.arange(N) % 10 == person
            return [hits for i in range(20) for kept in (None, allowed) for hits in index.search(vectors[[i]], 5, allowed=kept)]

        alone = [ask(person) for person in range(10)]
        with ThreadPoolExecutor(10) as pool:
            together = list(pool.map(ask, range(10)))
        for one, other in zip(alone, together, strict=True):
            for a, b in zip(one, other, strict=True):
                np.testing.assert_array_equal(a, b)

    def test_what_does_not_fit_is_refused(self, index: VectorStore, vectors: Any) -> None:
        with pytest.raises(InputError, match="5 numbers a row and the index 24"):
            index.search(vectors[:2, :5], 3)
        with pytest.raises(InputError, match="3 entries and the index 2000 rows"):
            index.search(vectors[:2], 3, allowed=np.ones(3, bool))
        with pytest.raises(InputError, match="at least 1"):
            index.search(vectors[:2], 0)
