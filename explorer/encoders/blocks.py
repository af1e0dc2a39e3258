"""The measurements of the descriptor on a patch: blocks of numbers, each invariant under quarter turns and mirroring."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .filters import (
    fine_detail,
    halve,
    histogram,
    jet,
    joint_histogram,
    local_binary_patterns,
    log_correlation,
    mean,
    pool,
    root,
    soft_bins,
)
from .stains import concentrations, estimate_stains, optical_density, strength, white_point

SCALES = 3
"""Pictures of 112, 56 and 28 px."""
GRID_PX = 56
"""Maps of all scales are brought to this size where they are compared with each other."""


def measure(images: Tensor) -> dict[str, Tensor]:
    """(b 3 224 224) float32 in [0, 1] -> {block: (b d)}.

    All blocks but the last two are computed from the amounts of the two dyes, normalised by the stain vectors and stain
    strength estimated for the patch; ``colour`` and ``stain`` are not normalised, because stain also tells tissues apart within
    one slide.
    """
    images = (images / white_point(pool(pool(images)))).clamp(max=1.0)
    density = optical_density(images)
    half = halve(density)
    cells = pool(half)
    stains, tissue = estimate_stains(cells)
    top = strength(concentrations(cells, stains), tissue)[:, :, None, None]
    amounts = concentrations(half, stains)
    pyramid = [(amounts / top).clamp(-0.5, 2.0)]
    while len(pyramid) < SCALES:
        pyramid.append(halve(pyramid[-1]))
    jets = [jet(level) for level in pyramid]
    edges, corners = fine_detail(density, lambda x: concentrations(x, stains) / top)
    unexplained = half.sum(1, keepdim=True) - (stains.sum(2)[:, :, None, None] * amounts).sum(1, keepdim=True)
    chroma = pool(images.amax(1, keepdim=True) - images.amin(1, keepdim=True))

    maps = [m for j in jets for m in (j.value, j.gradient, j.laplacian, j.stretch, F.relu(-j.laplacian))]
    maps += [edges, corners, unexplained, chroma]
    codes = local_binary_patterns(pyramid[0], margin=0.02)
    shades = histogram((pool(images) * 36.0).clamp(0, 35).long(), 36)
    spread = (mean(half * half) - mean(half) ** 2).clamp(min=1e-6).sqrt()
    return {
        "correlation": log_correlation(torch.cat([_on_grid(m) for m in maps], 1).flatten(2)),
        "patterns": root(joint_histogram(codes, 10).flatten(1)),
        "amounts": _amounts(pyramid[0]),
        "colour": root(shades @ soft_bins(36, 12).to(images)).flatten(1),
        "stain": torch.cat([mean(half), spread, stains.flatten(1)], 1),
    }


def _amounts(dyes: Tensor) -> Tensor:
    """(b 2 h w) -> (b 64): joint distribution of the amounts of the two dyes, square roots of an 8 x 8 histogram."""
    weights = soft_bins(24, 8).to(dyes)
    codes = ((dyes + 0.2) * (24.0 / 1.6)).clamp(0, 23).long()
    return root(weights.T @ joint_histogram(codes, 24) @ weights).flatten(1)


def _on_grid(x: Tensor) -> Tensor:
    """(b c h w) -> (b c GRID_PX GRID_PX): averaged, or repeated where it is coarser."""
    side = x.shape[-1]
    if side > GRID_PX:
        return pool(x)
    return x.repeat_interleave(GRID_PX // side, -1).repeat_interleave(GRID_PX // side, -2)
