"""What every encoder keeps to. A test class inherits this and supplies the fixture ``encoder``."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from explorer import encoders

SIZES = [(256, 256), (96, 96), (224, 224), (300, 731), (731, 300), (5, 400), (1, 1)]


def picture(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    """(h w 3) uint8: smooth colour with texture, so that resizing has something to do."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (3 + i + seed % 5) + i) + np.cos(y / (4 + i) - i) for i in range(3)]
    noise = rng.normal(0, 20, (height, width, 3))
    return (128 + 45 * np.stack(waves, axis=-1) + noise).clip(0, 255).astype(np.uint8)


class EncoderContract:
    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> Any:
        raise NotImplementedError("supply the encoder")

    def test_it_agrees_with_its_record(self, encoder: Any) -> None:
        spec = encoders.spec(encoder.name)
        assert (encoder.dim, encoder.side_px) == (spec.dim, spec.side_px)

    def test_its_recipe_survives_json_and_names_it(self, encoder: Any) -> None:
        assert json.loads(json.dumps(encoder.recipe, allow_nan=False)) == encoder.recipe
        assert encoder.recipe["name"] == encoder.name

    @pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
    def test_any_picture_becomes_the_square_it_takes(self, encoder: Any, size: tuple[int, int]) -> None:
        image = picture(*size)
        side = encoder.side_px
        small, ready = encoder.resize(image), encoder.prepare(image)
        assert (small.shape, small.dtype) == ((3, side, side), torch.uint8)
        assert (ready.shape, ready.dtype) == ((3, side, side), torch.float32)

    def test_read_only_and_mirrored_pictures_are_taken(self, encoder: Any) -> None:
        image = picture(240, 250)
        locked = image.copy()
        locked.flags.writeable = False
        assert torch.equal(encoder.resize(locked), encoder.resize(image))
        assert torch.equal(encoder.resize(image[:, ::-1]), encoder.resize(image[:, ::-1].copy()))

    def test_vectors_are_finite_float32_on_the_cpu_and_carry_no_gradient(self, encoder: Any) -> None:
        vectors = encoder.encode(torch.stack([encoder.prepare(picture(256, 256, seed=i)) for i in range(2)]))
        assert (vectors.shape, vectors.dtype) == ((2, encoder.dim), torch.float32)
        assert vectors.device.type == "cpu"
        assert not vectors.requires_grad
        assert torch.isfinite(vectors).all()

    def test_raw_and_normalised_batches_give_the_same_vectors(self, encoder: Any) -> None:
        images = [picture(256, 256, seed=i) for i in range(2)]
        raw = encoder.encode(torch.stack([encoder.resize(i) for i in images]))
        ready = encoder.encode(torch.stack([encoder.prepare(i) for i in images]))
        torch.testing.assert_close(raw, ready, rtol=1e-4, atol=1e-4)

    def test_the_same_batch_gives_the_same_vectors(self, encoder: Any) -> None:
        batch = torch.stack([encoder.resize(picture(256, 256, seed=i)) for i in range(2)])
        before = batch.clone()
        assert torch.equal(encoder.encode(batch), encoder.encode(batch))
        assert torch.equal(batch, before), "the batch was changed"

    def test_a_vector_does_not_depend_on_its_neighbours_in_the_batch(self, encoder: Any) -> None:
        batch = torch.stack([encoder.resize(picture(256, 256, seed=i)) for i in range(3)])
        together = encoder.encode(batch)
        alone = torch.cat([encoder.encode(batch[i : i + 1]) for i in range(3)])
        cosine = torch.cosine_similarity(together.double(), alone.double())
        assert cosine.min() > 0.9999

    def test_different_pictures_give_different_vectors(self, encoder: Any) -> None:
        vectors = encoder.encode(torch.stack([encoder.resize(picture(256, 256, seed=i)) for i in range(2)]))
        assert not torch.equal(vectors[0], vectors[1])
