"""A canvas for drawing tissue, in micrometres: shapes, scattered positions, smooth noise and fibres."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float32, Float64
from PIL import Image as Picture
from PIL import ImageDraw
from scipy.ndimage import map_coordinates

from .stain import Concentrations

Field = Float32[np.ndarray, "side side"]
"""One value per pixel of the tile."""
Places = Float64[np.ndarray, "n 2"]
"""Positions x, y in micrometres from the tile's upper left corner; they may lie beyond its border."""
Shapes = Float64[np.ndarray, "n vertices 2"]
"""Closed outlines in micrometres."""
Amounts = Float64[np.ndarray, "n"]
Ink = tuple[float, float, float]
"""Concentrations of haematoxylin, eosin and blood."""

_FINE = 2  # shapes are drawn at twice the tile's resolution and averaged, which makes their edges smooth
_UNIT = 100.0  # grey levels of the sheet per unit of concentration


class Canvas:
    """A square image of ``side_px`` pixels of ``mpp`` micrometres; new shapes cover earlier ones."""

    def __init__(self, rng: np.random.Generator, *, side_px: int, mpp: float) -> None:
        self.rng = rng
        self.side_px = side_px
        self.mpp = mpp
        self.side_um = side_px * mpp
        self._sheet = Picture.new("RGB", (side_px * _FINE, side_px * _FINE))
        self._pen = ImageDraw.Draw(self._sheet)
        axis = (np.arange(side_px, dtype=np.float32) + np.float32(0.5)) * np.float32(mpp)
        self.x_um, self.y_um = np.meshgrid(axis, axis)

    def ground(self, haematoxylin: Field | float, eosin: Field | float) -> None:
        """Fill the whole canvas."""
        layers = [
            np.broadcast_to(np.asarray(layer, dtype=np.float32), (self.side_px, self.side_px)) for layer in (haematoxylin, eosin, 0.0)
        ]
        levels = np.clip(np.stack(layers, axis=-1) * _UNIT, 0.0, 255.0).astype(np.uint8)
        side = self.side_px * _FINE
        self._sheet.paste(Picture.fromarray(levels).resize((side, side), Picture.Resampling.NEAREST))

    def fill(self, shapes: Shapes, ink: Ink | Iterable[Ink]) -> None:
        """Draw closed outlines in order, in one ink or one ink each."""
        points = self._fine_px(shapes)
        inks = [ink] * len(points) if isinstance(ink, tuple) else ink
        for outline, (haematoxylin, eosin, blood) in zip(points, inks, strict=True):
            level = (int(haematoxylin * _UNIT), int(eosin * _UNIT), int(blood * _UNIT))
            self._pen.polygon(outline, fill=level)

    def lines(self, paths: Shapes, ink: Ink, *, width_um: float) -> None:
        """Draw open paths of one width."""
        width = max(1, round(width_um * _FINE / self.mpp))
        level = (int(ink[0] * _UNIT), int(ink[1] * _UNIT), int(ink[2] * _UNIT))
        for path in self._fine_px(paths):
            self._pen.line(path, fill=level, width=width, joint="curve")

    def _fine_px(self, shapes: Shapes) -> list[list[float]]:
        n, vertices, _ = shapes.shape
        flat: list[list[float]] = (shapes * (_FINE / self.mpp)).reshape(n, 2 * vertices).tolist()
        return flat

    def concentrations(self) -> Concentrations:
        """The dye concentrations at the tile's resolution."""
        levels: Concentrations = np.asarray(self._sheet.reduce(_FINE), dtype=np.float32)
        return levels / np.float32(_UNIT)

    def noise(self, period_um: float) -> Field:
        """Smooth noise of mean about 0 and deviation about 1 whose bumps are ``period_um`` apart."""
        span = self.side_um / period_um
        cells = math.ceil(span) + 4
        grid = self.rng.standard_normal((cells, cells), dtype=np.float32) * np.float32(1.35)
        left, top = 1.0 + self.rng.random(2)
        box = (left, top, left + span, top + span)
        smooth: Field = np.asarray(Picture.fromarray(grid).resize((self.side_px, self.side_px), Picture.Resampling.BICUBIC, box=box))
        return smooth

    def scatter(self, spacing_um: float, *, jitter: float = 0.28) -> Places:
        """Positions about ``spacing_um`` apart without a visible grid, up to one spacing beyond the border."""
        reach = self.side_um * 0.75 + 2.0 * spacing_um
        count = math.ceil(reach / spacing_um)
        column, row = np.meshgrid(np.arange(-count, count + 1.0), np.arange(-count, count + 1.0))
        grid = np.stack([column + 0.5 * (row % 2), row * math.sqrt(0.75)], axis=-1).reshape(-1, 2)
        grid += self.rng.normal(0.0, jitter, grid.shape) + self.rng.random(2)
        bend = self.rng.normal(0.0, 1.7 * jitter, (2, 2))
        grid += np.sin(grid @ self.rng.normal(0.0, 0.35, (2, 2)) + self.rng.random(2) * 6.0) @ bend
        angle = self.rng.random() * 2.0 * math.pi
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        places = grid @ turn * spacing_um + self.side_um / 2.0
        near: Places = places[np.all((places > -spacing_um) & (places < self.side_um + spacing_um), axis=1)]
        return self.rng.permutation(near)  # what is drawn later lies on top: no shingles along the grid's rows

    def slope(self, field: Field) -> tuple[Field, Field]:
        """Gradient of a field per micrometre, to the right and downwards."""
        right, down = np.empty_like(field), np.empty_like(field)
        right[:, 1:-1] = (field[:, 2:] - field[:, :-2]) / np.float32(2.0 * self.mpp)
        down[1:-1] = (field[2:] - field[:-2]) / np.float32(2.0 * self.mpp)
        right[:, [0, -1]] = right[:, [1, -2]]
        down[[0, -1]] = down[[1, -2]]
        return right, down

    def at(self, field: Field, places: Places) -> Amounts:
        """Values of a field at positions (those beyond the border take the border's value)."""
        column, row = np.clip(places / self.mpp, 0, self.side_px - 1).astype(np.int64).T
        values: Amounts = field[row, column].astype(np.float64)
        return values

    def blobs(
        self, places: Places, length_um: Amounts | float, width_um: Amounts | float, angle: Amounts | float = 0.0, *, rough: float = 0.08
    ) -> Shapes:
        """Roundish outlines: ellipses whose radius varies by the share ``rough``."""
        n, vertices = len(places), 16
        turn = np.linspace(0.0, 2.0 * np.pi, vertices, endpoint=False)
        phase = self.rng.random((n, 3, 1)) * 2.0 * np.pi
        size = self.rng.normal(0.0, rough, (n, 3, 1)) * np.array([1.0, 0.7, 0.5])[:, None]
        radius = 1.0 + np.sum(size * np.cos(np.array([2.0, 3.0, 5.0])[:, None] * turn + phase), axis=1)
        along = radius * np.cos(turn) * _column(length_um) / 2.0
        across = radius * np.sin(turn) * _column(width_um) / 2.0
        cos, sin = np.cos(_column(angle)), np.sin(_column(angle))
        shapes: Shapes = np.stack([along * cos - across * sin, along * sin + across * cos], axis=-1) + places[:, None, :]
        return shapes


class Grain:
    """The direction of fibres in a tile, which varies smoothly, and streaks along it."""

    def __init__(self, canvas: Canvas, *, sway_um: float, sway_period_um: float) -> None:
        self._canvas = canvas
        self.angle = float(canvas.rng.random() * np.pi)
        cos, sin = np.float32(math.cos(self.angle)), np.float32(math.sin(self.angle))
        sway = canvas.noise(sway_period_um) * np.float32(sway_um)
        self._along = canvas.x_um * cos + canvas.y_um * sin
        self._across = canvas.y_um * cos - canvas.x_um * sin + sway
        right, down = canvas.slope(self._across)
        self._direction = np.arctan2(-right, down)

    def streaks(self, width_um: float, length_um: float) -> Field:
        """Noise of deviation about 1, stretched along the fibres."""
        grid = self._canvas.rng.standard_normal((64, 256), dtype=np.float32) * np.float32(1.5)
        at = np.stack([self._along / np.float32(length_um) + 31.0, self._across / np.float32(width_um) + 127.0])
        streaks: Field = map_coordinates(grid, at, order=1, mode="grid-wrap")
        return streaks

    def direction(self, places: Places) -> Amounts:
        """Angle of the fibres at positions, in radians."""
        return self._canvas.at(self._direction, places)


def _column(value: Amounts | float) -> Float64[np.ndarray, "_ 1"]:
    return np.reshape(np.asarray(value, dtype=np.float64), (-1, 1))
