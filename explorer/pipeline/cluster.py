"""The verb ``cluster``: a cluster for every row, and the agreement of clusters with a column."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import clustering
from ..collection import Collection
from ..collection.artifact_files import load_array
from ..errors import InputError
from ..storage import Artifact
from ..types import Progress, Report, ignore
from ..wording import counted, verb_for
from .common import check_method, waiter

TYPICAL_ROWS = 8
CLUSTER_DEFAULTS: Mapping[str, dict[str, Any]] = {
    "leiden": {"resolution": 1.0, "n_neighbors": 15},
    "kmeans": {"n_clusters": 9},
    "hdbscan": {"min_cluster_size": 25, "min_samples": None},
}
_ROWS_PER_SMALLEST_GROUP = 10
"""A smallest group for HDBSCAN holds at most one row in so many, else a small collection could have no group."""


def cluster(
    collection: Collection,
    *,
    encoder: str | None = None,
    method: str = "leiden",
    seed: int = 0,
    report: Report = ignore,
    **parameters: Any,
) -> Artifact:
    """A cluster number for every row, with typical and borderline rows of each cluster.

    ``leiden`` (``resolution``, ``n_neighbors``) works on the shared graph, ``kmeans`` (``n_clusters``) on the vectors,
    ``hdbscan`` (``min_cluster_size``, ``min_samples``) on the newest UMAP. The usual number of groups and the usual smallest
    group shrink to small collections, and ``report`` is told so. Raises ``InputError``, ``ArtifactMissing``.
    """
    check_method("grouping", method, tuple(CLUSTER_DEFAULTS))
    fitting, note = _fitting(method, collection.n)
    note = note if set(fitting) - set(parameters) else ""
    chosen = CLUSTER_DEFAULTS[method] | fitting | parameters
    if unknown := set(chosen) - set(CLUSTER_DEFAULTS[method]):
        raise InputError(f"{method} has no parameter {', '.join(sorted(unknown))}; it has {', '.join(CLUSTER_DEFAULTS[method])}.")
    if method == "leiden" and 1 < collection.n <= chosen["n_neighbors"]:
        note = (
            f"there are only {collection.n} rows, so groups are found by {collection.n - 1} neighbours instead of {chosen['n_neighbors']}"
        )
    embedding = collection.embedding(encoder)
    recipe = {"kind": "clusters", "neighbours": embedding.neighbours.key, "method": method, "seed": seed, **chosen}
    umap = embedding.map("umap") if method == "hdbscan" else None
    if umap is not None:
        recipe["projection"] = umap.key

    def fill(work: Path) -> Mapping[str, Any]:
        started = time.perf_counter()
        report(Progress("cluster", 0, 1, unit="step", note=note))
        vectors = embedding.vectors
        if method == "leiden":
            labels = clustering.leiden(embedding.graph, seed=seed, **chosen)
        elif umap is None:
            labels = clustering.kmeans(vectors, seed=seed, **chosen)
        else:
            labels = clustering.hdbscan(np.array(load_array(umap, "xy.npy")), **chosen)
        np.save(work / "labels.npy", labels)
        np.save(work / "medoids.npy", clustering.medoids(vectors, labels, count=TYPICAL_ROWS))
        np.save(work / "borderline.npy", clustering.borderline(vectors, labels, count=TYPICAL_ROWS))
        report(Progress("cluster", 1, 1, unit="step"))
        sizes = clustering.sizes(labels).tolist()
        noise = int((labels < 0).sum())
        return {"clusters": len(sizes), "sizes": sizes, "in_none": noise, "seconds": round(time.perf_counter() - started, 3)}

    return collection.make("clusters", recipe, fill, waiting=waiter("cluster", collection, report))


def _fitting(method: str, n: int) -> tuple[dict[str, int], str]:
    """Defaults that are reduced to fit ``n`` rows, and a note on them; nothing where the usual ones fit."""
    if method == "kmeans" and n < (usual := CLUSTER_DEFAULTS[method]["n_clusters"]):
        return {"n_clusters": n}, f"there are fewer rows than the usual {usual} groups, so their number is {n}"
    if method == "hdbscan" and n < _ROWS_PER_SMALLEST_GROUP * (usual := CLUSTER_DEFAULTS[method]["min_cluster_size"]):
        size = max(2, n // _ROWS_PER_SMALLEST_GROUP)
        return {
            "min_cluster_size": size
        }, f"there {verb_for(n, 'is')} only {counted(n, 'row')}, so the smallest group is {size} instead of {usual}"
    return {}, ""


def agreement(collection: Collection, groups: Artifact, column: str) -> dict[str, Any]:
    """Agreement of a clustering with a column: purity, ARI, NMI, and how many rows have no value. Raises ``InputError``."""
    table = collection.table()
    if column not in table:
        raise InputError(f"There is no column {column!r}; the columns are {', '.join(map(str, table.columns))}.")
    labels = load_array(groups, "labels.npy", rows=collection.n)
    values = table[column].astype(object).where(table[column].notna(), None).to_numpy()
    purity = clustering.purity(labels, values)
    measures = {"purity": purity.overall, "ari": clustering.ari(labels, values), "nmi": clustering.nmi(labels, values)}
    return {"column": column} | {name: round(float(value), 4) for name, value in measures.items()} | {"without_value": purity.missing}
