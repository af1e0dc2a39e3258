"""The steps after ingest. Each makes one artifact, named by its recipe, or returns the one that is there."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from .. import clustering, projection, storage
from .. import embed as embedding
from .. import index as indexing
from ..collection import Collection
from ..errors import InputError
from ..settings import Settings
from ..storage import Artifact
from ..types import Encoder, Neighbours, Points, Progress, Report, Vectors, ignore
from .known import known_vectors

BLOCK_ROWS = 2048
GRAPH_K = 30
TYPICAL_ROWS = 8
FEWEST_ROWS_TO_TRUST = 3
STABILITY_SEEDS = 2
"""Other seeds a map is compared with."""
STABILITY_K = 15
CLUSTER_DEFAULTS: Mapping[str, dict[str, Any]] = {
    "leiden": {"resolution": 1.0, "n_neighbors": 15},
    "kmeans": {"n_clusters": 9},
    "hdbscan": {"min_cluster_size": 25, "min_samples": None},
}


def embed(collection: Collection, *, encoder: Encoder, settings: Settings, report: Report = ignore, kind: str = "embeddings") -> Artifact:
    """Vectors of every row by one encoder; killed runs go on block by block.

    Identical pixels are embedded once, and so are pixels that another collection under the same home has already
    embedded by the same recipe. Raises ``VectorsNotFinite``, or ``InputError`` where a picture has changed since ingest.
    """
    recipe = {"kind": "embedding", "items": collection.record["items_sha256"], "encoder": dict(encoder.recipe)}

    def fill(work: Path) -> Mapping[str, Any]:
        started = time.perf_counter()
        parts = work / storage.PARTS
        first = _first_of_equal(collection.items["sha256"])
        unique = np.unique(first)
        known, vectors = known_vectors(collection, encoder, unique, report=report)
        missing = np.setdiff1d(unique, np.concatenate([known, *_done_rows(parts)]))
        number = len(list(parts.iterdir()))

        def forward(progress: Progress) -> None:
            done = len(unique) - len(missing) + progress.done
            report(Progress("embed", done, len(unique), note=progress.note))

        blocks = embedding.embed(
            collection.image,
            missing.tolist(),
            encoder=encoder,
            block=BLOCK_ROWS,
            batch_size=settings.batch_size,
            threads=settings.threads,
            report=forward,
        )
        for rows, block in blocks:
            _write_block(parts / f"{number:06d}.npz", rows, block)
            number += 1
        _assemble(work / "vectors.npy", first, chain([(known, vectors)], _blocks(parts)), encoder.dim)
        seconds = time.perf_counter() - started
        return {"unique": len(unique), "copied": len(known), "device": encoder.device, "seconds": round(seconds, 3)}

    return storage.make(collection.path, kind, recipe, fill, waiting=_waiter("embed", collection, report))


def index(
    collection: Collection,
    *,
    encoder: str | None = None,
    kind: str = "auto",
    k: int = GRAPH_K,
    seed: int = 0,
    report: Report = ignore,
) -> Artifact:
    """The search index and the one nearest-neighbour graph (``k`` per row) of an embedding, with the recall both were measured at."""
    source = collection.embedding(encoder)
    recipe = {"kind": "neighbours", "embedding": source.key, "index": kind, "k": k, "seed": seed}

    def fill(work: Path) -> Mapping[str, Any]:
        import faiss

        started = time.perf_counter()
        vectors = np.load(storage.file(source, "vectors.npy"), mmap_mode="r", allow_pickle=False)
        built = indexing.build_index(vectors, kind=kind, seed=seed, report=report)
        graph = indexing.knn_graph(vectors, index=built, k=k, report=report)
        faiss.write_index(built.raw, str(work / "index.faiss"))
        np.save(work / "knn_rows.npy", graph.rows)
        np.save(work / "knn_scores.npy", graph.scores)
        recalls = {
            "recall_at_10": indexing.recall(built, vectors, seed=seed),
            "graph_recall": indexing.graph_recall(graph, vectors, seed=seed) if collection.n > 1 else 1.0,
        }
        return {"index": dict(built.settings), **recalls, "seconds": round(time.perf_counter() - started, 3)}

    return storage.make(collection.path, "neighbours", recipe, fill, waiting=_waiter("index", collection, report))


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

    _known_method("projection", method, ("umap", "pca"))
    return storage.make(collection.path, "projections", recipe, fill, waiting=_waiter("project", collection, report))


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

    return storage.make(collection.path, "stabilities", recipe, fill, waiting=_waiter("project", collection, report))


def cluster(
    collection: Collection,
    *,
    encoder: str | None = None,
    method: str = "leiden",
    seed: int = 0,
    report: Report = ignore,
    **parameters: Any,
) -> Artifact:
    """A group number for every row, with typical and borderline rows of each group.

    ``leiden`` (``resolution``, ``n_neighbors``) works on the shared graph, ``kmeans`` (``n_clusters``) on the vectors,
    ``hdbscan`` (``min_cluster_size``, ``min_samples``) on the newest UMAP. Raises ``InputError``, ``ArtifactMissing``.
    """
    _known_method("grouping", method, tuple(CLUSTER_DEFAULTS))
    chosen = CLUSTER_DEFAULTS[method] | parameters
    if unknown := set(chosen) - set(CLUSTER_DEFAULTS[method]):
        raise InputError(f"{method} has no parameter {', '.join(sorted(unknown))}; it has {', '.join(CLUSTER_DEFAULTS[method])}.")
    made_from = collection.embedding(encoder)
    neighbours = collection.artifact("neighbours", step="index", embedding=made_from.key)
    recipe = {"kind": "clusters", "neighbours": neighbours.key, "method": method, "seed": seed, **chosen}
    if method == "hdbscan":
        recipe["projection"] = collection.projection_artifact(made_from.key).key

    def fill(work: Path) -> Mapping[str, Any]:
        started = time.perf_counter()
        report(Progress("cluster", 0, 1, unit="step"))
        vectors = collection.vectors(made_from.key)
        if method == "leiden":
            labels = clustering.leiden(collection.neighbours(made_from.key), seed=seed, **chosen)
        elif method == "kmeans":
            labels = clustering.kmeans(vectors, seed=seed, **chosen)
        else:
            labels = clustering.hdbscan(np.array(collection.projection(made_from.key)), **chosen)
        np.save(work / "labels.npy", labels)
        np.save(work / "medoids.npy", clustering.medoids(vectors, labels, count=TYPICAL_ROWS))
        np.save(work / "borderline.npy", clustering.borderline(vectors, labels, count=TYPICAL_ROWS))
        report(Progress("cluster", 1, 1, unit="step"))
        sizes = clustering.sizes(labels).tolist()
        noise = int((labels < 0).sum())
        return {"clusters": len(sizes), "sizes": sizes, "in_none": noise, "seconds": round(time.perf_counter() - started, 3)}

    return storage.make(collection.path, "clusters", recipe, fill, waiting=_waiter("cluster", collection, report))


def _write_trust(work: Path, graph: Neighbours, xy: Points, vectors: Vectors, *, seed: int) -> dict[str, Any]:
    """How honest the map is, per row in files, on average in the record."""
    trust = projection.trustworthiness(graph, xy, vectors=vectors, seed=seed)
    np.save(work / "trustworthiness.npy", trust.trustworthiness)
    np.save(work / "continuity.npy", trust.continuity)
    means = {name: round(float(getattr(trust, name).mean()), 4) for name in ("trustworthiness", "continuity", "preservation")}
    return means | {"k": trust.k, "ranked_against": trust.ranked_against}


def agreement(collection: Collection, groups: Artifact, column: str) -> dict[str, Any]:
    """How far a grouping and a column say the same: purity, ARI, NMI, and how many rows have no value. Raises ``InputError``."""
    if column not in collection.items.columns:
        raise InputError(f"There is no column {column!r}; the columns are {', '.join(map(str, collection.items.columns))}.")
    labels = np.load(storage.file(groups, "labels.npy"), allow_pickle=False)
    values = collection.items[column].astype(object).to_numpy()
    purity = clustering.purity(labels, values)
    measures = {"purity": purity.overall, "ari": clustering.ari(labels, values), "nmi": clustering.nmi(labels, values)}
    return {"column": column} | {name: round(float(value), 4) for name, value in measures.items()} | {"without_value": purity.missing}


def _first_of_equal(sha256: Any) -> Any:
    """(n,) the first row with the same pixels as each row."""
    _, first, inverse = np.unique(sha256.to_numpy(dtype=str), return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def _write_block(path: Path, rows: Any, vectors: Any) -> None:
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        np.savez(file, rows=rows, vectors=vectors)
    storage.sync(unfinished)
    unfinished.replace(path)


def _done_rows(parts: Path) -> Iterator[Any]:
    for path in sorted(parts.glob("*.npz")):
        with np.load(path, allow_pickle=False) as block:
            yield block["rows"]


def _blocks(parts: Path) -> Iterator[tuple[Any, Any]]:
    for path in sorted(parts.glob("*.npz")):
        with np.load(path, allow_pickle=False) as block:
            yield block["rows"], block["vectors"]


def _assemble(path: Path, first: Any, blocks: Iterable[tuple[Any, Any]], dim: int) -> None:
    """Put blocks in row order and give equal pictures equal vectors."""
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(len(first), dim))
    for rows, vectors in blocks:
        out[rows] = vectors
    copies = np.flatnonzero(first != np.arange(len(first)))
    for start in range(0, len(copies), BLOCK_ROWS):
        rows = copies[start : start + BLOCK_ROWS]
        out[rows] = out[first[rows]]
    out.flush()


def _known_method(what: str, method: str, methods: tuple[str, ...]) -> None:
    if method not in methods:
        raise InputError(f"There is no {what} method {method!r}; choose one of {', '.join(methods)}.")


def _waiter(verb: str, collection: Collection, report: Report) -> Any:
    return lambda: report(Progress(verb, 0, note=f"another process is doing this for {collection.name!r}; waiting for it"))
