"""The verb ``embed``: one vector per row."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from .. import embed as embedding
from .. import storage
from ..collection import Collection
from ..settings import Settings
from ..storage import Artifact
from ..types import Encoder, Progress, Report, ignore
from .common import waiter
from .vector_reuse import known_vectors

BLOCK_ROWS = 2048


def embed(collection: Collection, *, encoder: Encoder, settings: Settings, report: Report = ignore, kind: str = "embeddings") -> Artifact:
    """Vectors of every row by one encoder; killed runs go on block by block.

    Identical pixels are embedded once, and so are pixels that another collection under the same home has already
    embedded by the same recipe. Raises ``VectorsNotFinite``, or ``InputError`` where a picture has changed since ingest.
    """
    recipe = {"kind": "embedding", "items": collection.record["items_sha256"], "encoder": dict(encoder.recipe)}

    def fill(work: Path) -> Mapping[str, Any]:
        started = time.perf_counter()
        parts = work / storage.PARTS
        first = _first_of_equal(collection.items["sha256"])
        unique = np.unique(first)
        known, vectors = known_vectors(collection, encoder, unique, report=report)
        missing = np.setdiff1d(unique, np.concatenate([known, *_done_rows(parts)]))
        number = len(list(parts.iterdir()))

        def forward(progress: Progress) -> None:
            done = len(unique) - len(missing) + progress.done
            report(Progress("embed", done, len(unique), note=progress.note))

        blocks = embedding.embed(
            collection.image,
            missing.tolist(),
            encoder=encoder,
            block=BLOCK_ROWS,
            batch_size=settings.batch_size,
            threads=settings.threads,
            report=forward,
        )
        for rows, block in blocks:
            _write_block(parts / f"{number:06d}.npz", rows, block)
            number += 1
        _assemble(work / "vectors.npy", first, chain([(known, vectors)], _blocks(parts)), encoder.dim)
        seconds = time.perf_counter() - started
        return {"unique": len(unique), "copied": len(known), "device": encoder.device, "seconds": round(seconds, 3)}

    return collection.make(kind, recipe, fill, waiting=waiter("embed", collection, report))


def _first_of_equal(sha256: Any) -> Any:
    """(n,) the first row with the same pixels as each row."""
    _, first, inverse = np.unique(sha256.to_numpy(dtype=str), return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def _write_block(path: Path, rows: Any, vectors: Any) -> None:
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        np.savez(file, rows=rows, vectors=vectors)
    storage.sync(unfinished)
    unfinished.replace(path)


def _done_rows(parts: Path) -> Iterator[Any]:
    for path in sorted(parts.glob("*.npz")):
        with np.load(path, allow_pickle=False) as block:
            yield block["rows"]


def _blocks(parts: Path) -> Iterator[tuple[Any, Any]]:
    for path in sorted(parts.glob("*.npz")):
        with np.load(path, allow_pickle=False) as block:
            yield block["rows"], block["vectors"]


def _assemble(path: Path, first: Any, blocks: Iterable[tuple[Any, Any]], dim: int) -> None:
    """Put blocks in row order and give equal pictures equal vectors."""
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(len(first), dim))
    for rows, vectors in blocks:
        out[rows] = vectors
    copies = np.flatnonzero(first != np.arange(len(first)))
    for start in range(0, len(copies), BLOCK_ROWS):
        rows = copies[start : start + BLOCK_ROWS]
        out[rows] = out[first[rows]]
    out.flush()
