"""Drawn cells and vessels at true size."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from .canvas import Amounts, Canvas, Field, Places


def dark_nuclei(canvas: Canvas, places: Places, *, length_um: float, width_um: float, angle: Amounts | float = 0.0) -> None:
    """Condensed nuclei: lymphocytes, spindle cells."""
    rng, n = canvas.rng, len(places)
    size = np.exp(rng.normal(0.0, 0.12, n))
    shapes = canvas.blobs(places, length_um * size, width_um * size * np.exp(rng.normal(0.0, 0.08, n)), angle)
    depth = rng.uniform(1.25, 1.75, n)
    canvas.fill(shapes, [(h, 0.35, 0.0) for h in depth])


def pale_nuclei(canvas: Canvas, places: Places, *, length_um: Amounts | float, width_um: Amounts | float, angle: Amounts | float) -> None:
    """Vesicular nuclei: a rim of cytoplasm, a dark membrane, a paler inside, often a nucleolus."""
    rng, n = canvas.rng, len(places)
    membrane = canvas.blobs(places, length_um, width_um, angle, rough=0.07)
    from_centre = membrane - places[:, None, :]
    nested = np.stack([membrane + 0.10 * from_centre, membrane, membrane - 0.24 * from_centre], axis=1)
    depth, clear = rng.uniform(1.0, 1.5, n), rng.uniform(0.62, 1.0, n)
    inks = [ink for h, c in zip(depth, clear, strict=True) for ink in ((0.38, 0.44, 0.0), (h, 0.40, 0.0), (h * c, 0.32, 0.0))]
    canvas.fill(nested.reshape(-1, *membrane.shape[1:]), inks)
    dots = thin(canvas, places, 0.65)
    dots = dots + rng.normal(0.0, 1.0, dots.shape)
    size = rng.uniform(1.2, 2.4, len(dots))
    canvas.fill(canvas.blobs(dots, size, size * 0.9), [(h, 0.5, 0.0) for h in rng.uniform(1.15, 1.6, len(dots))])


def lymphocytes(canvas: Canvas, places: Places) -> None:
    dark_nuclei(canvas, places, length_um=6.6, width_um=6.0, angle=canvas.rng.random(len(places)) * np.pi)


def red_cells(canvas: Canvas, places: Places) -> None:
    n = len(places)
    edge = canvas.blobs(places, 6.6, 5.8, canvas.rng.random(n) * np.pi, rough=0.06)
    nested = np.stack([edge, edge - 0.3 * (edge - places[:, None, :])], axis=1)
    depth = canvas.rng.uniform(0.7, 1.1, n)
    canvas.fill(nested.reshape(-1, *edge.shape[1:]), [ink for b in depth for ink in ((0.0, 0.10, 1.15 * b), (0.0, 0.05, 0.85 * b))])


def vessel(canvas: Canvas, *, angle: float) -> None:
    """A capillary or venule with its endothelium, often holding red cells."""
    rng = canvas.rng
    centre = rng.random((1, 2)) * canvas.side_um
    length, width = rng.uniform(18.0, 55.0), rng.uniform(9.0, 20.0)
    wall = canvas.blobs(centre, length + 4.0, width + 4.0, angle, rough=0.1)
    canvas.fill(wall, (0.15, 0.75, 0.0))
    lumen = centre + (wall - centre) * 0.84
    canvas.fill(lumen, (0.02, 0.05, 0.0))
    rim = wall[0, rng.choice(wall.shape[1], 6, replace=False)]
    tangent = np.arctan2(*(rim - centre[0]).T[::-1]) + np.pi / 2.0
    dark_nuclei(canvas, rim, length_um=8.5, width_um=2.6, angle=tangent)
    if rng.random() < 0.75:
        cells = rng.normal(0.0, 0.2, (int(length * width / 26.0), 2)) * np.array([length, width])
        cos, sin = np.cos(angle), np.sin(angle)
        red_cells(canvas, centre + cells @ np.array([[cos, sin], [-sin, cos]]))


def soft_step(field: Field, at: float, sharpness: float) -> Field:
    """0 below ``at``, 1 above it, with a slope between."""
    return np.clip((field - at) * sharpness + 0.5, 0.0, 1.0).astype(np.float32)


def thin(canvas: Canvas, places: Places, keep: Amounts | float) -> Float64[np.ndarray, "kept 2"]:
    """A random subset of positions; each is kept with the probability ``keep``."""
    remaining: Float64[np.ndarray, "kept 2"] = places[canvas.rng.random(len(places)) < keep]
    return remaining
