"""The k nearest other rows of every row: computed once per embedding, shared by map, clusters, quality and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from ..errors import InputError
from ..types import Neighbours, Progress, Report, Rows, Scores, Vectors, VectorStore, ignore
from .exact import blocks, in_order, load_faiss, padded, without_self
from .faiss_index import FaissIndex, fill
from .recall import Truth

EXACT_UP_TO = 20_000
"""Rows below which comparing all rows costs less than sorting them into lists."""

Found = tuple[Int64[np.ndarray, " b"], Scores, Rows]
"""Some rows, and the best k + 1 hits of each, itself among them."""


def knn_graph(vectors: Float[np.ndarray, "n d"], *, index: VectorStore, k: int = 30, report: Report = ignore) -> Neighbours:
    """The k nearest other rows of every row of ``vectors``, which are the rows of ``index``.

    Exact up to 20 000 rows of a flat index. Above, the rows of each list of an IVF are compared with those of the lists
    nearest to it, as many as hold the true neighbours of a sample (recall .99, see ``graph_recall``); ``report`` says how
    many. Rows int64 (n k) and scores float32 (n k), nearest first, never the row itself; -1 and -inf at the end where
    there are fewer than k other rows. Raises ``InputError`` when the vectors do not fit the index or k is not positive.
    """
    if vectors.shape != (index.n, index.dim):
        raise InputError(
            f"The vectors are {vectors.shape} and the index {(index.n, index.dim)}; give the vectors the index was built from."
        )
    if k < 1:
        raise InputError(f"Asked for the {k} nearest rows; ask for at least 1.")
    if index.kind == "ivf-refine" or (index.kind != "ivf" and index.n <= EXACT_UP_TO):
        found = _by_search(vectors, index, k + 1)
    else:
        lists = index.raw if isinstance(index, FaissIndex) and index.kind == "ivf" else fill(vectors, kind="ivf", seed=0)
        found = _by_lists(vectors, lists, k + 1, report)
    graph = Neighbours(np.full((index.n, k), -1, np.int64), np.full((index.n, k), -np.inf, np.float32))
    done = 0
    for own, scores, rows in found:
        graph.scores[own], graph.rows[own] = without_self(*padded(*in_order(scores, rows), k + 1), own)
        done += len(own)
        report(Progress("graph", done, index.n, unit="rows"))
    return graph


def _by_search(vectors: Float[np.ndarray, "n d"], index: VectorStore, k: int) -> Iterator[Found]:
    for own in blocks(np.arange(index.n), 4096):
        yield own, *index.search(vectors[own], k)


def _by_lists(vectors: Float[np.ndarray, "n d"], raw: Any, k: int, report: Report) -> Iterator[Found]:
    """All rows of a list against all rows of the lists nearest to it: a few matrix products instead of one scan per row."""
    faiss = load_faiss()
    centroids = raw.quantizer.reconstruct_n(0, raw.nlist)
    likeness = centroids @ centroids.T
    truth = Truth.of_sample(vectors, k=k - 1)
    nprobe = truth.lists_needed(vectors, raw.quantizer, likeness[raw.quantizer.assign(truth.queries, 1)[:, 0]])
    report(Progress("graph", 0, raw.ntotal, unit="rows", note=f"each of {raw.nlist} lists is compared with the {nprobe} nearest"))
    sizes = np.array([raw.invlists.list_size(i) for i in range(raw.nlist)])
    for own_list in np.flatnonzero(sizes).tolist():
        near = np.argsort(-likeness[own_list], kind="stable")
        enough = int(np.searchsorted(np.cumsum(sizes[near]), min(k, raw.ntotal))) + 1
        parts = [_rows_of(raw, i) for i in near[: max(nprobe, enough)].tolist() if sizes[i]]
        numbers, candidates = (np.concatenate(part) for part in zip(*parts, strict=True))
        own, members = _rows_of(raw, own_list)
        scores, at = faiss.knn(members, candidates, min(k, len(numbers)), metric=faiss.METRIC_INNER_PRODUCT)
        yield own, scores, numbers[at]


def _rows_of(raw: Any, of_list: int) -> tuple[Int64[np.ndarray, " b"], Vectors]:
    """Row numbers and vectors of one list of an IVF Flat index, as they lie in memory."""
    view, lists = load_faiss().rev_swig_ptr, raw.invlists
    size = lists.list_size(of_list)
    codes = view(lists.get_codes(of_list), size * raw.code_size)
    return view(lists.get_ids(of_list), size), codes.view(np.float32).reshape(size, raw.d)
