"""Make ``explorer/encoders/descriptor.npz``: what the descriptor knows of stain, learnt from drawn tissue and no other.

    python tests/benchmarks/descriptor_constants.py [--tiles 100]

Each drawn tile is stained and scanned several times by laboratories drawn at random, wider apart than real ones. The
spread between the stainings of one tile is what an encoder should not see; directions where it (and the overall spread)
is large are shrunk, as in within-class covariance normalisation (Hatch and Stolcke 2006). No labels are used.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from explorer.encoders.blocks import measure
from explorer.encoders.descriptor import CLIP, SIDE_PX
from explorer.sources.stain import Stain
from explorer.sources.tissue import CLASSES, draw

STAININGS = 3
MPP = (0.25, 1.0)
"""Micrometres per pixel, drawn evenly on the logarithm."""
BETWEEN = 0.3
"""Weight of the spread between tiles beside that within a tile."""
FLOOR = 0.2
"""Added to every variance, in units of the mean variance: what drawn tissue hardly varies is not to be trusted blindly."""
AXES = 256
OUT = Path(__file__).resolve().parents[2] / "explorer" / "encoders" / "descriptor.npz"


def laboratory(rng: np.random.Generator) -> tuple[Stain, float]:
    """A stain and a scanner drawn at random around those in use, and the exponent of the scanner's tone curve."""
    dyes = np.array([[0.60, 0.70, 0.34], [0.14, 0.89, 0.40], [0.12, 0.76, 0.64]])
    dyes = np.clip(dyes + rng.normal(0.0, [[0.05], [0.07], [0.03]], (3, 3)), 0.01, None)
    dyes /= np.linalg.norm(dyes, axis=1, keepdims=True)
    amounts = np.exp([*rng.uniform(-0.45, 0.40, 2), 0.0])
    stain = Stain(
        absorption=dyes * amounts[:, None],
        white=np.clip(rng.uniform(225.0, 250.0) + rng.normal(0.0, 2.5, 3), 0.0, 252.0),
        blur_px=float(rng.uniform(0.35, 1.1)),
        noise=float(rng.uniform(0.6, 3.0)),
    )
    return stain, float(rng.uniform(0.85, 1.2))


def picture(label: str, seed: tuple[int, int], staining: int) -> np.ndarray:
    """One drawn tile under one laboratory; the tissue depends on ``seed`` alone."""
    mpp = float(np.exp(np.random.default_rng([0, *seed]).uniform(*np.log(MPP))))
    stain, tone = laboratory(np.random.default_rng([2, *seed, staining]))
    drawn = draw(label, rng=np.random.default_rng([1, *seed]), side_px=SIDE_PX, mpp=mpp, stain=stain)
    return np.rint(255.0 * (drawn / 255.0) ** tone).astype(np.uint8)


def measured(tiles: int) -> np.ndarray:
    """(classes * tiles, STAININGS, d): every tile of every class under several laboratories."""
    rows = []
    for number, label in enumerate(CLASSES):
        for tile in range(tiles):
            pictures = np.stack([picture(label, (number, tile), staining) for staining in range(STAININGS)])
            batch = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255.0
            rows.append(torch.cat(list(measure(batch).values()), 1).numpy())
    return np.stack(rows)


def fit(rows: np.ndarray, tissue: np.ndarray) -> dict[str, np.ndarray]:
    """(n, stainings, d) measurements, (n,) False for tiles of bare glass -> the constants."""
    flat = rows[tissue].reshape(-1, rows.shape[2]).astype(np.float64)
    centre, spread = flat.mean(0), flat.std(0) + 2e-3
    scores = np.clip((rows - centre) / spread, -CLIP, CLIP)
    mean = scores.mean(1)
    inside = (scores - mean[:, None]).reshape(-1, scores.shape[2])
    spread_inside = inside.T @ inside / (len(mean) * (scores.shape[1] - 1))
    values, axes = np.linalg.eigh(spread_inside + BETWEEN * np.cov(mean.T))
    values, axes = values[::-1], axes[:, ::-1]
    floor = FLOOR * values.mean()
    shrink = 1.0 - np.sqrt((values[AXES:].mean() + floor) / (values[:AXES] + floor))
    return {
        "centre": centre.astype(np.float32),
        "spread": spread.astype(np.float32),
        "axes": axes[:, :AXES].astype(np.float16),
        "shrink": shrink.astype(np.float32),
    }


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--tiles", type=int, default=100, help="drawn tiles of each class")
    tiles = options.parse_args().tiles
    torch.set_num_threads(1)
    with torch.inference_mode():
        rows = measured(tiles)
    constants = fit(rows, np.repeat([label != "BACK" for label in CLASSES], tiles))
    np.savez(OUT, **constants)
    print(f"{rows.shape[0]} tiles x {rows.shape[1]} stainings, {rows.shape[2]} numbers -> {OUT} ({OUT.stat().st_size} bytes)")
