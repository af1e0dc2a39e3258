"""Scores of ranked hits (hit@k, precision@k, MV@k, mAP@k, macro F1) by class, as sums that a bootstrap can resample."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from ..types import Rows
from .inputs import Codes
from .intervals import group_sums

METRICS = ("hit", "precision", "majority_vote", "average_precision")
"""Scores that are averaged over the queries of a class, then over classes."""
_SUMS = ("n", *METRICS, "voted")
"""Sums for each class: number of queries, the four scores, and how often the class was voted for."""


def majority_vote(labels: Rows) -> Codes:
    """The most frequent class among the hits of a query, (q k) nearest first; where counts tie, the nearest hit decides.

    -1 entries are no hit and do not vote; a query without hits gets -1.
    """
    votes = np.stack([(labels == each[:, None]).sum(axis=1) for each in labels.T], axis=1)  # for the class of each place
    nearest = np.where(labels >= 0, votes, 0).argmax(axis=1)  # the first of the places whose class has most votes
    return np.asarray(labels[np.arange(len(labels)), nearest])


def query_scores(labels: Rows, truth: Codes, relevant: Int64[np.ndarray, " q"], *, k: int) -> dict[str, Any]:
    """Each query's scores at k, and its vote.

    ``labels`` (q, K) are the classes of the hits, nearest first, -1 where there is none; a missing hit counts as a wrong one.
    ``relevant`` is how many rows a query could have found. Average precision is divided by min(k, relevant).
    """
    labels = labels[:, :k]
    right = labels == truth[:, None]
    precision_at = np.cumsum(right, axis=1) / np.arange(1, labels.shape[1] + 1)
    vote = majority_vote(labels)
    return {
        "hit": right.any(axis=1).astype(np.float64),
        "precision": right.sum(axis=1) / k,
        "majority_vote": (vote == truth).astype(np.float64),
        "average_precision": (right * precision_at).sum(axis=1) / np.minimum(k, np.maximum(relevant, 1)),
        "vote": vote,
    }


def class_sums(scores: dict[str, Any], truth: Codes, groups: Codes, *, n_classes: int) -> Any:
    """Sparse (n_groups, 6 * n_classes) sums over the queries of each group, in the order of ``_SUMS``."""
    vote, voted = scores["vote"], scores["vote"] >= 0
    columns = [np.where(voted, vote, 0) if name == "voted" else truth for name in _SUMS]
    values = [np.ones(len(truth)), *(scores[name] for name in METRICS), voted.astype(np.float64)]
    return group_sums(
        groups,
        np.concatenate([i * n_classes + column for i, column in enumerate(columns)]),
        np.concatenate(values),
        n_columns=len(_SUMS) * n_classes,
    )


def macro(sums: Float64[np.ndarray, "r m"]) -> Float64[np.ndarray, "r s"]:
    """The four means over classes and macro F1, from sums in the order of ``_SUMS``; a class without queries is left out."""
    scores = per_class(sums).reshape(len(sums), len(METRICS) + 1, -1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nanmean(scores, axis=2))


def per_class(sums: Float64[np.ndarray, "r m"]) -> Float64[np.ndarray, "r s"]:
    """The same of each class: five blocks of n_classes columns; NaN where a class has no queries."""
    n, hit, precision, right, average, voted = np.split(sums, len(_SUMS), axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(n > 0, 2 * right / (n + voted), np.nan)
        return np.concatenate([hit / n, precision / n, right / n, average / n, f1], axis=1)


SCORES = (*METRICS, "macro_f1")
"""The names of what ``macro`` returns."""


def labels_of(rows: Rows, codes: Codes) -> Rows:
    """The classes of hit rows, -1 where there is no hit."""
    return np.where(rows >= 0, codes[np.maximum(rows, 0)], -1)


def random_rows(hidden: Int64[np.ndarray, "q 2"], n: int, *, k: int, seed: int) -> Rows:
    """k different rows for each query, drawn uniformly from those outside its hidden range: retrieval by chance."""
    rng = np.random.default_rng(seed)
    width = hidden[:, 1] - hidden[:, 0]
    picked = np.empty((len(hidden), 0), np.int64)
    for taken in range(min(k, n)):
        free = n - width - taken
        row = (rng.random(len(hidden)) * np.maximum(free, 1)).astype(np.int64)
        for earlier in np.sort(picked, axis=1).T:  # count past what is taken already
            row += row >= earlier
        picked = np.column_stack([picked, row])
    rows = picked + np.where(picked >= hidden[:, :1], width[:, None], 0)
    return np.where(np.arange(rows.shape[1]) < (n - width)[:, None], rows, -1)
