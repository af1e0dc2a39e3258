"""Vectors that need no computing, because another collection already holds them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import storage
from ..collection import Collection, list_collections
from ..types import Encoder, Progress, Report, ignore


def known_vectors(collection: Collection, encoder: Encoder, rows: Any, *, report: Report = ignore) -> tuple[Any, Any]:
    """Of ``rows`` (m,) int64 those whose pixels a collection under the same home has embedded by the same recipe.

    A damaged embedding gives nothing, which ``report`` is told. Returns them as (j,) int64 and their vectors as (j d) float32.
    """
    wanted = dict(zip(collection.items["sha256"].iloc[rows], rows.tolist(), strict=True))
    found_rows: list[int] = []
    found: list[Any] = []
    for other in list_collections(collection.path.parent):
        if other.name == collection.name or not wanted:
            continue
        for embedding in other.artifacts("embeddings", encoder=dict(encoder.recipe)):
            if faults := storage.verify(embedding):
                report(Progress("embed", 0, len(rows), note=f"nothing is copied from {other.name!r}: {faults[0]}"))
                continue
            theirs = [(row, sha) for row, sha in enumerate(other.items["sha256"]) if sha in wanted]
            if theirs:
                stored = np.load(storage.file(embedding, "vectors.npy"), mmap_mode="r", allow_pickle=False)
                found.append(np.array(stored[[row for row, _ in theirs]]))
                found_rows += [wanted.pop(sha, -1) for _, sha in theirs]
    at = np.array(found_rows, dtype=np.int64)
    vectors = np.concatenate([np.empty((0, encoder.dim), np.float32), *found])
    return at[at >= 0], vectors[at >= 0]
