"""Clustering without labels (k-means, HDBSCAN, Leiden), and the agreement of clusters with a known column.

A cluster is a number: 0 is the largest, -1 is "in no cluster". Similarity is cosine similarity, as in the index.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, Int64, Shaped

from .cosine import unit
from .errors import InputError
from .types import Labels, Neighbours, Rows, Vectors
from .wording import counted, verb_for

Numbers = Int64[np.ndarray, " labelled"]
"""Cluster numbers before they are checked against the vectors."""
Values = Shaped[np.ndarray, " rows"]
"""A column of the collection, one value per row; None or NaN is missing."""
Layout = Float[np.ndarray, "n d"]
"""Positions in few dimensions, such as a map."""


@dataclass(frozen=True, slots=True)
class Purity:
    """The share of rows that have the most frequent value of their cluster. Rows without a value or cluster are left out and counted."""

    overall: float
    """Share of the counted rows that have the commonest value of their cluster; NaN where no row counts."""
    per_cluster: Float32[np.ndarray, " c"]
    """The same for each cluster; NaN where none of its rows has a value."""
    commonest: list[object]
    """The commonest value of each cluster; None where none of its rows has one."""
    missing: int
    """Rows without a value."""
    noise: int
    """Rows with a value that are in no cluster."""


def kmeans(vectors: Vectors, *, n_clusters: int, seed: int = 0) -> Labels:
    """Spherical k-means (Dhillon & Modha 2001) by FAISS: every row is assigned to the cluster mean of highest cosine.

    vectors: (n d) float32 -> (n) int64. FAISS learns the means from at most 256 rows per cluster. Raises ``InputError`` unless
    1 <= n_clusters <= n. Equal vectors can give fewer clusters than requested.
    """
    import faiss

    n, d = vectors.shape
    if not 1 <= n_clusters <= n:
        fitting = "1" if n == 1 else f"a number from 1 to {n}"
        raise InputError(f"n_clusters is {n_clusters} and there {verb_for(n, 'is')} {counted(n, 'row')}; use {fitting}.")
    x = unit(vectors)
    model = faiss.Kmeans(d, n_clusters, niter=25, nredo=3, seed=seed, spherical=True, min_points_per_centroid=1)
    model.cp.init_method = faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS
    model.train(x)
    _, nearest = model.index.search(x, 1)
    return by_size(nearest[:, 0])


def hdbscan(points: Layout, *, min_cluster_size: int = 25, min_samples: int | None = None) -> Labels:
    """HDBSCAN (Campello, Moulavi & Sander 2013) by ``fast_hdbscan``, for a map or another layout of few dimensions.

    points: (n d) -> (n) int64, -1 for rows in no dense region. Islands smaller than ``min_cluster_size`` are not clusters;
    a larger ``min_samples`` (default: ``min_cluster_size``) calls more rows noise.

    Raises ``InputError`` for NaN or infinite points and for a ``min_cluster_size`` below 2.
    """
    import numba
    from fast_hdbscan import HDBSCAN

    if min_cluster_size < 2:
        raise InputError(f"min_cluster_size is {min_cluster_size}; use 2 or more.")
    if not np.isfinite(points).all():
        row = int(np.flatnonzero(~np.isfinite(points).all(1))[0])
        raise InputError(f"Row {row} has a position that is not a finite number; compute the map again before clustering it.")
    if len(points) < min_cluster_size:
        return np.full(len(points), -1, np.int64)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)  # the same labels on every run, twenty times as fast as the library's own reproducible mode
    try:
        return by_size(HDBSCAN(min_cluster_size=min_cluster_size, min_samples=min_samples).fit_predict(points))
    finally:
        numba.set_num_threads(threads)


def leiden(neighbours: Neighbours, *, resolution: float = 1.0, n_neighbors: int = 15, seed: int = 0) -> Labels:
    """Leiden communities (Traag, Waltman & van Eck 2019, igraph) of the shared neighbour graph, by modularity.

    neighbours: (n k), of which the first ``n_neighbors`` are used -> (n) int64. An edge joins two rows when either is a
    neighbour of the other, and weighs as much as they share neighbours (Jaccard, as in PhenoGraph, Levine et al. 2015).
    A higher ``resolution`` gives more clusters.

    Raises ``InputError`` for a ``resolution`` that is not above 0.
    """
    import igraph

    if not resolution > 0:
        raise InputError(f"resolution is {resolution}; use a number above 0 (1 is usual, more gives more clusters).")
    edges, weights = _shared_neighbour_edges(neighbours.rows[:, :n_neighbors])
    graph = igraph.Graph(n=len(neighbours.rows), edges=edges.tolist())  # ten times as fast as from an array
    igraph.set_random_number_generator(random.Random(seed))
    try:
        found = graph.community_leiden(objective_function="modularity", weights=weights, resolution=resolution)
    finally:
        igraph.set_random_number_generator(random)  # igraph's own default
    return by_size(np.asarray(found.membership))


def by_size(labels: Int64[np.ndarray, " n"]) -> Labels:
    """The same groups numbered by size, largest first, ties by first row; negative labels become -1."""
    assigned = labels >= 0
    _, first, group, count = np.unique(labels[assigned], return_index=True, return_inverse=True, return_counts=True)
    number = np.empty(len(count), np.int64)
    number[np.lexsort((first, -count))] = np.arange(len(count))
    renumbered = np.full(len(labels), -1, np.int64)
    renumbered[assigned] = number[group]
    return renumbered


def sizes(labels: Labels) -> Int64[np.ndarray, " c"]:
    """Rows in each cluster, noise left out."""
    return np.bincount(labels[labels >= 0]).astype(np.int64)


def medoids(vectors: Vectors, labels: Numbers, *, count: int = 5) -> Rows:
    """The most typical rows of each cluster: nearest to its mean direction, nearest first.

    Returns (c count) int64, -1 where a cluster has fewer. Raises ``InputError`` where labels and vectors differ in length.
    """
    own, _ = _to_means(vectors, labels)
    return _first_of_each(labels, -own, count)


def borderline(vectors: Vectors, labels: Numbers, *, count: int = 5) -> Rows:
    """The rows of each cluster that are nearest to another one: smallest difference of cosines to their own and the next mean.

    Returns (c count) int64, -1 where a cluster has fewer and where there is only one cluster. Raises ``InputError`` where
    labels and vectors differ in length.
    """
    own, other = _to_means(vectors, labels)
    if labels.max(initial=-1) < 1:
        return np.full((labels.max(initial=-1) + 1, count), -1, np.int64)
    return _first_of_each(labels, own - other, count)


def composition(labels: Labels, values: Values) -> pd.DataFrame:
    """How many rows of each cluster (index, with -1) have each value (columns); rows without a value are left out."""
    labels, values, _ = _known(labels, values)
    return pd.crosstab(pd.Series(labels, name="cluster"), pd.Series(values, name="value"))


def purity(labels: Labels, values: Values) -> Purity:
    """Purity of the clusters against a column (Manning, Raghavan & Schuetze 2008, section 16.3)."""
    known_labels, known, missing = _known(labels, values)
    table = composition(known_labels, known).drop(index=-1, errors="ignore").reindex(range(labels.max(initial=-1) + 1), fill_value=0)
    counts = table.to_numpy()
    best, total = counts.max(1, initial=0), counts.sum(1)
    share = np.divide(best, total, out=np.full(len(total), np.nan), where=total > 0)
    commonest: list[object] = [None] * len(table)
    for cluster in np.flatnonzero(total):
        commonest[cluster] = table.columns[counts[cluster].argmax()]
    overall = float(best.sum() / total.sum()) if total.sum() else float("nan")
    return Purity(overall, share.astype(np.float32), commonest, missing, int((known_labels < 0).sum()))


def ari(labels: Labels, values: Values) -> float:
    """Adjusted Rand index (Hubert & Arabie 1985) over the rows that have a value: 0 by chance, 1 the same groups. Noise is one group."""
    from sklearn.metrics import adjusted_rand_score

    labels, values, _ = _known(labels, values)
    return float(adjusted_rand_score(values, labels))


def nmi(labels: Labels, values: Values) -> float:
    """Normalised mutual information (arithmetic mean) over the rows that have a value. Noise is one group."""
    from sklearn.metrics import normalized_mutual_info_score

    labels, values, _ = _known(labels, values)
    return float(normalized_mutual_info_score(values, labels))


def _shared_neighbour_edges(rows: Rows) -> tuple[Int64[np.ndarray, "e 2"], Float[np.ndarray, " e"]]:
    """The edges of the symmetrised graph with the Jaccard overlap of the two neighbourhoods; each row is in its own neighbourhood."""
    from scipy.sparse import csr_array, eye_array, triu

    n, present = len(rows), rows >= 0
    line = np.repeat(np.arange(n), present.sum(1))
    near = csr_array((np.ones(len(line), np.float32), (line, rows[present])), shape=(n, n)) + eye_array(n, dtype=np.float32, format="csr")
    joined = triu(near + near.T, k=1).tocoo()
    a, b = joined.coords
    shared = np.asarray(near[a].multiply(near[b]).sum(1)).ravel()
    degree = present.sum(1) + 1
    return np.column_stack([a, b]).astype(np.int64), (shared / (degree[a] + degree[b] - shared)).astype(np.float64)


def _to_means(vectors: Vectors, labels: Numbers) -> tuple[Float32[np.ndarray, " n"], Float32[np.ndarray, " n"]]:
    """Cosine of every row to the mean direction of its cluster, and to the best of the other clusters; -inf where there is none."""
    _same_length(labels, vectors, "vectors")
    x = unit(vectors)
    n_clusters = int(labels.max(initial=-1)) + 1
    means = np.zeros((n_clusters, x.shape[1]), np.float32)
    for c in range(n_clusters):
        means[c] = x[labels == c].mean(0)
    cosine = x @ unit(means).T
    inside = np.flatnonzero(labels >= 0)
    own, other = np.full((2, len(x)), -np.inf, np.float32)
    own[inside] = cosine[inside, labels[inside]]
    cosine[inside, labels[inside]] = -np.inf
    if n_clusters > 1:
        other = cosine.max(1)
    return own, other


def _first_of_each(labels: Labels, order: Float32[np.ndarray, " n"], count: int) -> Rows:
    """The ``count`` rows of every cluster with the smallest ``order``, -1 where there are fewer."""
    chosen = np.full((int(labels.max(initial=-1)) + 1, count), -1, np.int64)
    for c in range(len(chosen)):
        rows = np.flatnonzero(labels == c)
        rows = rows[np.argsort(order[rows], kind="stable")][:count]
        chosen[c, : len(rows)] = rows
    return chosen


def _known(labels: Labels, values: Values) -> tuple[Int64[np.ndarray, " known"], Shaped[np.ndarray, " known"], int]:
    """Labels and values of the rows that have a value, and how many have none."""
    _same_length(labels, values, "values")
    known = ~np.asarray(pd.isna(values))
    return labels[known], values[known], int((~known).sum())


def _same_length(labels: Numbers, others: Shaped[np.ndarray, "m ..."], what: str) -> None:
    if len(labels) != len(others):
        raise InputError(f"There are {counted(len(labels), 'cluster label')} and {len(others)} {what}; pass one of each per row.")
