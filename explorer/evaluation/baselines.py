"""Baselines of a score: a colour histogram, and chance."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from ..types import Image

N_COLOURS = 512


def colour_histogram(image: Image) -> Float32[np.ndarray, " 512"]:
    """Square roots of the shares of 8 x 8 x 8 RGB colours: a vector of length 1 that contains colour only, no shape.

    The cosine of two such vectors is the Bhattacharyya coefficient of their histograms. Colour alone names most classes of
    NCT-CRC-HE (arXiv 2409.11546), so an encoder that scores no higher has shown nothing.
    """
    level = (image >> 5).astype(np.int64)
    colour = level[..., 0] * 64 + level[..., 1] * 8 + level[..., 2]
    return np.sqrt(np.bincount(colour.ravel(), minlength=N_COLOURS) / colour.size).astype(np.float32)
