"""Whether two encoders see the same neighbours."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from ..errors import InputError
from ..types import Neighbours


def neighbour_overlap(a: Neighbours, b: Neighbours, *, k: int = 10) -> Float32[np.ndarray, " n"]:
    """For each row the share, 0 to 1, of its k nearest neighbours that both encoders name; chance is about k / n.

    Both graphs are of the same collection, (n, K >= k), nearest first; -1 entries are no neighbour.
    Raises ``InputError`` for graphs of different collections or with fewer than k neighbours.
    """
    if len(a.rows) != len(b.rows):
        raise InputError(f"One graph has {len(a.rows)} rows and the other {len(b.rows)}; compare encoders on the same collection.")
    if not 1 <= k <= min(a.rows.shape[1], b.rows.shape[1]):
        raise InputError(f"k is {k}, but the graphs hold {a.rows.shape[1]} and {b.rows.shape[1]} neighbours; pass a k within both.")
    mine, other = a.rows[:, :k], b.rows[:, :k]
    shared = np.zeros(len(mine), np.int64)
    for place in range(k):
        shared += (mine[:, place] >= 0) & (mine[:, place, None] == other).any(axis=1)
    return (shared / k).astype(np.float32)
