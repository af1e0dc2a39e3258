"""The descriptor: the same vector for a turned patch, a restained one close by, and never a vector that breaks the index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from explorer.encoders.descriptor import Descriptor
from explorer.sources.stain import stain_of
from explorer.sources.tissue import CLASSES, draw

TURNS = [(turns, flip) for turns in range(4) for flip in (False, True)]


@pytest.fixture(scope="module")
def encoder() -> Descriptor:
    return Descriptor()


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    """(9 classes, 3 patients, 224 224 3): the same tissue, stained by three laboratories."""
    return np.stack(
        [
            [draw(label, rng=np.random.default_rng([5, number]), stain=stain_of(11, patient)) for patient in range(3)]
            for number, label in enumerate(CLASSES)
        ]
    )


def vectors(encoder: Descriptor, images: np.ndarray) -> np.ndarray:
    return encoder.encode(torch.stack([encoder.resize(np.ascontiguousarray(image)) for image in images])).numpy()


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


@pytest.mark.parametrize(("turns", "flip"), TURNS)
def test_turning_and_mirroring_change_nothing(encoder: Descriptor, drawn: np.ndarray, turns: int, flip: bool) -> None:
    images = drawn[:, 0]
    turned = np.rot90(images[:, :, ::-1] if flip else images, turns, axes=(1, 2))
    assert cosine(vectors(encoder, images), vectors(encoder, turned)).min() >= 0.999


def test_turning_real_patches_changes_nothing(encoder: Descriptor, shared_data: Path) -> None:
    files = [
        next(folder.glob("*.*")) for name in ("crc5", "crc8_kather2016") for folder in (shared_data / name).iterdir() if folder.is_dir()
    ]
    images = np.stack([np.asarray(Picture.open(file).convert("RGB")) for file in files])
    here = vectors(encoder, images)
    for turns, flip in TURNS:
        turned = np.rot90(images[:, :, ::-1] if flip else images, turns, axes=(1, 2))
        assert cosine(here, vectors(encoder, turned)).min() >= 0.999
