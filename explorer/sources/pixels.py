"""Functions on decoded pictures: hash and regions."""

from __future__ import annotations

import hashlib

import numpy as np
from jaxtyping import UInt8

from ..types import Image

Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge of a region, as fractions of the picture's width and height."""
Crop = UInt8[np.ndarray, "crop_h crop_w 3"]
"""A region of a picture."""


def pixels_sha256(image: Image) -> str:
    """Hex digest of a picture's shape and pixels: equal for equal pictures, whatever file they were read from."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def cut(image: Image, box: Box) -> Crop:
    """The region of a picture, at least one pixel wide and high."""
    left, top, right, bottom = box
    height, width = image.shape[:2]
    x0, y0 = int(left * width), int(top * height)
    region: Crop = image[y0 : max(y0 + 1, round(bottom * height)), x0 : max(x0 + 1, round(right * width))]
    return np.ascontiguousarray(region)
