"""Vectors in groups and exact neighbour graphs, which several tests share."""

from __future__ import annotations

import numpy as np

from explorer.types import Neighbours


def exact_graph(vectors: np.ndarray, k: int) -> Neighbours:
    """Brute force, padded with -1 and -inf where there are fewer than k other rows."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -np.inf)
    rows = np.argsort(-cosine, 1, kind="stable")[:, : min(k, len(vectors) - 1)]
    pad = ((0, 0), (0, k - rows.shape[1]))
    scores = np.pad(np.take_along_axis(cosine, rows, 1), pad, constant_values=-np.inf)
    return Neighbours(np.pad(rows, pad, constant_values=-1).astype(np.int64), scores.astype(np.float32))


def islands(n: int, *, groups: int = 5, dim: int = 16, spread: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors around ``groups`` directions, and the group of each."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % groups
    return (spread * rng.normal(size=(n, dim)) + 4 * rng.normal(size=(groups, dim))[group]).astype(np.float32), group
