"""Vectors that need no computing, because another collection already holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..collection import Collection, list_collections


def known_vectors(collection: Collection, recipe: Mapping[str, Any], rows: Any) -> tuple[Any, Any]:
    """Of ``rows`` (m,) int64 those whose pixels a collection under the same home has embedded by the same encoder recipe.

    Returns them as (j,) int64 and their vectors as (j d) float32.
    """
    wanted = dict(zip(collection.items["sha256"].iloc[rows], rows.tolist(), strict=True))
    found_rows: list[int] = []
    found: list[Any] = []
    for other in list_collections(collection.path.parent):
        if other.name == collection.name or not wanted:
            continue
        for embedding in other.artifacts("embeddings", encoder=dict(recipe)):
            theirs = [(row, sha) for row, sha in enumerate(other.items["sha256"]) if sha in wanted]
            if theirs:
                vectors = np.load(embedding.path / "vectors.npy", mmap_mode="r", allow_pickle=False)
                found.append(np.array(vectors[[row for row, _ in theirs]]))
                found_rows += [wanted.pop(sha, -1) for _, sha in theirs]
    if not found:
        return np.empty(0, np.int64), np.empty((0, 0), np.float32)
    at = np.array(found_rows, dtype=np.int64)
    return at[at >= 0], np.concatenate(found)[at >= 0]
