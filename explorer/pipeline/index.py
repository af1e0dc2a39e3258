"""The verb ``index``: the search index and the neighbour graph of an embedding."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import index as indexing
from ..collection import Collection
from ..storage import Artifact
from ..types import Report, ignore
from .common import waiter

GRAPH_K = 30


def index(
    collection: Collection,
    *,
    encoder: str | None = None,
    kind: str = "auto",
    k: int = GRAPH_K,
    seed: int = 0,
    device: str = "auto",
    report: Report = ignore,
) -> Artifact:
    """The search index and the one nearest-neighbour graph (``k`` per row) of an embedding, with the recall both were measured at."""
    embedding = collection.embedding(encoder)
    recipe = {"kind": "neighbours", "embedding": embedding.key, "index": kind, "k": k, "seed": seed}
    if facts := indexing.machine_facts(kind, collection.n):
        recipe["machine"] = facts

    def fill(work: Path) -> Mapping[str, Any]:
        started = time.perf_counter()
        vectors = embedding.vectors
        store = indexing.build_store(vectors, kind=kind, seed=seed, device=device, report=report)
        graph = indexing.knn_graph(vectors, index=store, k=k, report=report)
        store.save(work)
        np.save(work / "knn_rows.npy", graph.rows)
        np.save(work / "knn_scores.npy", graph.scores)
        recalls = {
            "recall_at_10": indexing.recall(store, vectors, seed=seed),
            "graph_recall": indexing.graph_recall(graph, vectors, seed=seed) if collection.n > 1 else 1.0,
        }
        return {"index": dict(store.settings), **recalls, "seconds": round(time.perf_counter() - started, 3)}

    return collection.make("neighbours", recipe, fill, waiting=waiter("index", collection, report))
