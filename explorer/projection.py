"""A collection on two axes: PCA, UMAP from the shared neighbour graph, and how far such a map can be trusted.

Closeness is cosine similarity throughout, as in the index: vectors are taken at unit length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

from .errors import InputError
from .types import Neighbours, Points, Progress, Report, Rows, Scores, Vectors, ignore

PerPoint = Float32[np.ndarray, " n"]
"""One number per row of the collection."""
_BLOCK_ROWS = 1024
_PLACED_BY = 15
"""Neighbours that decide where a new point goes; 30 do worse."""
_SHIFTS = 10
"""Steps of mean shift; 30 end in the same place."""


@dataclass(frozen=True, slots=True)
class Trust:
    """How well a map keeps the neighbourhoods of the vectors: 1 is perfectly; the arrays hold a value per row."""

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


def pca(vectors: Vectors) -> Points:
    """The two directions of largest variance of the unit vectors, (n d) float32 -> (n 2) float32.

    Exact, the same on every run; of each direction the heaviest component points up. One row lies at the origin.
    """
    return _principal(vectors)[0]


def explained_variance(vectors: Vectors) -> tuple[float, float]:
    """Share of the variance of the unit vectors that each axis of ``pca`` shows."""
    return _principal(vectors)[1]


def umap(
    vectors: Vectors,
    *,
    neighbours: Neighbours,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    n_epochs: int | None = None,
    seed: int = 0,
    report: Report = ignore,
) -> Points:
    """UMAP (McInnes, Healy & Melville 2018, arXiv 1802.03426) by umap-learn's own steps, from a given graph.

    vectors: (n d) float32; neighbours: the graph of the same rows, (n k). ``n_neighbors`` counts the row itself, as in
    umap-learn, so k must be at least ``n_neighbors - 1`` (or n - 1, where that is fewer).
    Starts from PCA, which keeps the arrangement of islands meaningful and does not fail on a disconnected graph.
    ``n_epochs`` None: see ``default_epochs``. One thread, so that a seed gives the same bytes on every run.

    Returns (n 2) float32. Raises ``InputError`` where graph and vectors do not match, the graph is too narrow, or a number
    is out of its bounds (``n_neighbors`` from 2, ``min_dist`` from 0 to below 1).
    """
    n = len(vectors)
    wanted = min(n_neighbors, n) - 1
    if n_neighbors < 2:
        raise InputError(f"n_neighbors is {n_neighbors}, which leaves UMAP no neighbours; use 2 or more.")
    if not 0 <= min_dist < 1:
        raise InputError(f"min_dist is {min_dist}, which UMAP cannot fit a curve to; use 0 or more and less than 1.")
    _check_graph(neighbours, n, wanted, itself=1)
    if n == 1:
        return np.zeros((1, 2), np.float32)
    n_epochs = default_epochs(n) if n_epochs is None else n_epochs
    report(Progress("project", 0, n_epochs, "epochs", "compiling UMAP; this takes about ten seconds once per run"))

    import numba
    from umap.umap_ import find_ab_params, fuzzy_simplicial_set, simplicial_set_embedding

    random = np.random.RandomState(seed)
    rows, distances = _with_self(neighbours, wanted)
    a, b = find_ab_params(1.0, min_dist)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        graph, _, _ = fuzzy_simplicial_set(vectors, wanted + 1, random, "cosine", knn_indices=rows, knn_dists=distances)
        xy, _ = simplicial_set_embedding(
            vectors,
            graph,
            n_components=2,
            initial_alpha=1.0,
            a=a,
            b=b,
            gamma=1.0,
            negative_sample_rate=5,
            n_epochs=n_epochs,
            init=_start(vectors, random),
            random_state=random,
            metric="cosine",
            metric_kwds={},
            densmap=False,
            densmap_kwds={},
            output_dens=False,
            tqdm_kwds={"disable": False, "file": _Epochs(report, n_epochs), "bar_format": "{n}", "mininterval": 0.5, "leave": False},
        )
    finally:
        numba.set_num_threads(threads)
    report(Progress("project", n_epochs, n_epochs, "epochs"))
    return np.ascontiguousarray(xy, np.float32)


def default_epochs(n: int) -> int:
    """Passes over the graph: umap-learn's 500 for a small map, fewer where time counts and the map hardly gains.

    Measured by ``tests/benchmarks/projection.py``: at 100 000 rows 100 instead of 200 halves the time and costs .01 of
    neighbour preservation.
    """
    return 500 if n <= 10_000 else 200 if n <= 30_000 else 100


def place(rows: Rows, scores: Scores, *, xy: Points) -> Float32[np.ndarray, "q 2"]:
    """Positions on a finished map for new points: where most of their nearest rows in the collection lie together.

    The mode is found by mean shift (Comaniciu & Meer 2002) from the densest neighbour, nearer neighbours counting more. The
    neighbours of a point are often torn over two islands; a mean would put it on the empty ground between them. Held-out
    image crops keep .48 of their 15 neighbours this way, by the weighted mean .38, by a weighted median .46, beside the
    nearest row .43; rows that were in the map from the start keep .47 (``tests/benchmarks/projection.py``).

    rows, scores: (q k) from a search, of which the first 15 count, -1 where there are fewer; xy: (n 2) the map.
    Returns (q 2) float32. Raises ``InputError`` for a point without any neighbour.
    """
    rows = rows[:, :_PLACED_BY]
    if (rows[:, :1] < 0).any():
        raise InputError("A point to place has no neighbour in the collection; search without a filter to place it.")
    weights = _membership(scores[:, :_PLACED_BY])
    near = xy[np.where(rows < 0, rows[:, :1], rows)]
    apart = np.square(near[:, :, None] - near[:, None]).sum(3)
    third = np.sort(apart, axis=2)[:, :, min(3, rows.shape[1] - 1)]
    width = np.maximum(2 * np.median(third, axis=1), np.finfo(np.float32).tiny)  # of the kernel, squared
    density = np.einsum("qj,qij->qi", weights, np.exp(-apart / width[:, None, None]))
    placed: Float32[np.ndarray, "q 2"] = near[np.arange(len(near)), density.argmax(1)]
    for _ in range(_SHIFTS):
        pull = weights * np.exp(-np.square(near - placed[:, None]).sum(2) / width[:, None])
        placed = np.einsum("qk,qkd->qd", pull, near) / pull.sum(1, keepdims=True)
    return placed


def trustworthiness(neighbours: Neighbours, xy: Points, *, vectors: Vectors, k: int = 15, sample: int = 2000, seed: int = 0) -> Trust:
    """Trustworthiness and continuity (Venna & Kaski 2001) and neighbour preservation of a map, per row.

    neighbours: (n k') graph with k' >= k; xy: (n 2); vectors: (n d). The overall value is the mean of the rows'.
    A false neighbour is punished by its rank among all rows. Up to ``sample`` rows that rank is exact; above, it is
    estimated without bias for every row by counting against one seeded sample, so memory stays at a block times ``sample``.

    Raises ``InputError`` for fewer than three rows.
    """
    n = len(vectors)
    if n < 3:
        raise InputError(f"A map of {n} rows has no neighbourhoods to compare; use three rows or more.")
    k = min(k, (n - 1) // 2)
    _check_graph(neighbours, n, k)
    near, shown = neighbours.rows[:, :k], map_neighbours(xy, k=k)
    among = np.arange(n) if n <= sample else np.sort(np.random.default_rng(seed).choice(n, sample, replace=False))
    x = _unit(vectors)
    far, torn = np.empty(n, np.float32), np.empty(n, np.float32)
    for start in range(0, n, _BLOCK_ROWS):
        i = np.arange(start, min(start + _BLOCK_ROWS, n))
        false, missed = _outside(shown[i], near[i]), _outside(near[i], shown[i])
        to_all, to_these = -(x[i] @ x[among].T), -np.einsum("id,ikd->ik", x[i], x[shown[i]])
        ranks = _ranks(i, shown[i], among, n, to_all=to_all, to_these=to_these)
        far[i] = np.maximum(ranks - k, 0).sum(1, where=false)
        to_all, to_these = (np.square(xy[i, None] - others).sum(2) for others in (xy[None, among], xy[near[i]]))
        ranks = _ranks(i, near[i], among, n, to_all=to_all, to_these=to_these)
        torn[i] = np.maximum(ranks - k, 0).sum(1, where=missed)
    scale = np.float32(2 / (k * (2 * n - 3 * k - 1)))
    return Trust(1 - scale * far, 1 - scale * torn, overlap(near, shown), k, len(among))


def map_neighbours(xy: Points, *, k: int = 15) -> Rows:
    """The k nearest other rows of every row on the map, nearest first; ``InputError`` where there are not so many."""
    from sklearn.neighbors import NearestNeighbors

    if not 0 < k < len(xy):
        raise InputError(f"A map of {len(xy)} rows has no {k} neighbours for a row; ask for at most {max(len(xy) - 1, 0)}.")
    rows: Rows = NearestNeighbors(n_neighbors=k, algorithm="kd_tree").fit(xy).kneighbors(return_distance=False).astype(np.int64)
    return rows


def overlap(a: Rows, b: Rows) -> PerPoint:
    """Share of each row's neighbours in ``a`` (n k) that are also in ``b`` (n k).

    With ``map_neighbours`` of two layouts it is their agreement: of two seeds, the stability of a map.
    """
    share: PerPoint = (~_outside(a, b)).mean(1, dtype=np.float32)
    return share


def _principal(vectors: Vectors) -> tuple[Points, tuple[float, float]]:
    from sklearn.decomposition import PCA

    x = _unit(vectors)
    x -= x.mean(0, dtype=np.float64).astype(np.float32)
    xy, share = np.zeros((len(x), 2), np.float32), np.zeros(2)
    count = min(2, *x.shape)
    if x.any():
        model = PCA(count, svd_solver="covariance_eigh")
        xy[:, :count] = model.fit_transform(x)
        share[:count] = model.explained_variance_ratio_
    return xy, (float(share[0]), float(share[1]))


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.where(length > 0, length, 1)
    return unit


def _start(vectors: Vectors, random: np.random.RandomState) -> Points:
    """PCA at the size umap-learn starts from, with a little noise so that equal vectors can part."""
    xy = pca(vectors)
    extent = np.abs(xy).max()
    if extent > 1e-6:  # below is rounding
        xy *= 10 / extent
    xy += random.normal(scale=1e-4, size=xy.shape).astype(np.float32)
    return xy


def _with_self(neighbours: Neighbours, count: int) -> tuple[Rows, Scores]:
    """Rows and cosine distances as umap-learn wants them: the row itself first, then ``count`` others.

    A missing neighbour stays -1, which gives it no edge; its distance is the largest present, so that scales stay finite.
    """
    rows, scores = neighbours.rows[:, :count], neighbours.scores[:, :count]
    distances = np.maximum(1 - scores, 0)
    missing = rows < 0
    distances[missing] = 0
    distances = np.where(missing, distances.max(1, keepdims=True), distances)
    own = np.arange(len(rows))[:, None]
    return np.hstack([own, rows]), np.hstack([np.zeros_like(distances[:, :1]), distances])


def _check_graph(neighbours: Neighbours, n: int, k: int, *, itself: int = 0) -> None:
    """``itself`` is 1 where the person asking counts the row among its neighbours."""
    given, width = neighbours.rows.shape
    if given != n:
        raise InputError(f"The neighbour graph has {given} rows and the vectors {n}; build the graph from these vectors.")
    if width < k:
        raise InputError(
            f"The neighbour graph holds {width} neighbours a row and {k} are needed; "
            f"build the index again with --k {k} or ask for at most {width + itself} neighbours."
        )


def _outside(a: Rows, b: Rows) -> Bool[np.ndarray, "q k"]:
    """True where an entry of ``a`` is not in the same line of ``b``."""
    outside: Bool[np.ndarray, "q k"] = ~(a[:, :, None] == b[:, None, :]).any(2)
    return outside


def _ranks(
    i: Int64[np.ndarray, " q"],
    these: Rows,
    among: Int64[np.ndarray, " m"],
    n: int,
    *,
    to_all: Float32[np.ndarray, "q m"],
    to_these: Float32[np.ndarray, "q k"],
) -> Float32[np.ndarray, "q k"]:
    """Rank of each of ``these`` seen from row i: 1 + the rows that are nearer, counted in ``among`` and scaled to all."""
    others = (among != i[:, None])[:, None, :] & (among != these[:, :, None])
    nearer = (to_all[:, None, :] < to_these[:, :, None]) & others
    ranks: Float32[np.ndarray, "q k"] = 1 + nearer.sum(2, dtype=np.float32) * np.float32(n - 2) / others.sum(2, dtype=np.float32)
    return ranks


def _membership(scores: Scores) -> Float32[np.ndarray, "q k"]:
    """Weights that add up to 1 and fall off with the distance beyond the nearest neighbour."""
    beyond = scores[:, :1] - scores
    present = np.isfinite(beyond)
    mean = np.where(present, beyond, 0).sum(1, keepdims=True) / present.sum(1, keepdims=True)
    weights = np.where(present, np.exp(-beyond / np.maximum(mean, 1e-6)), 0)
    shares: Float32[np.ndarray, "q k"] = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return shares


class _Epochs:
    """The file that umap-learn's progress bar writes its bare count to."""

    def __init__(self, report: Report, total: int) -> None:
        self.report, self.total = report, total

    def write(self, text: str) -> None:
        if text.strip().isdigit():
            self.report(Progress("project", int(text), self.total, "epochs"))

    def flush(self) -> None:
        """Nothing is held back."""
