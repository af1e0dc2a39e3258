"""What the descriptor measures on a patch: blocks of numbers, each unchanged by quarter turns and mirroring."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .filters import (
    Jet,
    halve,
    jet,
    joint_histogram,
    local_binary_patterns,
    log_correlation,
    mean,
    shape_index,
    soft_histogram,
    spots,
)
from .stains import concentrations, estimate_stains, optical_density, reference_stains, strength

GRID_PX = 56
"""Maps of all scales are brought to this size where they are compared with each other."""


def measure(images: Tensor) -> dict[str, Tensor]:
    """(b 3 224 224) float32 in [0, 1] -> {block: (b d)}.

    Most blocks look at the two dyes after the patch's own stain has been taken out (its vectors and its strength), so they
    keep tissue and lose stain. Three small ones (``stain``, ``ground``, ``colour``) keep the stain as it is.
    """
    density = optical_density(images)
    half = halve(density)
    quarter = F.avg_pool2d(half, 2)
    stains, tissue = estimate_stains(quarter)
    top = strength(concentrations(quarter, stains), tissue)
    dyes = [(concentrations(half, stains) / top[:, :, None, None]).clamp(-0.5, 2.0)]
    for _ in range(3):
        dyes.append(halve(dyes[-1]))
    jets = [jet(F.pad(level, (3, 3, 3, 3), mode="reflect")) for level in dyes]
    blocks = {}
    for k, j in enumerate(jets):
        blocks[f"energy{k}"] = _energy(j)
        blocks[f"shape{k}"] = shape_index(j).flatten(1)
        blocks[f"spots{k}"] = spots(j, (0.05, 0.1, 0.2, 0.4)).flatten(1)
        blocks[f"sparse{k}"] = _sparseness(j)
    for k, level in enumerate(dyes[:3]):
        codes = local_binary_patterns(level, margin=0.02)
        blocks[f"patterns{k}"] = joint_histogram(codes[:, 0], codes[:, 1], 10).flatten(1).sqrt()
    for k, j in enumerate(jets[:2]):
        blocks[f"clusters{k}"] = _clustering(j)
    blocks["correlation"] = log_correlation(torch.cat([_on_grid(m) for j in jets[:3] for m in j[:4]], 1).flatten(2))
    blocks["amounts"] = soft_histogram(dyes[0][:, 0], dyes[0][:, 1], low=-0.2, high=1.4, bins=8)
    fixed = concentrations(half, reference_stains(half))
    blocks["ground"] = soft_histogram(fixed[:, 0], fixed[:, 1], low=-0.1, high=2.0, bins=8)
    blocks["stain"] = torch.cat([mean(half), half.std((2, 3)), stains.flatten(1)], 1)
    small = F.avg_pool2d(images, 4)
    pairs = ((0, 1), (1, 2))
    blocks["colour"] = torch.cat([soft_histogram(small[:, a], small[:, b], low=0.0, high=1.0, bins=6) for a, b in pairs], 1)
    return blocks


def _energy(j: Jet) -> Tensor:
    """(b 3c): half the logarithm of the mean square of each derivative."""
    return torch.cat([0.5 * torch.log(mean(m * m) + 1e-5) for m in (j.gradient, j.laplacian, j.stretch)], 1)


def _sparseness(j: Jet) -> Tensor:
    """(b 6c): are the responses everywhere or in a few places; are spots dark or pale; do the fibres lie in one direction."""
    shares = [mean(m.abs()) ** 2 / (mean(m * m) + 1e-5) for m in (j.gradient, j.laplacian, j.stretch)]
    power = mean(j.laplacian**2) + 1e-5
    skew = mean(j.laplacian**3) / power**1.5
    tails = torch.log1p(mean(j.laplacian**4) / power**2)
    cos, sin = j.axis
    aligned = ((mean(cos) ** 2 + mean(sin) ** 2).sqrt() / (mean(j.stretch) + 1e-3)).sqrt()
    return torch.cat([*shares, skew.sign() * torch.log1p(skew.abs()), tails, aligned], 1)


def _clustering(j: Jet) -> Tensor:
    """(b 12c): how unevenly edges and spots are spread, at three coarser scales (a second layer, as in scattering transforms)."""
    found = []
    maps = torch.cat([j.gradient, j.laplacian.abs()], 1)
    level = mean(maps) + 1e-3
    for _ in range(3):
        maps = halve(maps)
        second = jet(F.pad(maps, (3, 3, 3, 3), mode="reflect"))
        found += [torch.log(mean(m.abs()) / level + 1e-3) for m in (second.gradient, second.laplacian)]
    return torch.cat(found, 1)


def _on_grid(x: Tensor) -> Tensor:
    """(b c h w) -> (b c GRID_PX GRID_PX): averaged, or repeated where it is coarser."""
    side = x.shape[-1]
    if side >= GRID_PX:
        return F.avg_pool2d(x, side // GRID_PX) if side > GRID_PX else x
    return x.repeat_interleave(GRID_PX // side, -1).repeat_interleave(GRID_PX // side, -2)
