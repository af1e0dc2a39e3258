"""The k nearest other rows of every row: computed once per embedding, shared by map, clusters, quality and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int64

from ..cosine import unit
from ..errors import InputError
from ..types import Neighbours, Progress, Queries, Report, Rows, Scores, Vectors, VectorStore, ignore
from .exact import Hits, blocks, in_order, load_faiss, padded, without_self
from .faiss_index import FaissIndex, fill
from .recall import Truth

EXACT_UP_TO = 20_000
"""Rows below which comparing all rows costs less than sorting them into lists."""
SPARE = 8
"""Candidates fetched beyond those needed, so that rounding in single precision decides nothing."""
ROUNDING = 4e-6
"""Error of a cosine in single precision, generously."""
_RESCORED_ROWS = 256
_SCANNED = 1 << 23
"""Cosines held at one time while rows are compared with all candidates."""

Found = tuple[Int64[np.ndarray, " b"], Scores, Rows]
"""Some rows, and the best k + 1 hits of each, itself among them."""


def knn_graph(vectors: Float[np.ndarray, "n d"], *, index: VectorStore, k: int = 30, report: Report = ignore) -> Neighbours:
    """The k nearest other rows of every row of ``vectors``, which are the rows of ``index``.

    Exact up to 20 000 rows of a flat index. Above, the rows of each list of an IVF are compared with those of the lists
    nearest to it, as many as hold the true neighbours of a sample (recall .99, see ``graph_recall``); ``report`` says how
    many. Rows int64 (n k) and scores float32 (n k), nearest first, never the row itself; -1 and -inf at the end where
    there are fewer than k other rows. Except for ``ivf-refine`` the cosines are computed again in double precision before
    they are ordered, so threads and processor do not change the result (above 20 000 rows they may change the lists).
    Raises ``InputError`` when the vectors do not fit the index or k is not positive.
    """
    if vectors.shape != (index.n, index.dim):
        raise InputError(
            f"The vectors are {vectors.shape} and the index {(index.n, index.dim)}; give the vectors the index was built from."
        )
    if k < 1:
        raise InputError(f"Asked for the {k} nearest rows; ask for at least 1.")
    found: Iterator[Found]
    if index.kind == "ivf-refine":
        found = ((own, *index.search(vectors[own], k + 1)) for own in blocks(np.arange(index.n), 4096))
    elif compares_all(index.kind, index.n):
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


def compares_all(kind: str, n: int) -> bool:
    """True if the graph over a store of that kind compares all pairs of rows, so that it is the same on every machine."""
    return kind not in ("ivf", "ivf-refine") and n <= EXACT_UP_TO


def _by_search(vectors: Float[np.ndarray, "n d"], index: VectorStore, k: int) -> Iterator[Found]:
    directions, numbers = unit(vectors), np.arange(index.n)
    for own in blocks(numbers, 4096):
        found = index.search(directions[own], min(k + SPARE, index.n))
        yield own, *_ordered(directions[own], directions, numbers, found, k)


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
        found = faiss.knn(members, candidates, min(k + SPARE, len(numbers)), metric=faiss.METRIC_INNER_PRODUCT)
        yield own, *_ordered(members, candidates, numbers, found, k)


def _ordered(queries: Queries, candidates: Vectors, numbers: Int64[np.ndarray, " n"], found: tuple[Scores, Rows], k: int) -> Hits:
    """The k best of ``found`` (cosines in single precision, positions in ``candidates``) by exact cosines, equal ones by row number.

    Where candidates that were not fetched may be as near as the last one, the query is compared with all of them.
    """
    rough, at = found
    exact = np.concatenate([_cosines(queries[part], candidates[at[part]]) for part in blocks(np.arange(len(queries)), _RESCORED_ROWS)])
    scores, rows = (part[:, :k] for part in in_order(exact, numbers[at]))
    if at.shape[1] < len(numbers) and len(queries):
        unsure = scores[:, -1] <= rough.min(axis=1) + ROUNDING
        distinct, which = np.unique(queries[unsure], axis=0, return_inverse=True)  # copies of one picture need one look
        settled = _scan(distinct, candidates, numbers, k)
        scores[unsure], rows[unsure] = settled[0][which], settled[1][which]
    return scores, rows


def _cosines(queries: Queries, candidates: Float32[np.ndarray, "q c d"]) -> Scores:
    """Inner products summed in double precision in a fixed order (einsum, not BLAS), rounded once."""
    products: Scores = np.einsum("qd,qcd->qc", queries.astype(np.float64), candidates.astype(np.float64)).astype(np.float32)
    return products


def _scan(queries: Queries, candidates: Vectors, numbers: Int64[np.ndarray, " n"], k: int) -> Hits:
    """The k best of all candidates for each query, by cosines in double precision."""
    best = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
    for some in blocks(np.arange(len(queries)), max(1, _SCANNED // len(numbers))):
        exact = [
            (queries[some].astype(np.float64) @ candidates[part].T.astype(np.float64)) for part in blocks(np.arange(len(numbers)), 8192)
        ]
        scores, rows = in_order(np.hstack(exact).astype(np.float32), np.broadcast_to(numbers, (len(some), len(numbers))))
        best[0][some], best[1][some] = scores[:, :k], rows[:, :k]
    return best


def _rows_of(raw: Any, of_list: int) -> tuple[Int64[np.ndarray, " b"], Vectors]:
    """Row numbers and vectors of one list of an IVF Flat index, as they lie in memory."""
    view, lists = load_faiss().rev_swig_ptr, raw.invlists
    size = lists.list_size(of_list)
    codes = view(lists.get_codes(of_list), size * raw.code_size)
    return view(lists.get_ids(of_list), size), codes.view(np.float32).reshape(size, raw.d)
