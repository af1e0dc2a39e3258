"""Functions of the verbs that make artifacts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from ..collection import Collection
from ..errors import InputError
from ..types import Encoder, Progress, Report

BLOCK_ROWS = 2048
"""Number of rows that are embedded, checked and written together."""
RowNumbers = Int64[np.ndarray, " rows"]
BlockVectors = Float32[np.ndarray, "rows d"]


def check_method(what: str, method: str, methods: tuple[str, ...]) -> None:
    """Raises ``InputError`` for a method that is not one of ``methods``."""
    if method not in methods:
        raise InputError(f"There is no {what} method {method!r}; choose one of {', '.join(methods)}.")


def waiter(verb: str, collection: Collection, report: Report) -> Callable[[], None]:
    """A function that tells ``report`` that another process holds the lock of the same artifact."""
    return lambda: report(Progress(verb, 0, note=f"another process is doing this for {collection.name!r}; waiting for it"))


def embedding_recipe(items_sha256: str, encoder: Encoder) -> dict[str, Any]:
    """The recipe that determines the vectors of a collection; its fingerprint is the key of the embedding."""
    return {"kind": "embedding", "items": items_sha256, "encoder": dict(encoder.recipe)}


def new_array(path: Path, shape: tuple[int, int]) -> BlockVectors:
    """A float32 array in a new .npy file, mapped into memory; its space is reserved first.

    Without that a full disk would kill the process (SIGBUS) at some later write. Raises ``OSError`` where there is no room,
    and leaves no file then.
    """
    array: BlockVectors = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    try:
        if hasattr(os, "posix_fallocate"):
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return array


def write_block(path: Path, rows: RowNumbers, vectors: BlockVectors, *, seconds: float) -> None:
    """Write one block of vectors and the seconds it took, complete or not at all. Raises ``OSError``."""
    unfinished = path.with_suffix(".unfinished")
    try:
        with unfinished.open("wb") as file:
            np.savez(file, rows=rows, vectors=vectors, seconds=np.float64(seconds))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    unfinished.replace(path)


def read_block(path: Path) -> Mapping[str, Any]:
    """``rows`` (rows,) int64 and ``vectors`` (rows d) float32 of a block, and ``seconds`` where it was written with them."""
    with np.load(path, allow_pickle=False) as block:
        return {name: block[name] for name in block.files}
