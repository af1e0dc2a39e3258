"""Unit vectors, exact search block by block, and the order of hits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType

import numpy as np
from jaxtyping import Float, Float32, Int64

from ..cosine import unit
from ..types import Queries, Rows, Scores, Vectors

Hits = tuple[Float32[np.ndarray, "q hits"], Int64[np.ndarray, "q hits"]]
"""Scores and rows, in another number of columns than were given."""

BLOCK = 1 << 16
"""Rows held as float32 at one time while reading a memory map."""
BLAS_FROM = 3072
"""Numbers in a batch of queries from which FAISS uses matrix products. Its default of 128 000 makes a batch of 256
queries about eight times slower; much less would make a single query of a wide encoder slower."""


@cache
def load_faiss() -> ModuleType:
    """The faiss package, with the one global setting that this package relies on."""
    import faiss

    faiss.cvar.distance_compute_blas_threshold = BLAS_FROM
    return faiss


@contextmanager
def one_thread() -> Iterator[None]:
    """FAISS uses one core in this block, and only in the thread that entered it.

    For a single query: several threads would wait for each other longer than they compute. On two cores that other work keeps
    busy, a query of 20 000 rows of 768 numbers took 64 ms, and 24 ms of CPU; on one thread 9 ms, and 5 ms of CPU.
    """
    faiss = load_faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def unit_blocks(vectors: Float[np.ndarray, "n d"]) -> Iterator[tuple[Int64[np.ndarray, " b"], Vectors]]:
    """All rows in order, normalised a block at a time, with their row numbers."""
    for rows in blocks(np.arange(len(vectors))):
        yield rows, unit(vectors[rows[0] : rows[-1] + 1])


def blocks(rows: Int64[np.ndarray, " n"], size: int = BLOCK) -> Iterator[Int64[np.ndarray, " b"]]:
    """Row numbers, ``size`` at a time."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def exact_search(queries: Queries, k: int, among: Iterable[tuple[Int64[np.ndarray, " b"], Vectors]]) -> tuple[Scores, Rows]:
    """The k best of all blocks (row numbers, unit vectors) for each unit query, by matrix products."""
    faiss = load_faiss()
    scores, rows = np.full((len(queries), k), -np.inf, np.float32), np.full((len(queries), k), -1, np.int64)
    for numbers, vectors in among:
        new, at = faiss.knn(queries, vectors, min(k, len(numbers)), metric=faiss.METRIC_INNER_PRODUCT)
        scores, rows = in_order(np.hstack([scores, new]), np.hstack([rows, numbers[at]]))
        scores, rows = scores[:, :k], rows[:, :k]
    return scores, rows


def in_order(scores: Scores, rows: Rows) -> tuple[Scores, Rows]:
    """Best first; equal scores by row number; missing hits (row -1) last, with a score of -inf."""
    scores = np.where(rows < 0, np.float32(-np.inf), scores)
    order = np.lexsort((rows, -scores), axis=1)
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)


def padded(scores: Scores, rows: Rows, k: int) -> Hits:
    """Hits with k columns, filled with -inf and row -1 where there are fewer."""
    missing = ((0, 0), (0, k - rows.shape[1]))
    return np.pad(scores, missing, constant_values=-np.inf), np.pad(rows, missing, constant_values=-1)


def without_self(
    scores: Scores, rows: Rows, own: Int64[np.ndarray, " q"]
) -> tuple[Float32[np.ndarray, "q fewer"], Int64[np.ndarray, "q fewer"]]:
    """Remove one column: the row itself, or the last hit where copies of the row displaced it."""
    keep = rows != own[:, None]
    keep[keep.all(axis=1), -1] = False
    shape = (len(rows), rows.shape[1] - 1)
    return scores[keep].reshape(shape), rows[keep].reshape(shape)
