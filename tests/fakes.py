"""Small stand-ins that tests share: a folder of made-up patches and an encoder that needs no weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

CLASSES = ("TUM", "STR", "LYM")


def write_patches(folder: Path, *, per_class: int = 8, side_px: int = 32, seed: int = 0) -> Path:
    """One folder per class; classes differ in colour, every picture in its noise."""
    random = np.random.default_rng(seed)
    for number, label in enumerate(CLASSES):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for i in range(per_class):
            colour = np.array([200, 120, 160]) - 50 * np.eye(3)[number]
            pixels = np.clip(colour + random.normal(0, 12, (side_px, side_px, 3)), 0, 255).astype(np.uint8)
            Pillow.fromarray(pixels).save(folder / label / f"{label.lower()}-{i:03d}.png")
    return folder


class MeanColour:
    """An encoder one can compute by hand: means of the channels in four quarters, 12 numbers. Counts what it encodes."""

    name = "mean-colour"
    dim = 12
    side_px = 8
    device = "cpu"

    def __init__(self, *, version: int = 1) -> None:
        self.recipe: Mapping[str, Any] = {"name": self.name, "version": version}
        self.encoded = 0

    def resize(self, image: Any) -> Any:
        import torch

        return torch.from_numpy(
            np.ascontiguousarray(np.asarray(Pillow.fromarray(image).resize((8, 8), Pillow.Resampling.BOX)).transpose(2, 0, 1))
        )

    def prepare(self, image: Any) -> Any:
        return self.resize(image).float() / 255

    def encode(self, batch: Any) -> Any:
        self.encoded += len(batch)
        values = batch.float() / 255 if batch.dtype.itemsize == 1 else batch
        return values.reshape(-1, 3, 2, 4, 2, 4).mean(dim=(3, 5)).reshape(-1, 12)
