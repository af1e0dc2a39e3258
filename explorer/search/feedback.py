"""Query vectors combined from several vectors: means, and relevance feedback."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from ..cosine import unit
from ..types import Queries, Vectors

Marked = Float32[np.ndarray, "_ d"]
"""Vectors of marked patches; may be empty."""
MORE_LIKE_WEIGHT = 0.75
UNLIKE_WEIGHT = 0.15


def mean_direction(vectors: Vectors) -> Queries:
    """(n d) -> (1 d): the mean of the unit vectors, so that each row weighs the same whatever its length."""
    mean: Queries = unit(vectors).mean(0, keepdims=True, dtype=np.float32)
    return mean


def refine(query: Queries, *, more_like: Marked, unlike: Marked) -> Queries:
    """The query (1 d) moved towards vectors (p d) of wanted patches and away from those (m d) of unwanted ones.

    Rocchio's relevance feedback (Rocchio 1971; Manning, Raghavan & Schuetze 2008, section 9.1.1, with its usual weights)
    on unit vectors. Either may be empty.
    """
    moved = unit(query)
    if len(more_like):
        moved = moved + MORE_LIKE_WEIGHT * mean_direction(more_like)
    if len(unlike):
        moved = moved - UNLIKE_WEIGHT * mean_direction(unlike)
    return moved
