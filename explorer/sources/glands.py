"""Drawn epithelium: the regular crypts of colonic mucosa and the crowded glands of a carcinoma."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from .canvas import Canvas, Grain
from .cells import dark_nuclei, lymphocytes, pale_nuclei, red_cells, soft_step, thin

_TURN = np.linspace(0.0, 2.0 * np.pi, 120, endpoint=False)


def mucosa(canvas: Canvas) -> None:
    """Regular crypts with basal nuclei, goblet cells and a small lumen; lamina propria between them."""
    rng = canvas.rng
    _lamina_propria(canvas)
    radius_um = rng.uniform(26.0, 40.0)
    stretch = 1.0 if rng.random() < 0.65 else rng.uniform(1.4, 2.6)  # cut across, or along their length
    angle = rng.random() * np.pi
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    goblets = rng.uniform(0.7, 1.0)
    middle = canvas.side_um / 2.0
    for centre in canvas.scatter(2.0 * radius_um + rng.uniform(7.0, 13.0), jitter=0.06):
        moved = middle + ((centre - middle) @ axes.T * np.array([stretch, 1.0])) @ axes
        if np.all(np.abs(moved - middle) < middle + radius_um * stretch):
            _crypt(canvas, _wall(canvas, moved, radius_um * np.exp(rng.normal(0.0, 0.06)), stretch=stretch, axes=axes), goblets=goblets)


def _lamina_propria(canvas: Canvas) -> None:
    rng = canvas.rng
    grain = Grain(canvas, sway_um=8.0, sway_period_um=25.0)
    gaps = soft_step(canvas.noise(10.0), rng.uniform(0.9, 1.6), 2.0) * 0.8
    canvas.ground(0.12 * (1 - gaps), np.clip(0.46 + 0.12 * grain.streaks(2.0, 18.0), 0.05, None) * (1 - gaps))
    places = thin(canvas, canvas.scatter(rng.uniform(8.0, 10.5), jitter=0.35), 0.9)
    kind, turn = rng.random(len(places)), rng.random(len(places)) * np.pi
    plasma, spindle = kind < 0.35, kind > 0.7
    canvas.fill(canvas.blobs(places[plasma], 10.0, 7.5, turn[plasma]), (0.32, 0.50, 0.0))
    lymphocytes(canvas, places[~spindle])
    dark_nuclei(canvas, places[spindle], length_um=9.5, width_um=2.8, angle=grain.direction(places[spindle]))
    red_cells(canvas, thin(canvas, canvas.scatter(7.0, jitter=0.4), 0.05))


@dataclass(frozen=True, slots=True)
class _Wall:
    """The basement membrane of a crypt and the line its cells point to, as vertices in micrometres."""

    outline: Float64[np.ndarray, "vertices 2"]
    heart: Float64[np.ndarray, "vertices 2"]
    radius_um: float

    def ring(self, depth: Float64[np.ndarray, " vertices"] | float) -> Float64[np.ndarray, "1 vertices 2"]:
        """The closed outline at a relative depth: 0 is the membrane, 1 the centre line."""
        share = np.reshape(np.asarray(depth, dtype=np.float64), (-1, 1))
        ring: Float64[np.ndarray, "1 vertices 2"] = (self.outline + (self.heart - self.outline) * share)[None]
        return ring

    def cells(self, rng: np.random.Generator, width_um: float) -> tuple[Float64[np.ndarray, "n 2"], Float64[np.ndarray, "n 2"]]:
        """Positions of cells of that width on the membrane, and the vectors from there to the centre line."""
        closed = np.concatenate([self.outline, self.outline[:1]])
        walk = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
        n = int(walk[-1] / width_um)
        marks = (np.arange(n) + 0.5 + rng.normal(0.0, 0.12, n)) / n * walk[-1]
        vertex = np.interp(marks, walk, np.arange(len(walk)))
        inner = np.concatenate([self.heart, self.heart[:1]])
        base, tip = (np.stack([np.interp(vertex, np.arange(len(walk)), path[:, i]) for i in (0, 1)], axis=1) for path in (closed, inner))
        return base, tip - base


def _wall(
    canvas: Canvas, centre: Float64[np.ndarray, " 2"], radius_um: float, *, stretch: float, axes: Float64[np.ndarray, "2 2"]
) -> _Wall:
    rng = canvas.rng
    size, phase = rng.normal(0.0, (0.07, 0.04, 0.012)), rng.random(3) * 2.0 * np.pi
    radius = radius_um * (1.0 + size @ np.cos(np.array([2.0, 3.0, 5.0])[:, None] * _TURN + phase[:, None]))
    half = radius_um * (stretch - 1.0)  # of the straight part of a crypt cut lengthwise
    heart = np.stack([half * np.tanh(2.0 * np.cos(_TURN)), np.zeros(len(_TURN))], axis=1)
    outline = heart + np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1) * radius[:, None]
    return _Wall(outline=outline @ axes + centre, heart=heart @ axes + centre, radius_um=radius_um)


def _crypt(canvas: Canvas, wall: _Wall, *, goblets: float) -> None:
    rng = canvas.rng
    canvas.fill(wall.ring(-2.0 / wall.radius_um), (0.10, 0.62, 0.0))
    canvas.fill(wall.ring(0.0), (0.38, 0.46, 0.0))

    base, inward = wall.cells(rng, rng.uniform(9.0, 12.0))
    n = len(base)
    canvas.lines(base[:, None] + inward[:, None] * np.array([[0.1], [0.8]]), (0.52, 0.56, 0.0), width_um=0.5)
    start, end = rng.uniform(4.0, 7.0, n) / wall.radius_um, rng.uniform(0.6, 0.9, n)
    step = np.linspace(0.0, 1.0, 13)
    share = (start[:, None] + (end - start)[:, None] * step)[..., None]
    spine = base[:, None] + inward[:, None] * share
    across = (np.roll(base, -1, axis=0) - np.roll(base, 1, axis=0))[:, None] * (1.0 - share) + (
        np.roll(base + inward, -1, axis=0) - np.roll(base + inward, 1, axis=0)
    )[:, None] * share  # to the neighbour on one side from the neighbour on the other, at each depth
    belly = (1.0 - (2.0 * step - 1.0) ** 2) ** 0.5 * (1.0 - 0.35 * step) * 1.15
    swell = belly[:, None] * rng.uniform(0.22, 0.29, (n, 1, 1))
    cups = np.concatenate([spine + across * swell, (spine - across * swell)[:, ::-1]], axis=1)
    cups = cups[rng.random(n) < goblets]
    canvas.fill(cups, [(h, 0.3 * h, 0.0) for h in rng.uniform(0.10, 0.30, len(cups))])
    mix = rng.uniform(0.25, 0.75, (len(cups), 4, 1))  # bubbles between the two sides of a cup
    foam = (cups[:, 2:10:2] * mix + cups[:, -3:-11:-2] * (1.0 - mix)).reshape(-1, 2)
    bubbles = canvas.blobs(foam, rng.uniform(1.5, 3.5, len(foam)), 2.0, rough=0.2)
    canvas.fill(bubbles, [(h, 0.3 * h, 0.0) for h in rng.uniform(0.06, 0.26, len(foam))])

    folds = rng.integers(4, 13, (3, 1))
    ragged = 0.13 * np.cos(folds * _TURN + rng.random((3, 1)) * 2.0 * np.pi).sum(axis=0)
    canvas.fill(wall.ring(1.0 - rng.uniform(0.1, 0.24) * (1.0 + ragged)), (0.06, 0.08, 0.0))

    base, inward = wall.cells(rng, rng.uniform(4.6, 5.8))
    n = len(base)
    places = base + inward * (rng.uniform(1.8, 5.5, n) / wall.radius_um)[:, None]
    length, width = rng.uniform(4.2, 7.6, n), rng.uniform(3.8, 5.2, n)
    shapes = canvas.blobs(places, length, width, np.arctan2(inward[:, 1], inward[:, 0]) + rng.normal(0.0, 0.3, n))
    canvas.fill(shapes, [(h, 0.40, 0.0) for h in rng.uniform(0.95, 1.55, n)])


def tumour(canvas: Canvas) -> None:
    """Crowded irregular glands and solid sheets: large uneven nuclei with nucleoli, sieve-like lumens, little stroma."""
    rng = canvas.rng
    period_um = rng.uniform(32.0, 60.0)
    height = canvas.noise(period_um) + 0.4 * canvas.noise(period_um * 0.4)  # lumens are its peaks, stroma its valleys
    right, down = canvas.slope(height)
    steep = np.hypot(down, right) + np.float32(0.4 / period_um)
    open_at, stroma_at = rng.uniform(0.7, 2.0), -rng.uniform(0.9, 1.8)
    lumen = soft_step((height - open_at) / steep, 0.0, 0.7)
    septum = soft_step((stroma_at - height) / steep, 0.0, 0.7)
    grain = Grain(canvas, sway_um=7.0, sway_period_um=30.0)
    collagen = np.clip(0.55 + 0.16 * grain.streaks(1.8, 25.0) - 0.3 * soft_step(canvas.noise(9.0), 0.9, 2.0), 0.05, None)
    cell = 1.0 + 0.12 * canvas.noise(8.0) + 0.08 * canvas.noise(3.0)
    blue = rng.uniform(0.28, 0.55) * cell * (1 - septum) + 0.10 * septum
    pink = rng.uniform(0.38, 0.60) * cell * (1 - septum) + collagen * septum
    secretion = np.clip(0.10 * canvas.noise(8.0) + 0.05 * canvas.noise(3.0), 0.0, None)
    canvas.ground(blue * (1 - lumen) + secretion * lumen, pink * (1 - lumen) + 1.5 * secretion * lumen)

    spindles = canvas.scatter(9.5, jitter=0.35)
    spindles = spindles[canvas.at(septum, spindles) > 0.7]
    dark_nuclei(canvas, spindles, length_um=10.0, width_um=3.0, angle=grain.direction(spindles) + rng.normal(0.0, 0.3, len(spindles)))
    lymphocytes(canvas, thin(canvas, spindles + rng.normal(0.0, 3.0, spindles.shape), rng.uniform(0.1, 0.5)))

    places = canvas.scatter(rng.uniform(8.0, 10.2), jitter=0.22)
    to_lumen_um = (open_at - canvas.at(height, places)) / canvas.at(steep, places)
    places = places[(to_lumen_um > rng.uniform(4.0, 8.0)) & (canvas.at(septum, places) < 0.3)]
    n = len(places)
    size_um, slender = 9.2 * rng.uniform(0.92, 1.15) * np.exp(rng.normal(0.0, 0.18, n)), rng.uniform(1.1, 1.45)
    angle = np.arctan2(canvas.at(down, places), canvas.at(right, places)) + rng.normal(0.0, 0.3, n)
    length, width = size_um * slender * np.exp(rng.normal(0.0, 0.1, n)), size_um / slender
    dense = rng.random(n) < rng.uniform(0.1, 0.4)
    pale_nuclei(canvas, places[~dense], length_um=length[~dense], width_um=width[~dense], angle=angle[~dense])
    shapes = canvas.blobs(places[dense], length[dense], width[dense] * 0.85, angle[dense], rough=0.12)
    canvas.fill(shapes, [(h, 0.45, 0.0) for h in rng.uniform(1.2, 1.7, int(dense.sum()))])
