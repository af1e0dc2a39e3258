"""The peer of the descriptor: colour histograms and local binary patterns, as one would write them in an afternoon.

162 numbers of an RGB patch: 16-bin histograms, mean and standard deviation of R, G, B, hue, saturation and value (108),
and rotation-invariant uniform local binary patterns of the grey picture at radius 1, 2 and 3 with 8, 16 and 24
neighbours (54; Ojala, Pietikäinen and Mäenpää 2002).
"""

from __future__ import annotations

import numpy as np

RINGS = ((8, 1), (16, 2), (24, 3))


def colour_lbp(image: np.ndarray) -> np.ndarray:
    """(h w 3) uint8 -> (162,) float32."""
    rgb = image.astype(np.float32) / 255.0
    parts = []
    for channel in (*np.moveaxis(rgb, -1, 0), *hue_saturation_value(rgb)):
        counts = np.bincount(np.minimum(channel * 16, 15).astype(int).ravel(), minlength=16)
        parts += [counts / channel.size, [channel.mean(), channel.std()]]
    grey = rgb @ np.array([0.299, 0.587, 0.114], np.float32) * 255.0
    parts += [patterns(grey, points, radius) for points, radius in RINGS]
    return np.concatenate(parts).astype(np.float32)


def hue_saturation_value(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(h w 3) in [0, 1] -> three (h w) maps in [0, 1]."""
    red, green, blue = np.moveaxis(rgb, -1, 0)
    high, low = rgb.max(-1), rgb.min(-1)
    chroma = np.where(high > low, high - low, 1.0)
    hue = np.where(
        high == red, ((green - blue) / chroma) % 6, np.where(high == green, (blue - red) / chroma + 2, (red - green) / chroma + 4)
    )
    return np.where(high > low, hue / 6.0, 0.0), (high - low) / np.where(high > 0, high, 1.0), high


def patterns(grey: np.ndarray, points: int, radius: int) -> np.ndarray:
    """(h w) -> (points + 2,) shares of the pixels; neighbours between pixels are interpolated."""
    h, w = grey.shape
    border = radius + 1
    padded = np.pad(grey, border, mode="edge")
    angles = 2.0 * np.pi * np.arange(points) / points
    bits = []
    for y, x in zip(np.round(-radius * np.sin(angles), 6), np.round(radius * np.cos(angles), 6), strict=True):
        row, column = int(np.floor(y)), int(np.floor(x))
        down, right = y - row, x - column
        value = np.zeros_like(grey)
        for i, j, weight in (
            (0, 0, (1 - down) * (1 - right)),
            (0, 1, (1 - down) * right),
            (1, 0, down * (1 - right)),
            (1, 1, down * right),
        ):
            if weight:
                top, left = border + row + i, border + column + j
                value = value + np.float32(weight) * padded[top : top + h, left : left + w]
        bits.append(value >= grey - 1e-4)
    ring = np.stack(bits)
    changes = (ring != np.roll(ring, 1, axis=0)).sum(0)
    codes = np.where(changes <= 2, ring.sum(0), points + 1)
    return np.bincount(codes.ravel(), minlength=points + 2) / codes.size
