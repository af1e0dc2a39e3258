"""The descriptor: invariant under rotation, robust to another stain, and always a finite, non-zero vector."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from explorer import encoders
from explorer.encoders import descriptor, filters, stains
from explorer.encoders.descriptor import Descriptor
from explorer.errors import InputError
from explorer.sources.stain import stain_of
from explorer.sources.tissue import CLASSES, draw

CONSTANTS = Path(descriptor.__file__).with_name("descriptor.npz")
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


def test_patches_are_measured_side_by_side_each_by_one_thread(encoder: Descriptor, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (7, 3, 224, 224), dtype=np.uint8))
    one_by_one = torch.cat([encoder.encode(patch[None]) for patch in batch])
    seen: list[tuple[int, int]] = []
    encode = encoder._encode

    def watched(part: torch.Tensor) -> torch.Tensor:
        seen.append((len(part), torch.get_num_threads()))
        return encode(part)

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        monkeypatch.setattr(encoder, "_encode", watched)
        together = encoder.encode(batch)
        assert torch.get_num_threads() == 3  # nobody else is limited
    finally:
        torch.set_num_threads(before)
    assert sorted(seen) == [(3, 1), (4, 1)]
    torch.testing.assert_close(together, one_by_one, atol=1e-4, rtol=1e-4)


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


def test_another_stain_moves_a_patch_less_than_another_tissue_does(encoder: Descriptor, drawn: np.ndarray) -> None:
    tissue = np.array([label != "BACK" for label in CLASSES])
    images = drawn[tissue]
    v = vectors(encoder, images.reshape(-1, *images.shape[2:])).reshape(*images.shape[:2], -1)
    v /= np.linalg.norm(v, axis=-1, keepdims=True)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        across = v[:, a] @ v[:, b].T
        own = np.diag(across)
        others = across[~np.eye(len(across), dtype=bool)]
        assert (across.argmax(1) == np.arange(len(across))).all()
        assert own.mean() > others.max()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_vector_does_not_depend_on_the_other_patches_of_its_batch(encoder: Descriptor, drawn: np.ndarray, threads: int) -> None:
    images = drawn[:, 1]
    whole = vectors(encoder, images)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert np.array_equal(whole, vectors(encoder, images))
        alone = np.concatenate([vectors(encoder, images[[i]]) for i in range(len(images))])
    finally:
        torch.set_num_threads(before)
    assert cosine(whole, alone).min() >= 0.99999


def odd_pictures() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    grey = np.repeat(rng.integers(0, 256, (224, 224, 1), dtype=np.uint8), 3, axis=2)
    pen = np.full((224, 224, 3), 240, np.uint8)
    pen[60:120] = (20, 60, 200)
    one_dark = np.full((224, 224, 3), 255, np.uint8)
    one_dark[100, 100] = 0
    return {
        "white": np.full((224, 224, 3), 255, np.uint8),
        "black": np.zeros((224, 224, 3), np.uint8),
        "one colour": np.full((224, 224, 3), (150, 80, 160), np.uint8),
        "pure red": np.full((224, 224, 3), (255, 0, 0), np.uint8),
        "grey noise": grey,
        "colour noise": rng.integers(0, 256, (224, 224, 3), dtype=np.uint8),
        "pen": pen,
        "one dark pixel": one_dark,
        "checkerboard": np.repeat(((np.indices((224, 224)).sum(0) % 2) * 255).astype(np.uint8)[..., None], 3, axis=2),
        "small": rng.integers(0, 256, (96, 96, 3), dtype=np.uint8),
        "tall and thin": rng.integers(0, 256, (900, 7, 3), dtype=np.uint8),
        "one pixel": np.full((1, 1, 3), 77, np.uint8),
    }


@pytest.mark.parametrize("name", odd_pictures())
def test_odd_pictures_have_finite_vectors_with_a_direction(encoder: Descriptor, name: str) -> None:
    square = encoder.resize(odd_pictures()[name])
    vector, turned = encoder.encode(torch.stack([square, square.rot90(1, (1, 2))])).numpy()
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) > 1.0
    assert cosine(vector, turned) >= 0.999


def test_every_real_patch_has_a_finite_vector(encoder: Descriptor, shared_data: Path) -> None:
    files = sorted((shared_data / "qc_tiles").rglob("*.png"))
    assert files
    for file in files:
        vector = vectors(encoder, np.asarray(Picture.open(file).convert("RGB"))[None])
        assert np.isfinite(vector).all()
        assert np.linalg.norm(vector) > 1.0


def test_bytes_and_floats_give_the_same_vector(encoder: Descriptor, drawn: np.ndarray) -> None:
    prepared = torch.stack([encoder.prepare(image) for image in drawn[:2, 0]])
    assert prepared.dtype == torch.float32
    assert float(prepared.min()) >= 0.0
    assert float(prepared.max()) <= 1.0
    assert np.array_equal(encoder.encode(prepared).numpy(), vectors(encoder, drawn[:2, 0]))


def test_the_descriptor_has_the_properties_of_its_record(encoder: Descriptor, drawn: np.ndarray) -> None:
    out = encoder.encode(torch.stack([encoder.resize(drawn[0, 0])]))
    assert out.shape == (1, encoder.dim)
    assert out.dtype == torch.float32
    assert json.loads(json.dumps(dict(encoder.recipe))) == encoder.recipe
    packed = CONSTANTS.read_bytes()
    assert encoder.recipe["constants_sha256"] == hashlib.sha256(packed).hexdigest()
    assert encoder.encode(torch.empty(0, 3, 224, 224)).shape == (0, encoder.dim)


@pytest.mark.parametrize(
    ("precision", "words"), [("bf16", "computes in fp32 only; use"), ("fp64", "not a precision"), ("", "not a precision")]
)
def test_a_precision_it_does_not_have_is_refused(precision: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        encoders.load("descriptor", device="cpu", precision=precision)
    for fine in ("auto", "fp32"):
        assert encoders.load("descriptor", device="cpu", precision=fine).recipe["precision"] == "fp32"


def test_the_constants_are_plain_arrays_of_a_few_hundred_kilobytes() -> None:
    assert CONSTANTS.stat().st_size < 2_000_000
    with np.load(CONSTANTS, allow_pickle=False) as file:
        assert all(np.isfinite(file[name]).all() for name in file.files)
        assert (file["spread"] > 0).all()
        axes = file["axes"].astype(np.float32)
    np.testing.assert_allclose(axes.T @ axes, np.eye(axes.shape[1]), atol=2e-2)


# --- the pieces against what they are defined to be ---------------------------------------------------------------


def test_the_white_point_is_read_off_glass_and_not_off_pink_tissue() -> None:
    picture = torch.full((2, 3, 56, 56), 0.6)
    white = torch.tensor([0.95, 0.90, 0.92])
    picture[0, :, :10] = white[:, None, None]
    picture[1, :, :10] = torch.tensor([0.95, 0.60, 0.80])[:, None, None]
    found = stains.white_point(picture).flatten(1)
    np.testing.assert_allclose(found[0], white, atol=2e-3)
    assert torch.equal(found[1], torch.ones(3))


def test_quantiles_are_those_of_the_sorted_values_under_the_mask() -> None:
    rng = np.random.default_rng(2)
    values = rng.random((2, 3, 400)).astype(np.float32)
    among = rng.random((2, 400)) < 0.5
    got = stains.quantiles(torch.from_numpy(values), torch.from_numpy(among), (0.02, 0.5, 0.97), low=0.0, high=1.0)
    for b in range(2):
        want = np.quantile(values[b][:, among[b]], (0.02, 0.5, 0.97), axis=1, method="inverted_cdf").T
        np.testing.assert_allclose(got[b], want, atol=1.5e-3)


def test_stains_are_found_again_in_a_mixture() -> None:
    true = np.array([[0.70, 0.65, 0.30], [0.15, 0.92, 0.36]], np.float32)
    true /= np.linalg.norm(true, axis=1, keepdims=True)
    rng = np.random.default_rng(3)
    amounts = rng.gamma(1.0, 0.4, (1, 56 * 56, 2)).astype(np.float32)
    amounts[:, ::3, 0] = 0.0
    amounts[:, 1::3, 1] = 0.0
    density = torch.from_numpy(amounts @ true).transpose(1, 2).reshape(1, 3, 56, 56)
    found, tissue = stains.estimate_stains(density)
    reference = stains.reference_stains(density)
    angle = lambda a, b: float(torch.rad2deg(torch.arccos((a * b).sum(-1).clamp(max=1.0)).max()))  # noqa: E731
    assert angle(found[0], torch.from_numpy(true)) < 0.5 * angle(reference, torch.from_numpy(true))
    recovered = stains.concentrations(density, torch.from_numpy(true)[None]).flatten(2).transpose(1, 2)
    np.testing.assert_allclose(recovered.numpy(), amounts, atol=0.02)
    top = stains.strength(recovered.transpose(1, 2).reshape(1, 2, 56, 56), tissue)
    np.testing.assert_allclose(top[0], np.quantile(amounts[0][tissue[0].numpy()], 0.97, axis=0), rtol=0.03)


def test_local_binary_patterns_are_the_uniform_patterns_of_the_definition() -> None:
    x = np.random.default_rng(0).random((12, 13)).astype(np.float32)
    want = np.empty((10, 11), int)
    ring = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
    for i in range(10):
        for j in range(11):
            bits = [x[i + 1 + a, j + 1 + b] > x[i + 1, j + 1] + np.float32(0.02) for a, b in ring]
            changes = sum(bits[k] != bits[k - 1] for k in range(8))
            want[i, j] = sum(bits) if changes <= 2 else 9
    got = filters.local_binary_patterns(torch.from_numpy(x), margin=0.02)
    assert np.array_equal(got.numpy(), want)


def test_log_correlation_is_the_matrix_logarithm_and_blind_to_contrast() -> None:
    x = np.random.default_rng(1).normal(size=(1, 4, 500)) @ np.diag(np.ones(500))
    x[:, 1] += 0.8 * x[:, 0]
    maps = torch.from_numpy(x.astype(np.float32))
    got = filters.log_correlation(maps)[0]
    values, axes = np.linalg.eigh(np.corrcoef(x[0]) + 0.05 * np.eye(4))
    want = (axes * np.log(values)) @ axes.T
    rows, columns = np.triu_indices(4)
    np.testing.assert_allclose(got, want[rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2.0)), atol=1e-4)
    scaled = filters.log_correlation(maps * torch.tensor([3.0, 0.5, 10.0, 2.0])[None, :, None] + 7.0)[0]
    np.testing.assert_allclose(scaled, got, atol=1e-3)


def test_jets_of_a_parabola_are_its_derivatives() -> None:
    y, x = torch.meshgrid(torch.arange(20.0), torch.arange(20.0), indexing="ij")
    j = filters.jet((0.5 * x * x - y * y + 2.0 * x * y + 3.0 * x)[None, None])
    inner = np.s_[0, 0, 3:-3, 3:-3]
    np.testing.assert_allclose(j.laplacian[inner].numpy(), 1.0 - 2.0, atol=1e-3)
    np.testing.assert_allclose(j.stretch[inner].numpy(), np.hypot(1.0 + 2.0, 2.0 * 2.0), atol=1e-3)
    gx, gy = x + 2.0 * y + 3.0, -2.0 * y + 2.0 * x
    np.testing.assert_allclose(j.gradient[inner].numpy(), torch.hypot(gx, gy)[3:-3, 3:-3].numpy(), atol=1e-3)
