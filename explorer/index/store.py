"""Vector stores: the only module that chooses an engine. All engines satisfy ``types.VectorStore``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from jaxtyping import Float

from ..errors import ArtifactDamaged
from ..types import Report, VectorStore, ignore
from .exact import load_faiss
from .faiss_index import FILE, FaissIndex, build_index

_reading = Lock()  # the limit is one for the whole process


def build_store(
    vectors: Float[np.ndarray, "n d"], *, kind: str = "auto", seed: int = 0, device: str = "auto", report: Report = ignore
) -> VectorStore:
    """A store for cosine search over ``vectors``. Raises what ``build_index`` raises."""
    return build_index(vectors, kind=kind, seed=seed, device=device, report=report)


def open_store(folder: Path, settings: Mapping[str, Any], *, device: str = "auto") -> VectorStore:
    """The store that ``VectorStore.save`` wrote into ``folder``, with the ``settings`` it had.

    FAISS may allocate no more for one array than the file has bytes. Raises ``ArtifactDamaged``.
    """
    faiss, path = load_faiss(), folder / FILE
    with _reading:
        bounded = hasattr(faiss, "set_deserialization_vector_byte_limit")  # FAISS 1.14 and later
        limit = faiss.get_deserialization_vector_byte_limit() if bounded else 0
        if bounded:
            faiss.set_deserialization_vector_byte_limit(path.stat().st_size)
        try:
            raw = faiss.read_index(str(path))
        except (RuntimeError, MemoryError) as error:
            raise ArtifactDamaged(f"{path} is damaged and cannot be read; delete its folder and run 'explorer index' again.") from error
        finally:
            if bounded:
                faiss.set_deserialization_vector_byte_limit(limit)
    return FaissIndex(raw, settings, device=device)
