"""Layouts in two dimensions: PCA, UMAP from the shared neighbour graph, and positions of new points on a map."""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float32

from ..cosine import unit
from ..errors import InputError
from ..types import Neighbours, Points, Progress, Report, Rows, Scores, Vectors, ignore
from .inputs import check_graph

_PLACED_BY = 15
"""Neighbours that decide where a new point goes; 30 do worse."""
_SHIFTS = 10
"""Steps of mean shift; 30 end in the same place."""
_BLOCK_ROWS = 4096
"""Rows in double precision at one time."""
_NO_SPREAD = 1e-13
"""Variance of unit vectors in single precision below which all are equal."""


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
    check_graph(neighbours, n, wanted, itself=1)
    if n == 1:
        return np.zeros((1, 2), np.float32)
    n_epochs = default_epochs(n) if n_epochs is None else n_epochs
    report(Progress("project", 0, n_epochs, "epochs", "the first map on a machine compiles UMAP, about ten seconds"))

    import numba
    from umap.umap_ import find_ab_params, fuzzy_simplicial_set, simplicial_set_embedding

    _keep_compiled()

    random = np.random.RandomState(seed)
    rows, distances = _with_self(neighbours, wanted)
    a, b = np.round(find_ab_params(1.0, min_dist), 6).tolist()  # a fit, whose last digits depend on the processor
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


def processor() -> str:
    """LLVM's name of this processor, for which UMAP is compiled: on another one the last digits of a map may differ."""
    from llvmlite.binding import get_host_cpu_name

    return str(get_host_cpu_name())


@cache
def _keep_compiled() -> None:
    """Let numba store UMAP's compiled functions, where it stores those of other libraries, for the processes that follow.

    It compiles them again when UMAP's source, numba's version or the processor is another one.
    """
    from umap import layouts, umap_

    umap_.smooth_knn_dist.enable_caching()
    umap_.compute_membership_strengths.enable_caching()
    layouts._get_optimize_layout_euclidean_single_epoch_fn(parallel=False).enable_caching()


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


def _principal(vectors: Vectors) -> tuple[Points, tuple[float, float]]:
    """In double precision, and rounded to a millionth of the extent: kernels of BLAS and their threads differ far below that."""
    x = unit(vectors)
    mean = x.mean(0, dtype=np.float64)
    blocks = [slice(start, start + _BLOCK_ROWS) for start in range(0, len(x), _BLOCK_ROWS)]
    scatter = np.zeros((x.shape[1], x.shape[1]))
    for block in blocks:
        centred = x[block] - mean
        scatter += centred.T @ centred
    count = min(2, *x.shape)
    xy, share = np.zeros((len(x), 2)), np.zeros(2)
    total = np.trace(scatter)
    if total > len(x) * _NO_SPREAD:
        values, axes = np.linalg.eigh(scatter)
        axes = axes[:, ::-1][:, :count]
        axes = axes * np.where(axes[np.abs(axes).argmax(0), np.arange(count)] < 0, -1, 1)
        for block in blocks:
            xy[block, :count] = (x[block] - mean) @ axes
        share[:count] = np.maximum(values[::-1][:count], 0) / total
        step = 2.0 ** np.ceil(np.log2(np.abs(xy).max()) - 20)
        xy = np.round(xy / step) * step
    return xy.astype(np.float32), (float(share[0]), float(share[1]))


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
        """Do nothing; the stream is not buffered."""
