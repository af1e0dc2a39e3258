"""Unit vectors for cosine similarity, which is the only similarity used in this program."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .errors import VectorsNotFinite
from .types import Vectors


def unit(vectors: Float[np.ndarray, "n d"]) -> Vectors:
    """Rows of length 1, float32 and contiguous, so that inner products are cosines. A row of zeros stays zero.

    Raises ``VectorsNotFinite`` naming the first row with NaN or infinity.
    """
    rows = np.array(vectors, dtype=np.float32, order="C")
    norms = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    if not np.isfinite(norms).all():
        bad = int(np.flatnonzero(~np.isfinite(norms))[0])
        raise VectorsNotFinite(f"Row {bad} of the vectors holds NaN or infinity and has no direction; embed it again or leave it out.")
    rows /= np.where(norms > 0, norms, 1)[:, None]
    return rows
