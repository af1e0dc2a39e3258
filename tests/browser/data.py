"""Made-up maps for the harness: the same numbers in the server, in its page and in the tests."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from explorer.app.shared import point_buffers

HOSTILE = "<img src=x onerror=alert(1)>"


@cache
def positions(n: int) -> np.ndarray:
    """Clouds of unequal size on an oblong map."""
    rng = np.random.default_rng(7)
    centres = rng.uniform((-12, -4), (12, 4), (12, 2))
    cloud = clouds(n)
    return (centres[cloud] + rng.normal(0, 1, (n, 2)) * rng.uniform(0.3, 1.2, 12)[cloud, None]).astype(np.float32)


@cache
def clouds(n: int) -> np.ndarray:
    return np.random.default_rng(8).integers(0, 12, n)


@cache
def point_buffer(n: int) -> bytes:
    return point_buffers.pack_points(positions(n))


@cache
def column(name: str, n: int) -> point_buffers.Column:
    if name == "tissue":
        names = ["adipose", "debris", "lymphocytes", "mucosa", "muscle", "normal mucosa", "stroma", HOSTILE]
        values = pd.Series([names[c % 8] if c < 11 else None for c in clouds(n)])
        return point_buffers.class_column("tissue", values)
    if name == "forty":
        return point_buffers.class_column("forty", pd.Series([f"slide {k % 40:02d}" for k in range(n)]))
    if name == "many":
        return point_buffers.class_column("many", pd.Series([f"patient {k % 700:03d}" for k in range(n)]))
    values = positions(n)[:, 0].astype(float)
    values[::50] = np.nan
    return point_buffers.value_column("stain", pd.Series(values))


def neighbours(row: int, n: int, k: int = 12) -> list[int]:
    xy = positions(n)
    distance = ((xy - xy[row]) ** 2).sum(axis=1)
    nearest = np.argpartition(distance, k + 1)[: k + 1]
    return [int(other) for other in nearest if other != row][:k]


def medoids(n: int) -> list[tuple[int, str]]:
    xy, cloud = positions(n), clouds(n)
    found = []
    for group in range(12):
        rows = np.flatnonzero(cloud == group)
        if len(rows):
            middle = xy[rows].mean(axis=0)
            found.append((int(rows[((xy[rows] - middle) ** 2).sum(axis=1).argmin()]), f"Group {group + 1}"))
    return found
