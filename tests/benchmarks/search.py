"""Search and neighbour graph: ours, the peer and the limit from the same run, in CPU time of one thread.

    python tests/benchmarks/search.py            # 100 000 rows of 384 numbers, about half a minute
    python tests/benchmarks/search.py --million  # and 1 000 000 rows, 3 GB, some minutes

Vectors are drawn, not embedded: ``tissue`` has tissue classes, slides with an offset each, and a spectrum that falls as it
does for real encoders (the hard case: no clusters that lists could follow); ``clusters`` is a thousand tight clusters
(the easy case, which flatters lists).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import threadpoolctl

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from explorer.cosine import unit
from explorer.index import build_index, graph_recall, knn_graph
from explorer.index.exact import BLAS_FROM, exact_search, unit_blocks

DIM = 384


def tissue(n: int, seed: int) -> Any:
    """Nine classes, a hundred slides, standard deviations that fall as rank^-.75; ``seed`` draws the rows only."""
    world, rng = np.random.default_rng(0), np.random.default_rng(seed)
    spread = np.arange(1, DIM + 1, dtype=np.float32) ** -0.75
    classes, slides = (world.standard_normal((m, DIM), dtype=np.float32) * spread for m in (9, 100))
    vectors = rng.standard_normal((n, DIM), dtype=np.float32)
    vectors *= spread
    vectors += classes[rng.integers(9, size=n)]
    vectors += 0.5 * slides[rng.integers(100, size=n)]
    return vectors


def clusters(n: int, seed: int) -> Any:
    """A thousand clusters that spread in 24 directions; ``seed`` draws the rows only."""
    world, rng = np.random.default_rng(0), np.random.default_rng(seed)
    centres, directions = (world.standard_normal((m, DIM), dtype=np.float32) for m in (1000, 24))
    vectors = centres[rng.integers(1000, size=n)]
    vectors += 0.07 * rng.standard_normal((n, 24), dtype=np.float32) @ directions
    return vectors


def cpu(work: Callable[[], Any], repeats: int = 1) -> float:
    """Least CPU seconds of one call."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return float(best)


def flat() -> None:
    vectors, queries = tissue(100_000, 1), tissue(256, 2)
    index = build_index(vectors, kind="flat")
    base = unit(vectors)
    one = read = np.inf
    for _ in range(25):  # by turns, so that both meet the same neighbours on the memory bus
        one, read = min(one, cpu(lambda: index.search(queries[:1], 10))), min(read, cpu(base.max))
    print(f"flat 100k, 1 query      ours {one * 1e3:.1f} ms; reading the vectors once {read * 1e3:.1f} ms; ratio {one / read:.2f}")
    many = cpu(lambda: index.search(queries, 10), 3)
    product = cpu(lambda: unit(queries) @ base.T, 3)
    faiss.cvar.distance_compute_blas_threshold = 128_000
    peer = cpu(lambda: index.raw.search(unit(queries), 10))
    faiss.cvar.distance_compute_blas_threshold = BLAS_FROM
    print(
        f"flat 100k, 256 queries  ours {256 / many:.0f}/s; FAISS's default {256 / peer:.0f}/s; {peer / many:.1f} times as fast; "
        f"the bare matrix product {256 / product:.0f}/s, ours {product / many:.0%} of it"
    )
    for share in (0.01, 0.5):
        allowed = np.random.default_rng(0).random(len(vectors)) < share
        single = cpu(partial(index.search, queries[:1], 10, allowed=allowed), 3)
        batch = cpu(partial(index.search, queries, 10, allowed=allowed), 2) / len(queries)
        print(f"flat 100k, {share:.0%} allowed, exact: {single * 1e3:.2f} ms a query, in a batch of 256 {batch * 1e3:.2f} ms")


def graph(draw: Callable[[int, int], Any]) -> None:
    vectors = draw(100_000, 1)
    index = build_index(vectors)
    found: list[Any] = []
    ours = cpu(lambda: found.append(knn_graph(vectors, index=index, k=30)))
    some = vectors[:4096]
    peer = cpu(lambda: index.search(some, 31)) * len(vectors) / len(some)
    share = graph_recall(found[0], vectors, seed=1)
    print(
        f"graph 100k, {draw.__name__}: ours {ours:.1f} core-s, recall {share:.4f}; exact {peer:.1f} core-s; {peer / ours:.1f} times as fast"
    )


def lists(draw: Callable[[int, int], Any], kind: str, n: int) -> None:
    vectors, queries = draw(n, 1), draw(1000, 2)
    built: list[Any] = []
    build = cpu(lambda: built.append(build_index(vectors, kind=kind)))
    index = built[0]
    one = cpu(lambda: [index.search(queries[i : i + 1], 10) for i in range(300)]) / 300
    many = cpu(lambda: index.search(queries, 10)) / 1000
    truth = exact_search(unit(queries), 10, unit_blocks(vectors))[0]
    rows = index.search(queries, 10)[1]
    cosines = np.einsum("qkd,qd->qk", unit(vectors[rows.ravel()]).reshape(*rows.shape, -1), unit(queries))
    recall = float((cosines >= truth[:, -1:] - 1e-6).mean())
    allowed = np.random.default_rng(0).random(n) < 0.01
    within = cpu(lambda: index.search(queries[:1], 10, allowed=allowed), 3)
    settings = {key: index.settings[key] for key in ("nlist", "nprobe", "k_factor", "recall") if key in index.settings}
    print(f"{kind} {n:,}, {draw.__name__}: built in {build:.0f} core-s ({build * 1e6 / n:.0f} a million); {settings}")
    print(f"    recall@10 of new queries {recall:.4f}; 1 query {one * 1e3:.2f} ms, in a batch {many * 1e3:.2f} ms", end="; ")
    print(f"1 % allowed, exact: {within * 1e3:.1f} ms", flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--million", action="store_true", help="also a million rows")
    million = arguments.parse_args().million
    faiss.omp_set_num_threads(1)
    with threadpoolctl.threadpool_limits(1):
        flat()
        for draw in (tissue, clusters):
            graph(draw)
            lists(draw, "ivf", 100_000)
        lists(tissue, "ivf-refine", 100_000)
        if million:
            for draw in (tissue, clusters):
                lists(draw, "ivf", 1_000_000)
