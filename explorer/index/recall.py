"""Recall of an index or a graph, and the number of lists an index must read to reach it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from ..cosine import unit
from ..types import Neighbours, Queries, Rows, Scores, VectorStore
from .exact import exact_search, padded, unit_blocks, without_self

PROMISED = 0.99
AIM = 0.993
"""Recall that sets the number of lists to read: two standard errors above the one promised, as other queries will differ."""
HALF_PRECISION_AIM = 0.998
"""The same where the hits are compared in half precision, which itself confuses some .006 of neighbours that are nearly alike."""
RECALL_K = 10
SAMPLE = 1000


def recall(index: VectorStore, vectors: Float[np.ndarray, "n d"], *, k: int = RECALL_K, sample: int = SAMPLE, seed: int = 0) -> float:
    """The share of the k true nearest other rows that ``index`` returns, over a sample of its own rows.

    A row found with the same cosine as a true neighbour counts as found. 1.0 where there are no other rows.
    """
    truth = Truth.of_sample(vectors, k=k, sample=sample, seed=seed)
    return truth.share(vectors, without_self(*index.search(truth.queries, k + 1), truth.rows)[1])


def graph_recall(neighbours: Neighbours, vectors: Float[np.ndarray, "n d"], *, sample: int = SAMPLE, seed: int = 0) -> float:
    """The share of the true nearest other rows that a graph holds, over a sample of its rows."""
    truth = Truth.of_sample(vectors, k=neighbours.rows.shape[1], sample=sample, seed=seed)
    return truth.share(vectors, neighbours.rows[truth.rows])


@dataclass(frozen=True, slots=True)
class Truth:
    """Exact nearest other rows of a sample of rows."""

    rows: Int64[np.ndarray, " q"]
    queries: Queries
    scores: Scores
    neighbours: Rows

    @classmethod
    def of_sample(cls, vectors: Float[np.ndarray, "n d"], *, k: int, sample: int = SAMPLE, seed: int = 0) -> Truth:
        """For a seeded sample of rows, by comparing them with all others."""
        rows = some_rows(len(vectors), sample, seed)
        queries = unit(vectors[rows])
        hits = exact_search(queries, k + 1, unit_blocks(vectors))
        return cls(rows, queries, *without_self(*padded(*hits, k + 1), rows))

    def share(self, vectors: Float[np.ndarray, "n d"], found: Rows) -> float:
        """The share of the true neighbours in ``found`` (q k); a row as similar as the last true neighbour counts."""
        true, there = self.neighbours >= 0, found >= 0
        if not true.any():
            return 1.0
        query = np.broadcast_to(np.arange(len(found))[:, None], found.shape)[there]
        cosines = np.full(found.shape, -np.inf, np.float32)
        cosines[there] = np.einsum("nd,nd->n", unit(vectors[found[there]]), self.queries[query])
        last = np.where(true, self.scores, np.inf).min(axis=1, keepdims=True)
        return float((cosines >= last - 1e-6).sum() / true.sum())

    def lists_needed(
        self, vectors: Float[np.ndarray, "n d"], quantizer: Any, likeness: Float[np.ndarray, "q nlist"], *, aim: float = AIM
    ) -> int:
        """How many lists hold the share ``aim`` of the true neighbours when lists are read in order of ``likeness``.

        A neighbour is found when its list is read, so the rank of that list among all is what has to be known: no search.
        """
        true = self.neighbours >= 0
        if not true.any():
            return 1
        lists = np.zeros(true.shape, np.int64)
        lists[true] = quantizer.assign(unit(vectors[self.neighbours[true]]), 1)[:, 0]
        ranks = np.stack([(row >= row[own][:, None]).sum(axis=1) for row, own in zip(likeness, lists, strict=True)])
        return int(np.quantile(ranks[true], aim, method="higher"))


def some_rows(n: int, size: int, seed: int) -> Int64[np.ndarray, " s"]:
    """A seeded sample of row numbers, ascending."""
    return np.sort(np.random.default_rng(seed).choice(n, size=min(size, n), replace=False)).astype(np.int64)
