"""Filters and statistics that do not change when a picture is turned by 90 degrees or mirrored. Tensor operations only.

Every filter is built from slices and sums, which on a CPU is several times faster than a convolution of so few channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
"""The eight neighbours of a pixel, in order around it."""


def mean(x: Tensor) -> Tensor:
    """Over the picture: (... h w) -> (...)."""
    return x.mean((-2, -1))


def halve(x: Tensor) -> Tensor:
    """(... h w) -> (... h/2 w/2): smoothed with [1 3 3 1] / 8 each way; h and w are even."""
    x = F.pad(x, (1, 1, 1, 1), mode="reflect")
    x = (x[..., :-2:2] + x[..., 3::2] + 3.0 * (x[..., 1:-1:2] + x[..., 2::2])) / 8.0
    return (x[..., :-2:2, :] + x[..., 3::2, :] + 3.0 * (x[..., 1:-1:2, :] + x[..., 2::2, :])) / 8.0


def pool(x: Tensor) -> Tensor:
    """(... h w) -> (... h/2 w/2): plain means of 2 x 2 pixels."""
    x = x[..., ::2] + x[..., 1::2]
    return (x[..., ::2, :] + x[..., 1::2, :]) * 0.25


def fine_detail(x: Tensor, mix: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """(b c h w) -> edge strength and checkering within each 2 x 2 pixels (Haar wavelets), each (b c' h/2 w/2).

    ``mix`` turns the channels into others, linearly; doing so after the differences spares work at full size.
    """
    left, right = x[..., ::2], x[..., 1::2]
    plus, minus = left + right, right - left
    across = mix((minus[..., ::2, :] + minus[..., 1::2, :]) * 0.5)
    down = mix((plus[..., 1::2, :] - plus[..., ::2, :]) * 0.5)
    diagonal = mix((minus[..., 1::2, :] - minus[..., ::2, :]) * 0.5)
    return (across * across + down * down + 1e-6).sqrt(), diagonal.abs()


def blur(x: Tensor) -> Tensor:
    """(... h w) -> (... h-4 w-4): smoothed with [1 4 6 4 1] / 16 each way, a Gaussian of 1 pixel."""
    x = (x[..., :-4] + x[..., 4:] + 4.0 * (x[..., 1:-3] + x[..., 3:-1]) + 6.0 * x[..., 2:-2]) / 16.0
    return (x[..., :-4, :] + x[..., 4:, :] + 4.0 * (x[..., 1:-3, :] + x[..., 3:-1, :]) + 6.0 * x[..., 2:-2, :]) / 16.0


class Jet(NamedTuple):
    """A picture and its derivatives at each pixel, (b c h w) each; all are rotation-invariant."""

    value: Tensor
    gradient: Tensor
    """Length of the gradient: responds to edges."""
    laplacian: Tensor
    """Sum of the two principal curvatures: negative on a spot that holds more dye than its surroundings."""
    stretch: Tensor
    """Difference of the two principal curvatures: responds to ridges and fibres."""


def jet(x: Tensor) -> Jet:
    """(b c h w) -> derivatives by central differences of the blurred picture, (b c h w); the border is mirrored."""
    b = blur(F.pad(x, (3, 3, 3, 3), mode="reflect"))
    left, here, right = b[..., 1:-1, :-2], b[..., 1:-1, 1:-1], b[..., 1:-1, 2:]
    up, down = b[..., :-2, 1:-1], b[..., 2:, 1:-1]
    gx, gy = (right - left) * 0.5, (down - up) * 0.5
    xx, yy = left + right - 2.0 * here, up + down - 2.0 * here
    xy = (b[..., 2:, 2:] + b[..., :-2, :-2] - b[..., 2:, :-2] - b[..., :-2, 2:]) * 0.25
    gradient = (gx * gx + gy * gy + 1e-8).sqrt()
    stretch = ((xx - yy) ** 2 + 4.0 * xy * xy + 1e-8).sqrt()
    return Jet(here, gradient, xx + yy, stretch)


def local_binary_patterns(x: Tensor, *, margin: float) -> Tensor:
    """(... h w) -> (... h-2 w-2) uint8 codes 0 to 9: rotation-invariant uniform patterns of the 8 neighbours (Ojala et al. 2002).

    A neighbour counts as brighter when it exceeds the pixel by ``margin``, which keeps noise on flat ground out.
    """
    h, w = x.shape[-2:]
    centre = x[..., 1:-1, 1:-1] + margin
    bits = [(x[..., 1 + i : h - 1 + i, 1 + j : w - 1 + j] > centre).to(torch.uint8) for i, j in RING]
    ones, changes = bits[0], bits[0] ^ bits[-1]
    for before, bit in pairwise(bits):
        ones = ones + bit
        changes = changes + (before ^ bit)
    return torch.where(changes <= 2, ones, 9)


def count(codes: Tensor, bins: int) -> Tensor:
    """(b c ...) integers in [0, bins) -> (b c bins) how many there are of each, as float32. Exact on every device."""
    b, c = codes.shape[:2]
    own = torch.arange(b * c, device=codes.device)[:, None] * bins + codes.flatten(2).flatten(0, 1)
    return torch.bincount(own.flatten(), minlength=b * c * bins).view(b, c, bins).float()


def histogram(codes: Tensor, bins: int) -> Tensor:
    """(b c h w) integers in [0, bins) -> (b c bins) shares of the pixels."""
    return count(codes, bins) / codes.shape[2:].numel()


def root(shares: Tensor) -> Tensor:
    """Square roots, which even out the noise of large and small shares; a share of a few pixels hardly counts."""
    return (shares + 1e-3).sqrt()


def joint_histogram(codes: Tensor, bins: int) -> Tensor:
    """(b 2 h w) integers in [0, bins) -> (b bins bins) shares of the pixels that have both codes."""
    both = codes[:, :1].long() * bins + codes[:, 1:]
    return histogram(both, bins * bins).view(-1, bins, bins)


def soft_bins(fine: int, bins: int) -> Tensor:
    """(fine, bins) weights that share each fine bin out over the coarse ones near it; rows sum to 1.

    Counting finely and blurring afterwards gives histograms that move smoothly with the picture.
    """
    step = fine / bins
    offset = torch.arange(fine)[:, None] + 0.5 - step * (torch.arange(bins) + 0.5)
    weights = torch.exp(-0.5 * (offset / (0.6 * step)) ** 2)
    return weights / weights.sum(1, keepdim=True)


def eigen(matrices: Tensor) -> tuple[Tensor, Tensor]:
    """(b n n) symmetric -> (b n) eigenvalues, smallest first, and (b n n) axes in columns. Apple's GPUs leave it to the CPU."""
    if matrices.device.type == "mps":
        values, axes = torch.linalg.eigh(matrices.cpu())
        return values.to(matrices.device), axes.to(matrices.device)
    values, axes = torch.linalg.eigh(matrices)
    return values, axes


def log_correlation(maps: Tensor) -> Tensor:
    """(b c n) maps over n places -> (b c(c+1)/2): the matrix logarithm of their correlation, upper triangle.

    The log-Euclidean coordinates of Arsigny et al. 2007, where covariance matrices (Tuzel et al. 2006) can be compared
    as vectors. A correlation does not change with the contrast of any map.
    """
    centred = maps - maps.mean(2, keepdim=True)
    covariance = centred @ centred.transpose(1, 2) / maps.shape[2]
    scale = (covariance.diagonal(dim1=1, dim2=2) + 1e-6).rsqrt()
    c = maps.shape[1]
    values, axes = eigen(covariance * scale[:, :, None] * scale[:, None] + 0.05 * torch.eye(c, device=maps.device))
    logarithm: Tensor = (axes * values.clamp(min=1e-3).log()[:, None]) @ axes.transpose(1, 2)
    row, column = torch.triu_indices(c, c, device=maps.device)
    return logarithm[:, row, column] * torch.where(row == column, 1.0, math.sqrt(2.0))
