"""Published linear-probe scores of public encoders: mean balanced accuracy and standard deviation over five runs.

``eva-2024``: "Towards Large-Scale Training of Pathology Foundation Models" (arXiv 2404.15217), Table I, which is also the
table of eva 0.0.2. ``eva-2025``: the leaderboard of eva 0.4.5, which gives no deviations and no rows without pathology
training. Models that eva fed or pooled otherwise than their publishers do, as is done here, are left out (Virchow2,
Midnight-12k, Prov-GigaPath). A split is part of a column's name where a data set has two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column of Table I."""

    task: str
    split: str
    title: str
    classes: int
    tolerance: float
    """How far a faithful repetition may lie from the published mean: eva's own repetition moved by up to .036 on BACH."""

    @property
    def selected(self) -> bool:
        """True if the checkpoint was chosen on the same rows it is reported on, which makes the score optimistic."""
        return self.split == "val"


COLUMNS: Mapping[str, Column] = {
    "bach": Column("bach", "val", "BACH", 4, 0.04),
    "crc": Column("crc", "val", "CRC", 9, 0.02),
    "mhist": Column("mhist", "val", "MHIST", 2, 0.03),
    "pcam/val": Column("pcam", "val", "PCam val", 2, 0.02),
    "pcam/test": Column("pcam", "test", "PCam test", 2, 0.02),
}

BASELINES = ("random-vits16", "dino-vits16")
"""Rows that never saw tissue: the same architecture with random weights, and trained on ImageNet."""

Score = tuple[float, float | None]
"""Mean and standard deviation; None where none is given."""


def _row(*scores: float) -> dict[str, Score]:
    """Means and deviations in turn, in the order of the columns."""
    return dict(zip(COLUMNS, zip(scores[::2], scores[1::2], strict=True), strict=True))


def _means(*means: float) -> dict[str, Score]:
    return {name: (mean, None) for name, mean in zip(COLUMNS, means, strict=True)}


PUBLISHED: Mapping[str, Mapping[str, Mapping[str, Score]]] = {
    "eva-2024": {
        "random-vits16": _row(0.410, 0.009, 0.617, 0.008, 0.501, 0.004, 0.753, 0.002, 0.728, 0.003),
        "dino-vits16": _row(0.695, 0.004, 0.935, 0.003, 0.831, 0.002, 0.864, 0.007, 0.849, 0.007),
        "dino-vitb8": _row(0.710, 0.007, 0.939, 0.001, 0.814, 0.003, 0.870, 0.003, 0.856, 0.004),
        "dinov2-vitl14": _row(0.707, 0.008, 0.916, 0.002, 0.832, 0.003, 0.873, 0.001, 0.888, 0.001),
        "lunit-vits16": _row(0.801, 0.005, 0.934, 0.001, 0.768, 0.004, 0.889, 0.002, 0.895, 0.006),
        "phikon": _row(0.725, 0.004, 0.935, 0.001, 0.777, 0.005, 0.912, 0.002, 0.915, 0.003),
        "uni": _row(0.814, 0.008, 0.950, 0.001, 0.837, 0.001, 0.936, 0.001, 0.938, 0.001),
        "kaiko-vits16": _row(0.797, 0.003, 0.943, 0.001, 0.828, 0.003, 0.903, 0.001, 0.893, 0.005),
        "kaiko-vits8": _row(0.834, 0.012, 0.946, 0.002, 0.832, 0.006, 0.897, 0.001, 0.887, 0.002),
        "kaiko-vitb16": _row(0.810, 0.008, 0.960, 0.001, 0.826, 0.003, 0.900, 0.002, 0.898, 0.003),
        "kaiko-vitb8": _row(0.865, 0.019, 0.956, 0.001, 0.809, 0.021, 0.913, 0.001, 0.921, 0.002),
        "kaiko-vitl14": _row(0.870, 0.005, 0.930, 0.001, 0.809, 0.001, 0.908, 0.001, 0.898, 0.002),
    },
    "eva-2025": {
        "uni2-h": _means(0.915, 0.965, 0.824, 0.944, 0.950),
        "kaiko-vitb8": _means(0.866, 0.959, 0.829, 0.912, 0.915),
        "kaiko-vitl14": _means(0.864, 0.938, 0.830, 0.914, 0.911),
        "kaiko-vitb16": _means(0.835, 0.957, 0.837, 0.905, 0.906),
        "kaiko-vits16": _means(0.812, 0.940, 0.831, 0.905, 0.902),
        "kaiko-vits8": _means(0.802, 0.952, 0.823, 0.894, 0.886),
        "uni": _means(0.785, 0.944, 0.843, 0.936, 0.937),
        "lunit-vits16": _means(0.783, 0.940, 0.781, 0.894, 0.897),
        "h-optimus-0": _means(0.759, 0.955, 0.843, 0.932, 0.943),
        "phikon-v2": _means(0.732, 0.939, 0.777, 0.918, 0.894),
        "phikon": _means(0.729, 0.940, 0.803, 0.916, 0.920),
    },
}
"""By protocol, encoder and column."""
