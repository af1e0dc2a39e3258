"""The verb ``embed``: one vector per row."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int64

from .. import embed as embedding
from .. import storage
from ..collection import Collection
from ..settings import Settings
from ..storage import Artifact
from ..types import Encoder, Progress, Report, ignore
from .common import BLOCK_ROWS, BlockVectors, RowNumbers, embedding_recipe, new_array, read_block, waiter, write_block
from .vector_reuse import BLOCKS, block_digests, known_vectors

FirstRows = Int64[np.ndarray, " n"]
"""Of each row the first row with the same pixels."""


def embed(collection: Collection, *, encoder: Encoder, settings: Settings, report: Report = ignore, kind: str = "embeddings") -> Artifact:
    """Vectors of every row by one encoder; an interrupted run resumes at the first missing block.

    Identical pixels are embedded once, and vectors of pixels that another collection under the same home has embedded by the
    same recipe are reused. Blocks that ``ingest`` wrote while it read the pictures are reused too. Raises ``VectorsNotFinite``,
    ``InputError`` where a picture has changed since ingest, or ``StorageFull``.
    """
    recipe = embedding_recipe(collection.record["items_sha256"], encoder)

    def fill(work: Path) -> Mapping[str, Any]:
        parts = work / storage.PARTS
        for unfinished in parts.glob("*.unfinished"):  # of a run that was killed
            unfinished.unlink()
        first = _first_of_equal(collection.items["sha256"])
        unique = np.unique(first)
        known, vectors = known_vectors(collection, encoder, unique, report=report)
        missing = np.setdiff1d(unique, np.concatenate([known, *(first[block["rows"]] for block in _blocks(parts))]))
        _embed_rows(collection, missing, parts, encoder=encoder, settings=settings, n=len(unique), report=report)
        stored = ((first[block["rows"]], block["vectors"]) for block in _blocks(parts))
        path = work / "vectors.npy"
        try:
            _assemble(path, first, chain([(known, vectors)], stored), encoder.dim)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        np.save(work / BLOCKS, block_digests(np.load(path, mmap_mode="r"), BLOCK_ROWS))
        seconds = sum(float(block.get("seconds", 0)) for block in _blocks(parts))
        facts = {"unique": len(unique), "copied": len(known), "device": encoder.device, "seconds": round(seconds, 3)}
        return facts | {"block_rows": BLOCK_ROWS}

    return collection.make(kind, recipe, fill, waiting=waiter("embed", collection, report))


def _embed_rows(
    collection: Collection, rows: RowNumbers, parts: Path, *, encoder: Encoder, settings: Settings, n: int, report: Report
) -> None:
    """Embed ``rows`` and write their vectors block by block into ``parts``."""

    def forward(progress: Progress) -> None:
        report(Progress("embed", n - len(rows) + progress.done, n, note=progress.note))

    number = 1 + max((int(path.stem) for path in parts.glob("*.npz")), default=-1)
    blocks = embedding.embed(
        collection.image,
        rows,
        encoder=encoder,
        block=BLOCK_ROWS,
        batch_size=settings.batch_size,
        threads=settings.threads,
        report=forward,
    )
    started = time.perf_counter()
    for block_rows, vectors in blocks:
        write_block(parts / f"{number:06d}.npz", block_rows, vectors, seconds=time.perf_counter() - started)
        number += 1
        started = time.perf_counter()


def _first_of_equal(sha256: pd.Series[str]) -> FirstRows:
    _, first, inverse = np.unique(sha256.to_numpy(dtype=str), return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def _blocks(parts: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(parts.glob("*.npz")):
        yield read_block(path)


def _assemble(path: Path, first: FirstRows, blocks: Iterable[tuple[RowNumbers, BlockVectors]], dim: int) -> None:
    """Put blocks in row order and give equal pictures equal vectors."""
    out = new_array(path, (len(first), dim))
    for rows, vectors in blocks:
        out[rows] = vectors
    copies = np.flatnonzero(first != np.arange(len(first)))
    for start in range(0, len(copies), BLOCK_ROWS):
        rows = copies[start : start + BLOCK_ROWS]
        out[rows] = out[first[rows]]
    out.flush()  # type: ignore[attr-defined]
