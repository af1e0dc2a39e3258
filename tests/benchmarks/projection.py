"""UMAP from the shared graph beside stock umap-learn, and where new points go: ratios from one run, one thread, CPU time.

    python tests/benchmarks/projection.py                     # 10 000 drawn vectors
    python tests/benchmarks/projection.py --rows 100000       # the size the limit speaks of; several minutes
    python tests/benchmarks/projection.py --vectors FILE.npy  # your own embedding

Neighbour preservation: share of a row's 15 exact nearest that are among its 15 nearest on the map, over 2 000 rows.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
from threadpoolctl import threadpool_limits

from explorer import index, projection
from explorer.types import Neighbours, Points, Vectors

K = 15


def drawn(n: int, *, dim: int = 384, seed: int = 0) -> Vectors:
    """Tissue-like vectors: clusters of several widths around a few kinds, in a low-dimensional space plus noise."""
    rng = np.random.default_rng(seed)
    kinds = rng.normal(size=(12, 32))
    clusters = kinds[rng.integers(0, 12, 1000)] + 0.8 * rng.normal(size=(1000, 32))
    of = rng.integers(0, 1000, n)
    points = clusters[of] + rng.uniform(0.2, 0.7, (1000, 1))[of] * rng.normal(size=(n, 32))
    return (points @ rng.normal(size=(32, dim)) / 32**0.5 + 0.1 * rng.normal(size=(n, dim))).astype(np.float32)


def timed(make: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    return make(), time.process_time() - start


def stock(vectors: Vectors) -> Points:
    from umap import UMAP

    return UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(vectors)


def graph_of(vectors: Vectors) -> tuple[Any, Neighbours]:
    built = index.build_index(vectors)
    return built, index.knn_graph(vectors, index=built, k=30)


def preserved(vectors: Vectors, xy: Points, rows: np.ndarray) -> float:
    unit = index.unit(vectors)
    _, near = faiss.knn(unit[rows], unit, K + 1, metric=faiss.METRIC_INNER_PRODUCT)
    near = np.array([[j for j in line if j != i][:K] for i, line in zip(rows, near, strict=True)])
    return float(projection.overlap(near, projection.map_neighbours(xy, k=K)[rows]).mean())


def layouts(vectors: Vectors) -> None:
    n = len(vectors)
    rows = np.random.default_rng(1).choice(n, min(2000, n), replace=False)
    small = vectors[:500]
    projection.umap(small, neighbours=graph_of(small)[1], n_epochs=10)  # compile both before the clock starts
    stock(vectors[:5000])
    (_, graph), graph_s = timed(lambda: graph_of(vectors))
    print(f"{n} x {vectors.shape[1]}: shared graph {graph_s:.1f} s", flush=True)
    default = projection.default_epochs(n)
    ours = {}
    for epochs in sorted({default, 100, 200}):
        xy, seconds = timed(lambda epochs=epochs: projection.umap(vectors, neighbours=graph, n_epochs=epochs))
        ours[epochs] = xy, seconds, preserved(vectors, xy, rows)
        print(f"ours, {epochs:3} epochs {seconds:7.1f} s  preservation {ours[epochs][2]:.3f}", flush=True)
    peer, peer_s = timed(lambda: stock(vectors))
    peer_kept = preserved(vectors, peer, rows)
    print(f"stock umap-learn {peer_s:7.1f} s  preservation {peer_kept:.3f}", flush=True)
    for epochs, (_, seconds, kept) in ours.items():
        name = f"{epochs:3} epochs{' (default)' if epochs == default else ''}"
        print(
            f"{name:20}: {peer_s / (seconds + graph_s):.2f}x as fast as stock with the graph (limit 1.6 at 100 000),"
            f" {peer_s / seconds:.2f}x without; preservation {kept - peer_kept:+.3f} (limit -.02)"
        )
    xy = ours[default][0]
    trust, seconds = timed(lambda: projection.trustworthiness(graph, xy, vectors=vectors))
    print(f"trustworthiness {trust.trustworthiness.mean():.3f}  continuity {trust.continuity.mean():.3f}  in {seconds:.1f} s")
    if n <= 20_000:
        again = projection.umap(vectors, neighbours=graph, seed=1)
        same = projection.overlap(projection.map_neighbours(xy, k=K), projection.map_neighbours(again, k=K)).mean()
        print(f"two seeds agree on {same:.3f} of the map's neighbours")


def new_points(vectors: Vectors) -> None:
    """A tenth is held out, the rest mapped; each held-out row's neighbours on the map against its true ones."""
    from sklearn.neighbors import NearestNeighbors

    out = np.random.default_rng(0).random(len(vectors)) < 0.1
    base = vectors[~out]
    built, graph = graph_of(base)
    xy = projection.umap(base, neighbours=graph)
    scores, rows = built.search(vectors[out], K)
    weights = np.exp(-(scores[:, :1] - scores) / (scores[:, :1] - scores).mean(1, keepdims=True))
    mean = np.einsum("qk,qkd->qd", weights / weights.sum(1, keepdims=True), xy[rows]).astype(np.float32)
    on_map = NearestNeighbors(n_neighbors=K).fit(xy)
    placed, seconds = timed(lambda: projection.place(rows, scores, xy=xy))
    places = {"place": placed, "weighted mean": mean, "at the nearest row": xy[rows[:, 0]]}
    kept = {name: projection.overlap(rows, on_map.kneighbors(at, return_distance=False)).mean() for name, at in places.items()}
    ceiling = projection.overlap(graph.rows[:, :K], projection.map_neighbours(xy, k=K)).mean()
    print("held out: " + "  ".join(f"{name} {share:.3f}" for name, share in kept.items()) + f"  rows of the map itself {ceiling:.3f}")
    print(f"placing costs {1e6 * seconds / out.sum():.0f} us a point")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--vectors", help="a .npy file of (n d) float32")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", module="umap")  # stock speaks of its own settings
    faiss.omp_set_num_threads(1)
    vectors = np.load(given.vectors, allow_pickle=False) if given.vectors else drawn(given.rows)
    with threadpool_limits(1):
        layouts(vectors)
        if len(vectors) <= 20_000:
            new_points(vectors)


if __name__ == "__main__":
    main()
