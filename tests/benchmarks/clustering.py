"""Clusters of 50 000 rows on the shared graph: CPU seconds beside the peers, and how well each finds what was drawn.

python tests/benchmarks/clustering.py [--rows N]
"""

from __future__ import annotations

import argparse

import faiss
import numpy as np
from projection import drawn, graph_of, timed  # the benchmark beside this one
from sklearn.cluster import HDBSCAN, KMeans
from threadpoolctl import threadpool_limits

from explorer import clustering, index, projection

LIMIT_S = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    n = parser.parse_args().rows
    faiss.omp_set_num_threads(1)
    rng = np.random.default_rng(0)
    centres, truth = rng.normal(size=(60, 32)), rng.integers(0, 60, n)
    vectors = ((centres[truth] + rng.normal(size=(n, 32))) @ rng.normal(size=(32, 384)) / 32**0.5).astype(np.float32)
    clustering.leiden(graph_of(vectors[:500])[1])  # import and compile before the clock starts
    clustering.hdbscan(np.ascontiguousarray(drawn(500)[:, :2]))
    with threadpool_limits(1):
        (_, graph), graph_s = timed(lambda: graph_of(vectors))
        print(f"{n} x 384 in 60 drawn clusters; the shared graph took {graph_s:.1f} s", flush=True)

        def line(name: str, labels: np.ndarray, seconds: float, note: str = "") -> None:
            print(f"{name:28} {seconds:6.2f} s  clusters {labels.max() + 1:4}  ARI {clustering.ari(labels, truth):.3f}  {note}", flush=True)

        labels, seconds = timed(lambda: clustering.leiden(graph))
        line("leiden", labels, seconds, f"{seconds / LIMIT_S:.2f} of the limit of {LIMIT_S:.0f} s at 50 000")
        labels, seconds = timed(lambda: clustering.kmeans(vectors, n_clusters=60))
        peer, peer_s = timed(lambda: KMeans(60, random_state=0).fit_predict(index.unit(vectors)).astype(np.int64))
        line("kmeans", labels, seconds, f"{peer_s / seconds:.1f}x as fast as scikit-learn")
        line("  scikit-learn KMeans", peer, peer_s)
        xy = projection.umap(vectors, neighbours=graph)
        labels, seconds = timed(lambda: clustering.hdbscan(xy))
        peer, peer_s = timed(lambda: HDBSCAN(min_cluster_size=25, copy=True).fit_predict(xy).astype(np.int64))
        line("hdbscan of the map", labels, seconds, f"{peer_s / seconds:.1f}x as fast as scikit-learn")
        line("  scikit-learn HDBSCAN", peer, peer_s)


if __name__ == "__main__":
    main()
