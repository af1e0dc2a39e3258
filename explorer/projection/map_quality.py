"""Map quality: trustworthiness, continuity, neighbour preservation, and stability under other seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64

from ..cosine import unit
from ..errors import InputError
from ..types import Neighbours, Points, Rows, Vectors
from ..wording import counted
from .inputs import check_graph

PerPoint = Float32[np.ndarray, " n"]
"""One number per row of the collection."""
_BLOCK_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Trust:
    """How well a map preserves the neighbourhoods of the vectors; 1 is perfect. The arrays hold a value per row."""

    trustworthiness: PerPoint
    """Low where the map shows neighbours that are not neighbours."""
    continuity: PerPoint
    """Low where the map tears true neighbours apart."""
    preservation: PerPoint
    """Share of the k nearest that are among the k nearest on the map."""
    k: int
    """Neighbours compared; fewer than asked for in a small collection."""
    ranked_against: int
    """Rows that ranks were counted against: all (exact), or a seeded sample."""


def trustworthiness(neighbours: Neighbours, xy: Points, *, vectors: Vectors, k: int = 15, sample: int = 2000, seed: int = 0) -> Trust:
    """Trustworthiness and continuity (Venna & Kaski 2001) and neighbour preservation of a map, per row.

    neighbours: (n k') graph with k' >= k; xy: (n 2); vectors: (n d). The overall value is the mean of the rows'.
    A false neighbour is punished by its rank among all rows. Up to ``sample`` rows that rank is exact; above, it is
    estimated without bias for every row by counting against one seeded sample, so memory stays at a block times ``sample``.

    Raises ``InputError`` for fewer than three rows.
    """
    n = len(vectors)
    if n < 3:
        raise InputError(f"A map of {counted(n, 'row')} has no neighbourhoods to compare; use three rows or more.")
    k = min(k, (n - 1) // 2)
    check_graph(neighbours, n, k)
    near, shown = neighbours.rows[:, :k], map_neighbours(xy, k=k)
    among = np.arange(n) if n <= sample else np.sort(np.random.default_rng(seed).choice(n, sample, replace=False))
    x = unit(vectors)
    sampled = x[among].astype(np.float64)
    far, torn = np.empty(n, np.float32), np.empty(n, np.float32)
    for start in range(0, n, _BLOCK_ROWS):
        i = np.arange(start, min(start + _BLOCK_ROWS, n))
        false, missed = _outside(shown[i], near[i]), _outside(near[i], shown[i])
        block, others = x[i].astype(np.float64), x[shown[i]].astype(np.float64)
        to_all, to_these = _apart(block @ sampled.T), _apart(np.einsum("id,ikd->ik", block, others))
        ranks = _ranks(i, shown[i], among, n, to_all=to_all, to_these=to_these)
        far[i] = np.maximum(ranks - k, 0).sum(1, where=false)
        to_all, to_these = (np.square(xy[i, None] - there).sum(2) for there in (xy[None, among], xy[near[i]]))
        ranks = _ranks(i, near[i], among, n, to_all=to_all, to_these=to_these)
        torn[i] = np.maximum(ranks - k, 0).sum(1, where=missed)
    scale = np.float32(2 / (k * (2 * n - 3 * k - 1)))
    return Trust(1 - scale * far, 1 - scale * torn, overlap(near, shown), k, len(among))


def map_neighbours(xy: Points, *, k: int = 15) -> Rows:
    """The k nearest other rows of every row on the map, nearest first; ``InputError`` where there are not so many."""
    from sklearn.neighbors import NearestNeighbors

    if not 0 < k < len(xy):
        raise InputError(f"A map of {counted(len(xy), 'row')} has no {k} neighbours for a row; ask for at most {max(len(xy) - 1, 0)}.")
    rows: Rows = NearestNeighbors(n_neighbors=k, algorithm="kd_tree").fit(xy).kneighbors(return_distance=False).astype(np.int64)
    return rows


def overlap(a: Rows, b: Rows) -> PerPoint:
    """Share of each row's neighbours in ``a`` (n k) that are also in ``b`` (n k)."""
    share: PerPoint = (~_outside(a, b)).mean(1, dtype=np.float32)
    return share


def stability(xy: Points, *, others: Sequence[Points], k: int = 15) -> PerPoint:
    """Share of each row's k nearest on a map that are among its k nearest on other drawings of the same, averaged over these.

    xy: (n 2); others: layouts (n 2) of the same rows that differ in the seed only. 1: the neighbours shown are the same in
    each; k / (n - 1) is chance. Where a map has fewer than k other rows, all of them count. Neighbours rather than positions,
    because a layout that is turned, mirrored or moved shows the same.

    Raises ``InputError`` where there is no other layout, or only one row.
    """
    if not others:
        raise InputError("The stability of a map needs other layouts of the same rows; draw it with other seeds.")
    k = max(1, min(k, len(xy) - 1))
    shown = map_neighbours(xy, k=k)
    shares: PerPoint = np.stack([overlap(shown, map_neighbours(other, k=k)) for other in others]).mean(0)
    return shares


def _outside(a: Rows, b: Rows) -> Bool[np.ndarray, "q k"]:
    """True where an entry of ``a`` is not in the same line of ``b``."""
    outside: Bool[np.ndarray, "q k"] = ~(a[:, :, None] == b[:, None, :]).any(2)
    return outside


def _apart(cosines: Float64[np.ndarray, "q m"]) -> Float64[np.ndarray, "q m"]:
    """Distances rounded to a billionth, so that copies are equally far whatever BLAS does with the last digits."""
    return np.round(-cosines, 9)


def _ranks(
    i: Int64[np.ndarray, " q"],
    these: Rows,
    among: Int64[np.ndarray, " m"],
    n: int,
    *,
    to_all: Float[np.ndarray, "q m"],
    to_these: Float[np.ndarray, "q k"],
) -> Float32[np.ndarray, "q k"]:
    """Rank of each of ``these`` seen from row i: 1 + the rows that are nearer, counted in ``among`` and scaled to all."""
    others = (among != i[:, None])[:, None, :] & (among != these[:, :, None])
    nearer = (to_all[:, None, :] < to_these[:, :, None]) & others
    ranks: Float32[np.ndarray, "q k"] = 1 + nearer.sum(2, dtype=np.float32) * np.float32(n - 2) / others.sum(2, dtype=np.float32)
    return ranks
