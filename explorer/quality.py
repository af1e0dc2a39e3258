"""Rows that need review: near-duplicates, outliers, suspect labels, and blank, blurred or pen-marked pictures.

The first three read the shared neighbour graph; similarity is cosine similarity. Nothing here removes a row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float32, Int16, Int64, Shaped

from .errors import InputError
from .types import Image, Neighbours
from .wording import counted

Values = Shaped[np.ndarray, " rows"]
"""A column of the collection, one value per row; None or NaN is missing."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of nearly equal rows and their similarity; most similar first, ``rows[:, 0] < rows[:, 1]``."""

    rows: Int64[np.ndarray, "p 2"]
    scores: Float32[np.ndarray, " p"]


@dataclass(frozen=True, slots=True)
class Suspects:
    """Rows whose neighbours carry another label, the strongest case first."""

    rows: Int64[np.ndarray, " s"]
    labels: list[object]
    """The label most of the neighbours carry."""
    shares: Float32[np.ndarray, " s"]
    """Share of the labelled neighbours that carry it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Measurements of one picture without a model. Shares are of its pixels, 0 to 1."""

    tissue: float
    """Stained pixels: coloured and darker than glass."""
    white: float
    """Bare glass, fat or holes: bright and without colour."""
    pen: float
    """Colours of marker ink: green, deep blue, pure red. Fresh blood can look like red ink."""
    sharpness: float
    """Variance of the Laplacian of optical density over the variance of optical density; near 0 is blurred, 0 is flat."""


def near_duplicates(neighbours: Neighbours, *, min_cosine: float = 0.99) -> Pairs:
    """Pairs of rows with a cosine similarity of at least ``min_cosine``.

    Only pairs of the graph are seen: of more than k copies of a picture, not every pair.
    """
    a, at = np.nonzero(neighbours.scores >= min_cosine)
    b, scores = neighbours.rows[a, at], neighbours.scores[a, at]
    pairs = np.column_stack([np.minimum(a, b), np.maximum(a, b)])
    pairs, first = np.unique(pairs, axis=0, return_index=True)
    order = np.argsort(-scores[first], kind="stable")
    return Pairs(pairs[order], scores[first][order])


def outliers(neighbours: Neighbours, *, k: int = 15) -> Float32[np.ndarray, " n"]:
    """How far each row lies from its k nearest (mean cosine distance), as a percentile of the collection: 100 is farthest.

    A kNN outlier score (Angiulli & Pizzuti 2002). Equal distances share a percentile; NaN for a row without neighbours.
    """
    present = neighbours.rows[:, :k] >= 0
    distance = np.where(present, 1 - neighbours.scores[:, :k], 0).sum(1)
    mean = pd.Series(np.where(present.any(1), distance / np.maximum(present.sum(1), 1), np.nan))
    return (100 * mean.rank(pct=True)).to_numpy(np.float32)


def suspect_labels(neighbours: Neighbours, values: Values, *, k: int = 15, min_share: float = 0.6) -> Suspects:
    """Rows with a label for which at least ``min_share`` of their k nearest labelled rows agree on one other label.

    neighbours: (n k'); values: (n) labels, None or NaN where there is none. A row needs labels on half of its k neighbours.
    Edited nearest neighbours (Wilson 1972) used to question a label, not to remove it.
    Raises ``InputError`` where labels and graph differ in length.
    """
    if len(values) != len(neighbours.rows):
        raise InputError(
            f"There are {counted(len(values), 'label')} and {counted(len(neighbours.rows), 'row')} in the graph; pass one label per row."
        )
    codes, names = pd.factorize(values)
    near = np.where(neighbours.rows[:, :k] >= 0, codes[neighbours.rows[:, :k]], -1)
    labelled = (near >= 0).sum(1)
    other = (near >= 0) & (near != codes[:, None])
    agreeing = np.where(other, _count_equal(near), 0)
    best = agreeing.argmax(1)
    count = np.take_along_axis(agreeing, best[:, None], 1)[:, 0]
    share = (count / np.maximum(labelled, 1)).astype(np.float32)
    suspect = np.flatnonzero((codes >= 0) & (2 * labelled >= near.shape[1]) & (count > 0) & (share >= min_share))
    suspect = suspect[np.argsort(-share[suspect], kind="stable")]
    return Suspects(suspect, [names[near[row, best[row]]] for row in suspect], share[suspect])


def picture(image: Image) -> Picture:
    """Tissue, white, pen and sharpness of one picture, (h w 3) uint8; any size, though sizes should be alike to compare sharpness."""
    red, green, blue = (image[..., c].astype(np.int16) for c in range(3))
    bright, dark = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    chroma = bright - dark
    ink = _ink(red, green, blue)
    tissue = (chroma >= 15) & (dark < 220) & (bright > 40) & ~ink
    density = -np.log((image.mean(2, dtype=np.float32) + 1) / 256)
    return Picture(
        tissue=float(tissue.mean()),
        white=float(((dark >= 200) & (chroma < 15)).mean()),
        pen=float(ink.mean()),
        sharpness=_sharpness(density),
    )


def _ink(red: Int16[np.ndarray, "h w"], green: Int16[np.ndarray, "h w"], blue: Int16[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Hues that haematoxylin and eosin do not give: green always; blue and red where they are all but pure."""
    bright = np.maximum(np.maximum(red, green), blue)
    green_ink = (green == bright) & (10 * (bright - red) >= 2 * bright) & (green - blue >= 0) & (bright > 25)
    blue_ink = (blue == bright) & (10 * (bright - red) >= 7 * bright) & (green > red)
    red_ink = (red == bright) & (4 * (bright - np.minimum(green, blue)) >= 3 * bright) & (5 * abs(green - blue) <= bright) & (bright > 75)
    ink: Bool[np.ndarray, "h w"] = green_ink | blue_ink | red_ink
    return ink


def _sharpness(density: Float32[np.ndarray, "h w"]) -> float:
    """Focus by the variance of the Laplacian (Pech-Pacheco et al. 2000), independent of the strength of the stain."""
    inner = density[1:-1, 1:-1]
    if inner.size == 0 or density.var() < 1e-6:
        return 0.0
    laplacian = density[:-2, 1:-1] + density[2:, 1:-1] + density[1:-1, :-2] + density[1:-1, 2:] - 4 * inner
    return float(laplacian.var() / density.var())


def _count_equal(codes: Int64[np.ndarray, "n k"]) -> Int64[np.ndarray, "n k"]:
    """For each entry of a line, how many entries of that line are equal to it."""
    equal: Int64[np.ndarray, "n k"] = (codes[:, :, None] == codes[:, None, :]).sum(2)
    return equal
