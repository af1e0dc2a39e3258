"""From a picture of any size to the square an encoder takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..types import Image

if TYPE_CHECKING:
    import torch


def resize_crop(image: Image, *, side_px: int, interpolation: str) -> torch.Tensor:
    """(h w 3) uint8 -> (3 side side) uint8: shorter side to ``side_px`` with antialias on the bytes, then the centre."""
    import torch
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as F

    pixels = torch.from_numpy(image).permute(2, 0, 1)
    pixels = F.resize_image(pixels, [side_px], interpolation=InterpolationMode(interpolation), antialias=True)
    crop: torch.Tensor = F.center_crop_image(pixels, [side_px, side_px]).contiguous()
    return crop
