"""From a picture of any size to the square a model takes. Bit-equal to torchvision's v2 transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from ..types import Image
from .spec import EncoderSpec

if TYPE_CHECKING:
    import torch

MOST_ELONGATED = 512
"""Longer side over shorter side. Of a longer strip the ends, which the crop drops, are cut off first: resized whole, a strip
of 1 x 100 000 pixels would take 15 GB."""


def resize_crop(image: Image, *, side_px: int, resize_px: int, interpolation: str) -> torch.Tensor:
    """(h w 3) uint8 -> (3 s s) uint8: shorter side to ``resize_px`` with antialias, then the centre ``side_px``.

    The longer side is cut to a whole number of pixels, and the crop rounds half to even, as torchvision does; strips
    beyond ``MOST_ELONGATED`` are cut before they are resized, which may move the crop by a pixel. Made to be
    called from several threads: the copies are numpy's, because torch's would start a team of threads for each caller
    (measured: 2.7 times slower with two callers on two cores).
    """
    import torch
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as F

    owned = np.require(_middle(image), requirements=["C", "W", "O"])  # torch takes no read-only or mirrored array
    pixels = torch.from_numpy(owned).permute(2, 0, 1)
    pixels = F.resize_image(pixels, [resize_px], interpolation=InterpolationMode(interpolation), antialias=True)
    square: torch.Tensor = F.center_crop_image(pixels, [side_px, side_px])
    return torch.from_numpy(np.ascontiguousarray(square.numpy()))


def _middle(image: Image) -> UInt8[np.ndarray, "kept_h kept_w 3"]:
    """The picture, cropped so that its longer side is at most ``MOST_ELONGATED`` times its shorter one."""
    height, width = image.shape[:2]
    most = MOST_ELONGATED * min(height, width)
    top, left = max(0, height - most) // 2, max(0, width - most) // 2
    return image[top : top + most, left : left + most]


def normalise(pixels: torch.Tensor, spec: EncoderSpec) -> torch.Tensor:
    """(... 3 s s) uint8 -> float32 on the same device: x / 255, minus mean, over std, in the order torchvision rounds in."""
    import torch
    from torchvision.transforms.v2 import functional as F

    scaled = F.to_dtype_image(pixels, torch.float32, scale=True)
    normalised: torch.Tensor = F.normalize_image(scaled, list(spec.mean), list(spec.std), inplace=True)
    return normalised
