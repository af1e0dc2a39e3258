"""Agreement of two encoders on nearest neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from ..errors import InputError
from ..types import Neighbours
from ..wording import counted
from .inputs import Codes, Values, column
from .intervals import N_RESAMPLES, Estimate, bootstrap, group_sums
from .reports import Report


@dataclass(frozen=True)
class OverlapReport(Report):
    """How far two encoders agree on nearest neighbours."""

    mean: Estimate
    """Mean share of the k nearest neighbours that both name; the interval draws groups (rows where there are none)."""
    chance: float
    """The same for neighbours drawn at random."""
    counts: Int64[np.ndarray, " k1"]
    """How many rows share 0, 1, ... k neighbours."""
    per_row: Float32[np.ndarray, " n"]
    """The share for each row, 0 to 1."""
    n: int
    n_groups: int
    """Groups the interval draws; 0 where rows were drawn."""
    sentence: str
    protocol: Mapping[str, Any]


def neighbour_overlap(a: Neighbours, b: Neighbours, *, k: int = 10) -> Float32[np.ndarray, " n"]:
    """For each row the share, 0 to 1, of its k nearest neighbours that both encoders name; chance is about k / n.

    Both graphs are of the same collection, (n, K >= k), nearest first; -1 entries are no neighbour.
    Raises ``InputError`` for graphs of different collections or with fewer than k neighbours.
    """
    if len(a.rows) != len(b.rows):
        raise InputError(
            f"One graph has {counted(len(a.rows), 'row')} and the other {len(b.rows)}; compare encoders on the same collection."
        )
    if not 1 <= k <= min(a.rows.shape[1], b.rows.shape[1]):
        raise InputError(f"k is {k}, but the graphs hold {a.rows.shape[1]} and {b.rows.shape[1]} neighbours; pass a k within both.")
    mine, other = a.rows[:, :k], b.rows[:, :k]
    shared = np.zeros(len(mine), np.int64)
    for place in range(k):
        shared += (mine[:, place] >= 0) & (mine[:, place, None] == other).any(axis=1)
    return (shared / k).astype(np.float32)


def encoder_overlap(
    a: Neighbours, b: Neighbours, *, k: int = 10, groups: Values | None = None, group_name: str = "patient", seed: int = 0
) -> OverlapReport:
    """``neighbour_overlap`` of every row, its mean with a 95 % interval, and its distribution.

    ``groups`` is the patient (or slide) of each row: rows of one patient are not independent, so the interval draws patients.
    A row without one stands alone. Raises ``InputError`` as ``neighbour_overlap`` does, and for no rows.
    """
    per_row = neighbour_overlap(a, b, k=k)
    n = len(per_row)
    if n < 2:
        raise InputError(f"There is {n} row, so nothing has neighbours to compare; choose a collection with more rows.")
    codes = np.arange(n) if groups is None else _standing_alone(column(groups, name=group_name, n=n).codes)
    shared = np.rint(per_row * k).astype(np.int64)
    sums = group_sums(codes, np.repeat([0, 1], n), np.concatenate([shared / k, np.ones(n)]), n_columns=2)
    (mean,) = bootstrap(sums, lambda added: added[:, :1] / added[:, 1:], seed=seed)
    chance = k / (n - 1)
    return OverlapReport(
        mean=mean,
        chance=chance,
        counts=np.bincount(shared, minlength=k + 1),
        per_row=per_row,
        n=n,
        n_groups=0 if groups is None else int(codes.max()) + 1,
        sentence=f"Of the {k} nearest neighbours of a patch, {k * mean.value:.1f} are the same in both; by chance it would be "
        f"{k * chance:.1f}.",
        protocol={
            "k": k,
            "metric": "cosine",
            "neighbours": "all other rows",
            "interval": f"95 % bootstrap over {group_name + 's' if groups is not None else 'rows'}, {N_RESAMPLES} resamples",
            "seed": seed,
        },
    )


def _standing_alone(codes: Codes) -> Codes:
    """Group numbers in which each row without a group is a group of its own."""
    alone = codes < 0
    return np.where(alone, codes.max() + np.cumsum(alone), codes)
