"""Drawn H&E-like tissue in the nine classes of NCT-CRC-HE (Kather et al., PLOS Medicine 2019). It is never real tissue.

Each class is drawn from what defines it under the microscope, at true size (micrometres). Structures lie on an
unbounded plane of which the tile is a window, so they are cut by its border as in a real slide.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from scipy.spatial import Voronoi

from ..errors import InputError
from ..types import Image
from .canvas import Canvas, Grain, Places
from .cells import dark_nuclei, lymphocytes, pale_nuclei, soft_step, thin, vessel
from .glands import mucosa, tumour
from .stain import Stain, photograph


def draw(label: str, *, rng: np.random.Generator, side_px: int = 224, stain: Stain, mpp: float = 0.5) -> Image:
    """One tile of a class: (side_px, side_px, 3) uint8 RGB, the same for the same state of ``rng``.

    ``label`` is one of ``CLASSES``; ``mpp`` is micrometres per pixel, so a smaller one shows the same cells larger.
    Raises ``InputError`` for another label.
    """
    if label not in _DRAW:
        raise InputError(f"There is no drawing of tissue class {label!r}; use one of {', '.join(CLASSES)}.")
    canvas = Canvas(rng, side_px=side_px, mpp=mpp)
    _DRAW[label](canvas)
    amounts = canvas.concentrations()
    chromatin = canvas.noise(1.7) * np.float32(0.16) + canvas.noise(30.0) * np.float32(0.05)
    amounts[..., 0] *= 1.0 + chromatin
    amounts[..., 1] *= 1.0 + canvas.noise(2.6) * np.float32(0.10) + canvas.noise(40.0) * np.float32(0.06)
    amounts *= np.float32(np.exp(rng.normal(0.0, 0.10)))  # the section is not equally thick everywhere
    return photograph(np.maximum(amounts, 0.0), stain=stain, rng=rng)


def _adipose(canvas: Canvas) -> None:
    """Large empty cells, thin membranes, a flat nucleus here and there at the rim."""
    rng = canvas.rng
    spacing_um = rng.uniform(58.0, 95.0)
    centres = canvas.scatter(spacing_um, jitter=0.16)
    far_um = 10.0 * (canvas.side_um + spacing_um)  # four centres far away, so that every cell seen is closed
    fence = canvas.side_um / 2.0 + far_um * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    diagram = Voronoi(np.concatenate([centres, fence]))
    ink = (0.10 + 0.1 * rng.random(), rng.uniform(0.30, 0.60))
    rough = canvas.noise(5.0) * np.float32(0.12) + canvas.noise(25.0) * np.float32(0.2) + 1.0
    canvas.ground(ink[0] * rough, ink[1] * rough)
    wall_um = rng.uniform(0.6, 1.6)
    for region, centre in zip(diagram.point_region, centres, strict=False):
        corners = _rounded(diagram.vertices[diagram.regions[region]])
        away = corners - centre
        distance = np.linalg.norm(away, axis=1, keepdims=True)
        inner = centre + away * np.clip(1.0 - wall_um * np.exp(rng.normal(0.0, 0.3)) / distance, 0.3, 1.0)
        canvas.fill(inner[None], (0.01, 0.02, 0.0))
        if rng.random() < 0.7:
            spot = rng.integers(len(corners))
            tangent = corners[(spot + 1) % len(corners)] - corners[spot - 1]
            dark_nuclei(canvas, corners[[spot]], length_um=9.0, width_um=2.4, angle=np.arctan2(tangent[1], tangent[0]))
    if rng.random() < 0.35:
        vessel(canvas, angle=rng.random() * np.pi)


def _rounded(corners: Places) -> Float64[np.ndarray, "more 2"]:
    """A closed outline with its corners cut off again and again (Chaikin 1974), the first time by less."""
    for cut in (0.14, 0.25, 0.25, 0.25):
        after = np.roll(corners, -1, axis=0)
        corners = np.stack([corners + cut * (after - corners), after + cut * (corners - after)], axis=1).reshape(-1, 2)
    return corners


def _background(canvas: Canvas) -> None:
    """Glass: near white, a little uneven, with dust."""
    rng = canvas.rng
    shade = np.clip(0.025 + canvas.noise(90.0) * np.float32(0.008), 0.0, None)
    canvas.ground(shade, shade * 0.8)
    dust = rng.random((rng.poisson(9.0), 2)) * canvas.side_um
    size = np.exp(rng.normal(0.0, 0.5, len(dust))) * 1.1
    shapes = canvas.blobs(dust, size, size, rough=0.2)
    canvas.fill(shapes, [(h, h * 0.7, 0.0) for h in rng.uniform(0.05, 0.8, len(dust))])


def _necrosis(canvas: Canvas) -> None:
    """Smeared eosinophilic ghosts of cells, granular, with the dust of broken nuclei."""
    rng = canvas.rng
    thick = 0.48 + 0.10 * canvas.noise(22.0) + 0.10 * canvas.noise(7.0) + 0.10 * canvas.noise(2.5)
    cracks = soft_step(canvas.noise(14.0) + 0.5 * canvas.noise(5.0), rng.uniform(1.1, 1.9), 4.0)
    canvas.ground((0.10 + 0.06 * canvas.noise(12.0)) * (1 - cracks), thick * (1 - cracks))
    ghosts = thin(canvas, canvas.scatter(11.0, jitter=0.4), 0.55)
    n = len(ghosts)
    shapes = canvas.blobs(ghosts, rng.uniform(6.0, 12.0, n), rng.uniform(5.0, 9.0, n), rng.random(n) * np.pi, rough=0.16)
    canvas.fill(shapes, [(0.08 + 0.2 * a, 0.42 + 0.2 * b, 0.0) for a, b in rng.random((n, 2))])
    crowd = canvas.noise(26.0)
    dust = canvas.scatter(4.2, jitter=0.6)
    dust = thin(canvas, dust, np.clip(canvas.at(crowd, dust) * 0.35 + 0.18, 0.02, 0.85))
    size = np.exp(rng.normal(0.55, 0.45, len(dust)))
    shapes = canvas.blobs(dust, size, size * rng.uniform(0.6, 1.0, len(dust)), rng.random(len(dust)) * np.pi, rough=0.2)
    canvas.fill(shapes, [(h, 0.5, 0.0) for h in rng.uniform(0.6, 1.6, len(dust))])


def _lymphoid(canvas: Canvas) -> None:
    """Sheets of small round dark nuclei with hardly any cytoplasm."""
    rng = canvas.rng
    gaps = canvas.noise(9.0)
    canvas.ground(0.10 + 0.03 * gaps, np.clip(0.22 + 0.16 * gaps, 0.02, None))
    spacing = rng.uniform(7.0, 8.8)
    places = canvas.scatter(spacing, jitter=0.2)
    places = thin(canvas, places, np.clip(0.93 + 0.12 * canvas.at(canvas.noise(28.0), places), 0.3, 1.0))
    n = len(places)
    canvas.fill(canvas.blobs(places, 8.6, 7.8, rough=0.1), [(0.28, e, 0.0) for e in rng.uniform(0.25, 0.45, n)])
    large = rng.random(n) < rng.uniform(0.02, 0.14)
    lymphocytes(canvas, places[~large])
    pale_nuclei(canvas, places[large], length_um=8.5, width_um=7.5, angle=rng.random(int(large.sum())) * np.pi)
    if rng.random() < 0.3:
        vessel(canvas, angle=rng.random() * np.pi)


def _mucus(canvas: Canvas) -> None:
    """A pool of pale bluish mucin with strands, and few cells afloat."""
    rng = canvas.rng
    grain = Grain(canvas, sway_um=14.0, sway_period_um=45.0)
    base = rng.uniform(0.10, 0.32)
    strands = 0.5 * grain.streaks(3.0, 45.0) + 0.6 * grain.streaks(9.0, 70.0)
    web = np.abs(canvas.noise(8.0))
    threads = np.clip(0.4 - web, 0.0, None) * 0.35
    level = base * (1.0 + 0.30 * strands + 0.25 * canvas.noise(40.0)) + threads * base * 3.0
    canvas.ground(np.clip(level, 0.03, None), np.clip(level * 0.40, 0.01, None))
    cells = thin(canvas, canvas.scatter(24.0, jitter=0.5), rng.uniform(0.0, 0.4))
    canvas.fill(canvas.blobs(cells, 13.0, 10.0, rng.random(len(cells)) * np.pi, rough=0.15), (0.30, 0.40, 0.0))
    pale_nuclei(canvas, cells, length_um=8.5, width_um=7.0, angle=0.0)
    lymphocytes(canvas, thin(canvas, canvas.scatter(26.0, jitter=0.5), rng.uniform(0.0, 0.3)))


def _muscle(canvas: Canvas) -> None:
    """Smooth muscle: parallel eosinophilic fibres and cigar-shaped nuclei along them, sometimes cut across."""
    if canvas.rng.random() < 0.15:
        _muscle_across(canvas)
    else:
        _muscle_along(canvas)


def _muscle_along(canvas: Canvas) -> None:
    rng = canvas.rng
    grain = Grain(canvas, sway_um=rng.uniform(2.0, 6.0), sway_period_um=70.0)
    fine, coarse = grain.streaks(1.8, 70.0), grain.streaks(7.0, 120.0)
    clefts = soft_step(grain.streaks(6.0, 90.0), rng.uniform(1.5, 2.2), 3.0) * 0.85
    level = (0.66 + 0.09 * fine + 0.09 * coarse) * (1.0 - clefts)
    canvas.ground(0.10 * (1.0 - clefts), level)
    places = thin(canvas, canvas.scatter(rng.uniform(13.0, 18.0), jitter=0.45), 0.6)
    n = len(places)
    angle = grain.direction(places) + rng.normal(0.0, 0.06, n)
    shapes = canvas.blobs(places, rng.uniform(9.0, 24.0, n), rng.uniform(2.2, 4.4, n), angle, rough=0.05)
    canvas.fill(shapes, [(h, 0.45, 0.0) for h in rng.uniform(0.55, 1.3, n)])


def _muscle_across(canvas: Canvas) -> None:
    rng = canvas.rng
    gaps = soft_step(canvas.noise(16.0), rng.uniform(1.0, 1.8), 2.5) * 0.8
    canvas.ground(0.08 * (1.0 - gaps), 0.46 * (1.0 - gaps))
    fibres = canvas.scatter(rng.uniform(4.6, 6.2), jitter=0.14)
    n = len(fibres)
    shapes = canvas.blobs(fibres, rng.uniform(4.5, 7.0, n), rng.uniform(4.0, 6.0, n), rng.random(n) * np.pi, rough=0.12)
    canvas.fill(shapes, [(0.11, e, 0.0) for e in rng.uniform(0.54, 0.72, n)])
    nuclei = thin(canvas, fibres, 0.16)
    dark_nuclei(canvas, nuclei, length_um=3.6, width_um=3.2)


def _stroma(canvas: Canvas) -> None:
    """Wavy collagen with clefts between the fibres, spindle nuclei, some lymphocytes and vessels."""
    rng = canvas.rng
    period_um = rng.uniform(28.0, 60.0)
    grain = Grain(canvas, sway_um=period_um * rng.uniform(0.14, 0.24), sway_period_um=period_um)
    fine, coarse = grain.streaks(1.6, 30.0), grain.streaks(5.5, 45.0)
    clefts = soft_step(coarse + 0.4 * fine, rng.uniform(0.3, 1.2), 1.2) * rng.uniform(0.6, 0.95)
    level = (0.58 + 0.13 * fine + 0.06 * canvas.noise(20.0)) * (1.0 - clefts)
    canvas.ground(0.09 * (1.0 - 0.7 * clefts), np.clip(level, 0.03, None))
    places = thin(canvas, canvas.scatter(rng.uniform(13.0, 17.0), jitter=0.45), 0.75)
    angle = grain.direction(places) + rng.normal(0.0, 0.2, len(places))
    plump = rng.random(len(places)) < 0.35
    dark_nuclei(canvas, places[~plump], length_um=12.0, width_um=2.6, angle=angle[~plump])
    pale_nuclei(canvas, places[plump], length_um=10.5, width_um=4.6, angle=angle[plump])
    if rng.random() < 0.5:
        vessel(canvas, angle=grain.angle)
    crowd = canvas.scatter(10.0, jitter=0.4)
    lymphocytes(canvas, thin(canvas, crowd, np.clip(canvas.at(canvas.noise(50.0), crowd) * 0.3 - 0.15, 0.0, 0.6)))


_DRAW: dict[str, Callable[[Canvas], None]] = {
    "ADI": _adipose,
    "BACK": _background,
    "DEB": _necrosis,
    "LYM": _lymphoid,
    "MUC": _mucus,
    "MUS": _muscle,
    "NORM": mucosa,
    "STR": _stroma,
    "TUM": tumour,
}
CLASSES = tuple(sorted(_DRAW))
