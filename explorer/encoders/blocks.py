"""What the descriptor measures on a patch: blocks of numbers, each unchanged by quarter turns and mirroring."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .filters import (
    Jet,
    fine_detail,
    halve,
    histogram,
    jet,
    joint_histogram,
    local_binary_patterns,
    log_correlation,
    mean,
    quarter_cells,
    shape_index,
    soft_bins,
    spots,
)
from .stains import concentrations, estimate_stains, optical_density, strength

SCALES = 3
"""Pictures of 112, 56 and 28 px."""
GRID_PX = 56
"""Maps of all scales are brought to this size where they are compared with each other."""
SPOT_CONTRASTS = (0.05, 0.1, 0.2, 0.4)


def measure(images: Tensor) -> dict[str, Tensor]:
    """(b 3 224 224) float32 in [0, 1] -> {block: (b d)}.

    All blocks but the last two look at the two dyes after the patch's own stain, its vectors and its strength, has been
    taken out; ``colour`` and ``stain`` keep it, since it also tells tissues apart within one slide.
    """
    density = optical_density(images)
    half = halve(density)
    cells = quarter_cells(half)
    stains, tissue = estimate_stains(cells)
    top = strength(concentrations(cells, stains), tissue)[:, :, None, None]
    amounts = concentrations(half, stains)
    pyramid = [(amounts / top).clamp(-0.5, 2.0)]
    while len(pyramid) < SCALES:
        pyramid.append(halve(pyramid[-1]))
    jets = [jet(F.pad(level, (3, 3, 3, 3), mode="reflect")) for level in pyramid]
    edges, corners = fine_detail(density, lambda x: concentrations(x, stains) / top)
    unexplained = half.sum(1, keepdim=True) - (stains.sum(2)[:, :, None, None] * amounts).sum(1, keepdim=True)
    chroma = quarter_cells(images.amax(1, keepdim=True) - images.amin(1, keepdim=True))

    maps = [m for j in jets for m in (*j[:4], F.relu(-j.laplacian))] + [edges, corners, unexplained, chroma]
    blocks = {"correlation": log_correlation(torch.cat([_on_grid(m) for m in maps], 1).flatten(2))}
    for k, (level, j) in enumerate(zip(pyramid, jets, strict=True)):
        codes = local_binary_patterns(level, margin=0.02)
        blocks[f"patterns{k}"] = joint_histogram(codes[:, 0], codes[:, 1], 10).flatten(1).sqrt()
        blocks[f"shape{k}"] = shape_index(j).flatten(1)
        blocks[f"spots{k}"] = spots(j, SPOT_CONTRASTS).flatten(1)
        blocks[f"energy{k}"] = _energy(j)
    weights = soft_bins(24, 8).to(images)
    codes = ((pyramid[0] + 0.2) * (24 / 1.6)).clamp(0, 23).long()
    joint = joint_histogram(codes[:, 0], codes[:, 1], 24)
    blocks["amounts"] = (weights.T @ joint @ weights).flatten(1).sqrt()
    shades = histogram((quarter_cells(images) * 36).clamp(0, 35).long(), 36)
    blocks["colour"] = (shades @ soft_bins(36, 12).to(images)).flatten(1).sqrt()
    spread = (mean(half * half) - mean(half) ** 2).clamp(min=1e-6).sqrt()
    blocks["stain"] = torch.cat([mean(half), spread, stains.flatten(1)], 1)
    return blocks


def _energy(j: Jet) -> Tensor:
    """(b 3c): half the logarithm of the mean square of each derivative."""
    return torch.cat([0.5 * torch.log(mean(m * m) + 1e-5) for m in (j.gradient, j.laplacian, j.stretch)], 1)


def _on_grid(x: Tensor) -> Tensor:
    """(b c h w) -> (b c GRID_PX GRID_PX): averaged, or repeated where it is coarser."""
    side = x.shape[-1]
    if side > GRID_PX:
        return quarter_cells(x)
    return x.repeat_interleave(GRID_PX // side, -1).repeat_interleave(GRID_PX // side, -2)
