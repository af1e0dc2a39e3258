"""The verb ``project``: a map of all rows, and its quality."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import projection
from ..collection import Collection
from ..collection.artifact_files import load_array
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
    """Positions of all rows on a map (``umap`` or ``pca``), with its trustworthiness.

    ``n_neighbors`` counts the row itself; where there are fewer rows, all of them are taken, and ``report`` is told so.
    """
    embedding = collection.embedding(encoder)
    parameters: dict[str, Any] = {"n_neighbors": n_neighbors, "min_dist": min_dist, "seed": seed} if method == "umap" else {}
    recipe = {"kind": "projection", "neighbours": embedding.neighbours.key, "method": method, **parameters, **_machine(method)}

    def fill(work: Path) -> Mapping[str, Any]:
        started = time.perf_counter()
        vectors, graph = embedding.vectors, embedding.graph
        if method == "umap" and 1 < collection.n < n_neighbors:
            note = f"there are only {collection.n} rows, so all of them count as near instead of {n_neighbors}"
            report(Progress("project", 0, note=note))
        xy = projection.umap(vectors, neighbours=graph, report=report, **parameters) if method == "umap" else projection.pca(vectors)
        np.save(work / "xy.npy", xy)
        measured = _write_trust(work, graph, xy, vectors, seed=seed) if collection.n >= FEWEST_ROWS_TO_TRUST else {}
        return measured | {"seconds": round(time.perf_counter() - started, 3)}

    check_method("projection", method, ("umap", "pca"))
    return collection.make("projections", recipe, fill, waiting=waiter("project", collection, report))


def stability(collection: Collection, projection_artifact: Artifact, *, report: Report = ignore) -> Artifact:
    """How much a UMAP depends on its seed: the share of its neighbours on the map that each row keeps under the next two seeds.

    Computes two more layouts. Raises ``InputError`` for a map without a seed.
    """
    if projection_artifact.recipe["method"] != "umap":
        raise InputError("PCA has no seed and is the same each time it is drawn, so its stability need not be measured; leave that out.")
    parameters = {name: projection_artifact.recipe[name] for name in ("n_neighbors", "min_dist")}
    seeds = [int(projection_artifact.recipe["seed"]) + more for more in range(1, STABILITY_SEEDS + 1)]
    recipe = {"kind": "stability", "projection": projection_artifact.key, "seeds": seeds, "k": STABILITY_K, **_machine("umap")}

    def fill(work: Path) -> Mapping[str, Any]:
        started = time.perf_counter()
        source = next(graph for graph in collection.artifacts("neighbours") if graph.key == projection_artifact.recipe["neighbours"])
        vectors = collection.embedding(source.recipe["embedding"]).vectors
        graph = Neighbours(load_array(source, "knn_rows.npy"), load_array(source, "knn_scores.npy"))

        def layout(at: int) -> Points:
            def forward(progress: Progress) -> None:
                total = progress.total or 0
                report(replace(progress, done=at * total + progress.done, total=len(seeds) * total))

            return projection.umap(vectors, neighbours=graph, seed=seeds[at], report=forward, **parameters)

        xy = load_array(projection_artifact, "xy.npy", rows=collection.n)
        shares = projection.stability(xy, others=[layout(at) for at in range(len(seeds))], k=STABILITY_K)
        np.save(work / "stability.npy", shares)
        k = min(STABILITY_K, collection.n - 1)
        measured = {"stability": round(float(shares.mean()), 4), "by_chance": round(k / (collection.n - 1), 4), "k": k}
        return measured | {"seconds": round(time.perf_counter() - started, 3)}

    return collection.make("stabilities", recipe, fill, waiting=waiter("project", collection, report))


def _machine(method: str) -> dict[str, Any]:
    """What of this machine can change the bytes of a map, and so belongs to its recipe."""
    return {"machine": {"processor": projection.processor()}} if method == "umap" else {}


def _write_trust(work: Path, graph: Neighbours, xy: Points, vectors: Vectors, *, seed: int) -> dict[str, Any]:
    """Write the quality of the map: per row to files, the mean to the record."""
    trust = projection.trustworthiness(graph, xy, vectors=vectors, seed=seed)
    np.save(work / "trustworthiness.npy", trust.trustworthiness)
    np.save(work / "continuity.npy", trust.continuity)
    means = {name: round(float(getattr(trust, name).mean()), 4) for name in ("trustworthiness", "continuity", "preservation")}
    return means | {"k": trust.k, "ranked_against": trust.ranked_against}
