"""Vector stores: the only module that chooses an engine. All engines satisfy ``types.VectorStore``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ..types import Report, VectorStore, ignore
from .exact import load_faiss
from .faiss_index import FILE, FaissIndex, build_index


def build_store(
    vectors: Float[np.ndarray, "n d"], *, kind: str = "auto", seed: int = 0, device: str = "auto", report: Report = ignore
) -> VectorStore:
    """A store for cosine search over ``vectors``. Raises what ``build_index`` raises."""
    return build_index(vectors, kind=kind, seed=seed, device=device, report=report)


def open_store(folder: Path, settings: Mapping[str, Any], *, device: str = "auto") -> VectorStore:
    """The store that ``VectorStore.save`` wrote into ``folder``, with the ``settings`` it had."""
    return FaissIndex(load_faiss().read_index(str(folder / FILE)), settings, device=device)
