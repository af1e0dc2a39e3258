"""Stain separation: the amounts of haematoxylin and eosin at each pixel, for any stain and scanner. Tensor operations only."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .filters import count, eigen

HAEMATOXYLIN = (0.650, 0.704, 0.286)
EOSIN = (0.072, 0.990, 0.105)
"""Optical density in red, green and blue of the two dyes (Ruifrok and Johnston 2001)."""

TISSUE_DENSITY = 0.15
"""A pixel is tissue when its mean optical density (natural logarithm) is above this, as in Macenko et al. 2009."""
FEW_PIXELS = 20
"""With less tissue than this nothing can be estimated; the reference stain is used."""


GLASS = (0.72, 0.82)
"""Bare glass is at least this bright in its darkest channel: below the first surely not, above the second surely."""


def white_point(small: Tensor) -> Tensor:
    """(b 3 h w) in [0, 1] -> (b 3 1 1): the colour of empty glass in each patch; 1 where the patch does not show any.

    The brightest hundredth of each channel, if that is bright in all of them.
    """
    pixels = small.flatten(2)
    everywhere = torch.ones_like(pixels[:, 0], dtype=torch.bool)
    brightest = quantiles(pixels, everywhere, (0.99,), low=0.0, high=1.0)[..., 0]
    low, high = GLASS
    glass = ((brightest.amin(1, keepdim=True) - low) / (high - low)).clamp(0.0, 1.0)
    return torch.lerp(torch.ones_like(brightest), brightest, glass)[..., None, None]


def optical_density(images: Tensor) -> Tensor:
    """(b 3 h w) in [0, 1] -> natural-logarithm optical density, 0 on clear glass."""
    return -torch.log((images * 255.0 + 1.0) / 256.0)


def reference_stains(like: Tensor) -> Tensor:
    """(2 3) unit vectors of haematoxylin and eosin on the device of ``like``."""
    return F.normalize(like.new_tensor([HAEMATOXYLIN, EOSIN]), dim=1)


def estimate_stains(density: Tensor) -> tuple[Tensor, Tensor]:
    """(b 3 h w) optical density -> (b 2 3) unit stain vectors, (b h*w) tissue mask.

    Macenko et al. 2009: the extreme angles (2 % and 98 %) of the tissue's densities in their principal plane. The plane is
    regularised towards the reference stains where one dye is missing, and the estimate where there is little tissue.
    """
    pixels = density.flatten(2).transpose(1, 2)
    tissue = pixels.mean(2) > TISSUE_DENSITY
    n = tissue.sum(1)
    reference = reference_stains(density)
    moment = (tissue[..., None] * pixels).transpose(1, 2) @ pixels / n.clamp(min=1)[:, None, None]
    moment = moment + 0.02 * reference.T @ reference + 1e-4 * torch.eye(3, device=density.device)
    plane = eigen(moment)[1][..., 1:].flip(2)
    towards = torch.stack([reference.sum(0), reference[0] - reference[1]])  # along the tissue, then from eosin to haematoxylin
    plane = plane * torch.where((towards @ plane).diagonal(dim1=1, dim2=2) < 0, -1.0, 1.0)[:, None]
    along, across = (pixels @ plane).unbind(2)
    angle = torch.atan2(across, along)[:, None]
    angle = quantiles(angle, tissue, (0.98, 0.02), low=-math.pi / 2, high=math.pi / 2)[:, 0]
    found = torch.stack([angle.cos(), angle.sin()], 2) @ plane.transpose(1, 2)
    share = n / pixels.shape[1]
    trust = torch.where(n < FEW_PIXELS, 0.0, 0.7 * share / (share + 0.05))[:, None, None]
    return F.normalize(torch.lerp(reference, F.normalize(found.clamp(min=0.0), dim=2), trust), dim=2), tissue


def concentrations(density: Tensor, stains: Tensor) -> Tensor:
    """(b 3 h w) optical density, (b 2 3) or (2 3) stain vectors -> (b 2 h w) least-squares amounts of the two dyes."""
    gram = stains @ stains.transpose(-1, -2) + 1e-3 * torch.eye(2, device=density.device)
    amounts: Tensor = torch.linalg.solve(gram, stains) @ density.flatten(2)
    return amounts.view(*amounts.shape[:2], *density.shape[2:])


def strength(amounts: Tensor, tissue: Tensor) -> Tensor:
    """(b 2 h w) amounts, (b h*w) tissue mask -> (b 2): the 97 % quantile of each dye over the tissue."""
    top = quantiles(amounts.flatten(2), tissue, (0.97,), low=0.0, high=4.0)[..., 0]
    return torch.where(tissue.sum(1, keepdim=True) < FEW_PIXELS, 1.0, top.clamp(min=0.25))


def quantiles(values: Tensor, among: Tensor, shares: tuple[float, ...], *, low: float, high: float) -> Tensor:
    """(b c n) values, (b n) mask -> (b c q): the quantiles of the values under the mask, to a thousandth of the range.

    Counting is several times faster than sorting, and the same on every device.
    """
    levels = 1000
    to_level = levels / (high - low)
    codes = ((values - low) * to_level).clamp(0, levels - 1).long().masked_fill(~among[:, None], levels)
    counts = count(codes, levels + 1)[..., :levels]
    reached = counts.cumsum(2)
    rank = reached[..., -1:] * reached.new_tensor(shares)
    at = (reached[..., None] < rank[..., None, :]).sum(2).clamp(max=levels - 1)
    within = (rank - (reached - counts).gather(2, at)) / counts.gather(2, at).clamp(min=1)
    return low + (at + within) / to_level
