"""Intervals for scores: the bootstrap over patients."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float64, Int64
from pydantic import BeforeValidator

Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A number that may be unknown: NaN here, null in JSON."""
N_RESAMPLES = 1000
LEVEL = 0.95

Statistic = Callable[[Float64[np.ndarray, "r m"]], Float64[np.ndarray, "r s"]]
"""A function from the sums of each resample to its scores."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score with its 95 % interval; NaN where it is unknown."""

    value: Number
    low: Number = math.nan
    high: Number = math.nan

    @property
    def known(self) -> bool:
        """Whether there is a score."""
        return not math.isnan(self.value)

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval too."""
        return not math.isnan(self.low)

    def __str__(self) -> str:
        return f"{self.value:.3f} ({'interval not known' if not self.has_interval else f'{self.low:.3f} to {self.high:.3f}'})"


def group_sums(groups: Int64[np.ndarray, " n"], columns: Int64[np.ndarray, " p"], values: np.ndarray, *, n_columns: int) -> Any:
    """Sums within each group, as a sparse (n_groups, n_columns) matrix.

    ``columns`` and ``values`` hold p / n entries per row, one whole pass over the rows after the other.
    """
    from scipy.sparse import csr_array

    rows = np.tile(groups, len(columns) // len(groups))
    sums = csr_array((values.astype(np.float64), (rows, columns)), shape=(int(groups.max()) + 1, n_columns))
    sums.sum_duplicates()
    return sums


def bootstrap(sums: Any, statistic: Statistic, *, n_resamples: int = N_RESAMPLES, seed: int = 0) -> list[Estimate]:
    """The scores of all groups together, with percentile intervals from drawing whole groups with replacement.

    Queries of one patient are not independent, so patients are drawn, not queries (the cluster bootstrap).
    ``sums`` is a (groups, m) matrix, sparse or dense, of everything the statistic adds up; the same draws serve every score.
    A score that a draw cannot give (a class is not in it) is left out of that score's interval. One group alone says nothing
    of others, so its interval is not known.
    """
    n_groups = sums.shape[0]
    rng = np.random.default_rng(seed)
    draws = []
    for start in range(0, n_resamples, 100):
        n = min(100, n_resamples - start)
        picked = rng.integers(0, n_groups, (n, n_groups)) + n_groups * np.arange(n)[:, None]
        weights = np.bincount(picked.ravel(), minlength=n * n_groups).reshape(n, n_groups).astype(np.float64)
        draws.append(statistic((sums.T @ weights.T).T))
    values = statistic(np.asarray(sums.sum(axis=0), np.float64).reshape(1, -1))[0]
    if n_groups == 1:
        return [Estimate(float(v), math.nan, math.nan) for v in values]
    tail = 50 * (1 - LEVEL)
    return [Estimate(float(v), *_percentiles(d, tail)) for v, d in zip(values, np.concatenate(draws).T, strict=True)]


def mutual_factor(asking: Int64[np.ndarray, " q"], answering: Int64[np.ndarray, "q k"]) -> float:
    """Factor by which an interval over groups is widened where groups find each other: sqrt(1 + share of mutual findings).

    ``asking`` is the group of each query, ``answering`` the group of each hit, -1 for none. If rows of A find rows of B and
    rows of B find rows of A, this is one finding that a score counts twice, while the bootstrap treats the queries of A and B
    as independent. The variance of a mean over pairs grows by exactly this share, that of a vote by at most as much.
    """
    from scipy.sparse import csr_array

    found = answering >= 0
    pairs = (np.broadcast_to(asking[:, None], found.shape)[found], answering[found])
    n = 1 + max(int(asking.max()), int(answering.max()))
    counts = csr_array((np.ones(len(pairs[0])), pairs), shape=(n, n))
    return math.sqrt(1 + counts.minimum(counts.T).sum() / max(1.0, counts.sum()))


def widened(estimate: Estimate, factor: float) -> Estimate:
    """A share with its interval widened by this factor, limited to 0 to 1."""
    low, high = (estimate.value + factor * (end - estimate.value) for end in (estimate.low, estimate.high))
    return Estimate(estimate.value, float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1)))


def _percentiles(draws: np.ndarray, tail: float) -> tuple[float, float]:
    known = draws[np.isfinite(draws)]
    if len(known) == 0:
        return math.nan, math.nan
    low, high = np.percentile(known, [tail, 100 - tail])
    return float(low), float(high)
