"""Reuse of vectors that another collection already has."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from jaxtyping import Float32, Int64, UInt8

from .. import storage
from ..collection import Collection, list_collections
from ..errors import ArtifactDamaged, ArtifactMissing
from ..storage import Artifact
from ..types import Encoder, Progress, Report, Vectors, ignore
from .common import RowNumbers

BLOCKS = "vectors.blocks.npy"
"""(blocks 32) uint8: the sha256 of every ``block_rows`` (of the record) rows of ``vectors.npy``."""
CopiedRows = Int64[np.ndarray, " copied"]
CopiedVectors = Float32[np.ndarray, "copied d"]


def known_vectors(
    collection: Collection, encoder: Encoder, rows: RowNumbers, *, report: Report = ignore
) -> tuple[CopiedRows, CopiedVectors]:
    """Those of ``rows`` whose pixels a collection under the same home has embedded by the same recipe, and their vectors.

    Only the blocks that are copied from are read and checked against their sha256 (older embeddings without block digests are
    checked completely). A damaged embedding is not used, which ``report`` is told.
    """
    wanted = dict(zip(collection.items["sha256"].iloc[rows], rows.tolist(), strict=True))
    found_rows = [np.empty(0, np.int64)]
    found = [np.empty((0, encoder.dim), np.float32)]
    for other in list_collections(collection.path.parent):
        if other.name == collection.name or not wanted:
            continue
        for artifact in other.artifacts("embeddings", encoder=dict(encoder.recipe)):
            theirs = _first_rows(other.items["sha256"], wanted)
            if not theirs:
                break
            at = np.array(list(theirs.values()), np.int64)
            try:
                vectors = _checked(artifact, at, n=other.n, dim=encoder.dim)
            except (ArtifactDamaged, ArtifactMissing) as damage:
                report(Progress("embed", 0, len(rows), note=f"nothing is copied from {other.name!r}: {damage}"))
                continue
            found_rows.append(np.array([wanted.pop(sha) for sha in theirs], np.int64))
            found.append(vectors)
    return np.concatenate(found_rows), np.concatenate(found)


def block_digests(vectors: Vectors, block_rows: int) -> UInt8[np.ndarray, "blocks 32"]:
    """sha256 of every ``block_rows`` rows, so that a few vectors can be checked without reading all of them."""
    starts = range(0, len(vectors), block_rows)
    digests = [hashlib.sha256(np.ascontiguousarray(vectors[start : start + block_rows]).data).digest() for start in starts]
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)


def known_sha256(collections: list[Collection], encoder: Encoder) -> set[str]:
    """The pixel hashes of all pictures that these collections have embedded by the recipe of ``encoder``."""
    embedded = [c for c in collections if c.artifacts("embeddings", encoder=dict(encoder.recipe))]
    return set().union(*(c.items["sha256"] for c in embedded))


def _first_rows(sha256: pd.Series[str], wanted: dict[str, int]) -> dict[str, int]:
    """The first row of each wanted picture, in row order."""
    theirs: dict[str, int] = {}
    for row, sha in enumerate(sha256):
        if sha in wanted:
            theirs.setdefault(sha, row)
    return theirs


def _checked(artifact: Artifact, rows: CopiedRows, *, n: int, dim: int) -> CopiedVectors:
    """The vectors of ``rows`` (ascending). Raises ``ArtifactDamaged`` or ``ArtifactMissing``."""
    path = storage.file(artifact, "vectors.npy")
    block_rows = int(artifact.meta["measured"].get("block_rows", n))
    if BLOCKS not in artifact.meta["files"]:
        if faults := storage.verify(artifact):
            raise ArtifactDamaged(faults[0])
        digests = None
    else:
        digests_path = storage.file(artifact, BLOCKS)
        if storage.file_sha256(digests_path) != artifact.meta["files"][BLOCKS]["sha256"]:
            raise ArtifactDamaged(f"{digests_path} was changed or is damaged; delete {artifact.path} and run the step again.")
        digests = np.load(digests_path, allow_pickle=False)
    damaged = ArtifactDamaged(f"{path} was changed or is damaged; delete {artifact.path} and run the step again.")
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise damaged from error
    if stored.shape != (n, dim) or stored.dtype != np.float32:
        raise damaged
    out = np.empty((len(rows), dim), np.float32)
    for block in np.unique(rows // block_rows).tolist():
        start = block * block_rows
        vectors = np.array(stored[start : start + block_rows])
        if digests is not None and hashlib.sha256(vectors.data).digest() != digests[block].tobytes():
            raise damaged
        here = rows // block_rows == block
        out[here] = vectors[rows[here] - start]
    if not np.isfinite(out).all():
        raise damaged
    return out
