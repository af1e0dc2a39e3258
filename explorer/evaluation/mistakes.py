"""Examples of misclassified rows: a few of every confusion, those with the highest confidence first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from .inputs import Codes

MOST = 24


@dataclass(frozen=True, slots=True)
class Mistake:
    """A misclassified row."""

    row: int
    """Its number among the rows that were given (the test rows, where there are parts)."""
    truth: str
    named: str
    """The class it was taken for; empty where nothing was found."""
    share: float
    """Share of the votes (or runs) for ``named``."""


def mistakes(
    truth: Codes, named: Codes, *, share: Float64[np.ndarray, " n"], rows: Codes, classes: tuple[str, ...], most: int = MOST
) -> tuple[Mistake, ...]:
    """At most ``most`` rows whose ``named`` class (-1 for none) is not their own.

    Of each confusion (true class, named class) the surest one comes first, then the next of each, so that rare confusions
    are seen beside common ones; common ones lead. Ties go to the row that was given first.
    """
    wrong = np.flatnonzero(truth != named)
    if len(wrong) == 0:
        return ()
    wrong = wrong[np.argsort(-share[wrong], kind="stable")]
    _, kind, size = np.unique(truth[wrong] * (len(classes) + 1) + named[wrong], return_inverse=True, return_counts=True)
    turn = np.empty(len(wrong), np.int64)
    for each in range(len(size)):
        turn[kind == each] = np.arange(size[each])
    chosen = wrong[np.lexsort((-size[kind], turn))[:most]]
    return tuple(Mistake(int(rows[i]), classes[truth[i]], "" if named[i] < 0 else classes[named[i]], float(share[i])) for i in chosen)


def vote_share(labels: np.ndarray, vote: Codes) -> Float64[np.ndarray, " q"]:
    """The share of a query's hits (q, k) that have the class it voted for."""
    return np.asarray((labels == vote[:, None]).mean(axis=1))
