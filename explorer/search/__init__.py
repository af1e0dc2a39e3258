"""Searching a collection: what is asked, what may answer, and the hits."""

from .hits import (
    BOUNDS,
    DISLIKED_WEIGHT,
    INTERNAL,
    LIKED_WEIGHT,
    Hit,
    Marked,
    SearchResult,
    allowed_rows,
    find_hits,
    make_hit,
    mean_direction,
    plain,
    refine,
)

__all__ = [
    "BOUNDS",
    "DISLIKED_WEIGHT",
    "INTERNAL",
    "LIKED_WEIGHT",
    "Hit",
    "Marked",
    "SearchResult",
    "allowed_rows",
    "find_hits",
    "make_hit",
    "mean_direction",
    "plain",
    "refine",
]
