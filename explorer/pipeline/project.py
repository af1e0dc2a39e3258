"""The verb ``project``: a map of all rows, and how far it can be trusted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import projection, storage
from ..collection import Collection
from ..errors import InputError
from ..storage import Artifact
from ..types import Neighbours, Points, Progress, Report, Vectors, ignore
from .common import check_method, waiter

FEWEST_ROWS_TO_TRUST = 3
STABILITY_SEEDS = 2
"""Other seeds a map is compared with."""
STABILITY_K = 15


def project(
    collection: Collection,
    *,
    encoder: str | None = None,
    method: str = "umap",
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    seed: int = 0,
    report: Report = ignore,
) -> Artifact:
    """Positions of all rows on a map (``umap`` or ``pca``), with its trustworthiness."""
    made_from = collection.embedding(encoder)
    neighbours = collection.artifact("neighbours", step="index", embedding=made_from.key)
    parameters: dict[str, Any] = {"n_neighbors": n_neighbors, "min_dist": min_dist, "seed": seed} if method == "umap" else {}
    recipe = {"kind": "projection", "neighbours": neighbours.key, "method": method, **parameters}

    def fill(work: Path) -> Mapping[str, Any]:
        started = time.perf_counter()
        vectors, graph = collection.vectors(made_from.key), collection.neighbours(made_from.key)
        xy = projection.umap(vectors, neighbours=graph, report=report, **parameters) if method == "umap" else projection.pca(vectors)
        np.save(work / "xy.npy", xy)
        measured = _write_trust(work, graph, xy, vectors, seed=seed) if collection.n >= FEWEST_ROWS_TO_TRUST else {}
        return measured | {"seconds": round(time.perf_counter() - started, 3)}

    check_method("projection", method, ("umap", "pca"))
    return storage.make(collection.path, "projections", recipe, fill, waiting=waiter("project", collection, report))


def stability(collection: Collection, made: Artifact, *, report: Report = ignore) -> Artifact:
    """How much of a UMAP its seed decides: the share of its neighbours on the map that each row keeps under the next two seeds.

    Costs two more layouts. Raises ``InputError`` for a map without a seed.
    """
    if made.recipe["method"] != "umap":
        raise InputError("PCA has no seed and is the same each time it is drawn, so its stability need not be measured; leave that out.")
    parameters = {name: made.recipe[name] for name in ("n_neighbors", "min_dist")}
    seeds = [int(made.recipe["seed"]) + more for more in range(1, STABILITY_SEEDS + 1)]
    recipe = {"kind": "stability", "projection": made.key, "seeds": seeds, "k": STABILITY_K}

    def fill(work: Path) -> Mapping[str, Any]:
        started = time.perf_counter()
        source = next(graph for graph in collection.artifacts("neighbours") if graph.key == made.recipe["neighbours"])
        vectors = collection.vectors(source.recipe["embedding"])
        graph = Neighbours(*(np.load(storage.file(source, f"knn_{part}.npy"), mmap_mode="r") for part in ("rows", "scores")))

        def layout(at: int) -> Points:
            def forward(progress: Progress) -> None:
                total = progress.total or 0
                report(replace(progress, done=at * total + progress.done, total=len(seeds) * total))

            return projection.umap(vectors, neighbours=graph, seed=seeds[at], report=forward, **parameters)

        xy = np.load(storage.file(made, "xy.npy"), allow_pickle=False)
        kept = projection.stability(xy, others=[layout(at) for at in range(len(seeds))], k=STABILITY_K)
        np.save(work / "stability.npy", kept)
        k = min(STABILITY_K, collection.n - 1)
        measured = {"stability": round(float(kept.mean()), 4), "by_chance": round(k / (collection.n - 1), 4), "k": k}
        return measured | {"seconds": round(time.perf_counter() - started, 3)}

    return storage.make(collection.path, "stabilities", recipe, fill, waiting=waiter("project", collection, report))


def _write_trust(work: Path, graph: Neighbours, xy: Points, vectors: Vectors, *, seed: int) -> dict[str, Any]:
    """How honest the map is, per row in files, on average in the record."""
    trust = projection.trustworthiness(graph, xy, vectors=vectors, seed=seed)
    np.save(work / "trustworthiness.npy", trust.trustworthiness)
    np.save(work / "continuity.npy", trust.continuity)
    means = {name: round(float(getattr(trust, name).mean()), 4) for name in ("trustworthiness", "continuity", "preservation")}
    return means | {"k": trust.k, "ranked_against": trust.ranked_against}
