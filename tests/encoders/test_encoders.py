"""Encoders: the table, the preprocessing, and the models as their publishers build them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from contracts.encoder_contract import SIZES, EncoderContract, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from explorer import encoders
from explorer.encoders import checkpoints, devices, timm_encoder, weights
from explorer.encoders.preprocess import normalise, resize_crop
from explorer.encoders.spec import EncoderSpec
from explorer.errors import DeviceUnavailable, EncoderUnknown, InputError, WeightsMissing, WeightsRefused

KAIKO = {
    "kaiko-vits16": ("vit_small_patch16_224", "vits16", 384),
    "kaiko-vits8": ("vit_small_patch8_224", "vits8", 384),
    "kaiko-vitb16": ("vit_base_patch16_224", "vitb16", 768),
    "kaiko-vitb8": ("vit_base_patch8_224", "vitb8", 768),
    "kaiko-vitl14": ("vit_large_patch14_reg4_dinov2", "vitl14", 1024),
}
FIRST_RANDOM_WEIGHTS = [0.022352440282702446, -0.027742497622966766, -0.008531431667506695]
TIMM_NAMES = [name for name in encoders.names() if encoders.spec(name).loader == "timm"]


# --- the table -------------------------------------------------------------------------------------------------------


def test_names_are_unique_and_lower_case() -> None:
    names = encoders.names()
    assert len(set(names)) == len(names)
    assert all(name == name.lower() for name in names)


@pytest.mark.parametrize("name", encoders.names())
def test_every_record_states_licence_and_access(name: str) -> None:
    spec = encoders.spec(name)
    assert json.loads(json.dumps(spec.to_json())) == spec.to_json()
    assert spec.license
    assert spec.license_url.startswith("https://")
    assert spec.paper
    assert spec.dim > 0
    assert spec.side_px <= spec.resize_px
    assert len(spec.mean) == len(spec.std) == 3
    assert all(0 <= value < 1 for value in spec.mean)
    assert all(0 < value <= 1 for value in spec.std)
    assert spec.mpp is None or 0 < spec.mpp[0] <= spec.mpp[1]
    assert "non-commercial" not in spec.license.lower() or spec.non_commercial
    assert "-NC-" not in spec.license or spec.non_commercial
    assert not spec.gated or spec.access, "a gated model says how to get it"
    assert bool(spec.file) == (spec.loader == "timm" and spec.seed is None)


@pytest.mark.parametrize("name", TIMM_NAMES)
def test_every_timm_record_builds_a_model_of_its_size(name: str) -> None:
    spec = encoders.spec(name)
    model: Any = timm_encoder.build(spec)
    assert model.num_features * (2 if spec.pooling == "cls+mean" else 1) == spec.dim
    assert spec.parameters_m == pytest.approx(sum(p.numel() for p in model.parameters()) / 1e6, abs=0.06)
    assert not {name for name, _ in model.named_buffers()} - set(model.state_dict()), "a buffer that no file fills"


def test_virchow2_leaves_its_registers_out_of_the_mean() -> None:
    small = replace(encoders.spec("virchow2"), kwargs={**encoders.spec("virchow2").kwargs, "depth": 1})
    encoder = random_encoder(small)
    batch = torch.stack([encoder.prepare(picture(224, 224))])
    with torch.inference_mode():
        tokens = encoder._model.forward_features(batch)
    assert tokens.shape[1] == 1 + 4 + 256
    assert torch.equal(encoder.encode(batch), torch.cat([tokens[:, 0], tokens[:, 5:].mean(1)], dim=1))


def test_unknown_names_and_models_that_need_another_program() -> None:
    with pytest.raises(EncoderUnknown, match="kaiko-vits17"):
        encoders.load("kaiko-vits17")
    with pytest.raises(WeightsMissing, match=r"huggingface\.co/MahmoodLab/CONCH"):
        encoders.load("conch")
    with pytest.raises(InputError, match="no weight file"):
        encoders.load("random-vits16", weights="some.pth")


# --- preprocessing ---------------------------------------------------------------------------------------------------

KAIKO_TRANSFORM = v2.Compose(
    [v2.ToImage(), v2.Resize(224), v2.CenterCrop(224), v2.ToDtype(torch.float32, scale=True), v2.Normalize((0.5,) * 3, (0.5,) * 3)]
)


def as_ours(image: np.ndarray, spec: EncoderSpec) -> torch.Tensor:
    return normalise(resize_crop(image, side_px=spec.side_px, resize_px=spec.resize_px, interpolation=spec.interpolation), spec)


@pytest.mark.parametrize("size", [*SIZES, (225, 224), (1000, 1001), (223, 640), (2048, 1536)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_preprocessing_equals_torchvision_to_the_bit(size: tuple[int, int]) -> None:
    image = picture(*size)
    assert torch.equal(as_ours(image, encoders.spec("kaiko-vits16")), KAIKO_TRANSFORM(Pillow.fromarray(image)))


@given(height=st.integers(1, 500), width=st.integers(1, 500), seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_preprocessing_equals_torchvision_for_all_shapes(height: int, width: int, seed: int) -> None:
    image = picture(height, width, seed=seed)
    assert torch.equal(as_ours(image, encoders.spec("kaiko-vits16")), KAIKO_TRANSFORM(Pillow.fromarray(image)))


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_preprocessing_with_bicubic_and_a_smaller_crop_equals_torchvision(size: tuple[int, int]) -> None:
    spec = encoders.spec("prov-gigapath")
    theirs = v2.Compose(
        [
            v2.ToImage(),
            v2.Resize(256, interpolation=v2.InterpolationMode.BICUBIC),
            v2.CenterCrop(224),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    image = picture(*size)
    assert torch.equal(as_ours(image, spec), theirs(Pillow.fromarray(image)))


def test_a_crop_larger_than_the_picture_is_padded_with_black_as_torchvision_does() -> None:
    spec = replace(encoders.spec("kaiko-vits16"), resize_px=100)
    image = picture(90, 130)
    theirs = v2.Compose([v2.ToImage(), v2.Resize(100), v2.CenterCrop(224)])(Pillow.fromarray(image))
    assert torch.equal(
        resize_crop(image, side_px=spec.side_px, resize_px=spec.resize_px, interpolation=spec.interpolation), torch.as_tensor(theirs)
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (5, 4)])
def test_mirrored_pictures_of_one_pixel_width(size: tuple[int, int]) -> None:
    image = picture(*size)[::-1, ::-1]  # numpy calls it contiguous where a side is 1, and torch does not take it
    assert torch.equal(as_ours(image, encoders.spec("kaiko-vits16")), KAIKO_TRANSFORM(Pillow.fromarray(image.copy())))


@pytest.mark.parametrize(("size", "kept"), [((2, 1500), (2, 1024)), ((1500, 2), (1024, 2))])
def test_the_ends_of_a_thin_strip_are_cut_off_before_it_is_resized(
    size: tuple[int, int], kept: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    resized = []

    def resize(pixels: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        resized.append(tuple(pixels.shape[1:]))
        return original(pixels, *args, **kwargs)

    original = functional.resize_image
    monkeypatch.setattr(functional, "resize_image", resize)
    image = picture(*size)
    ours = as_ours(image, encoders.spec("kaiko-vits16"))
    assert resized == [kept]  # otherwise a picture of 1 x 100 000 pixels would take 15 GB
    assert torch.equal(ours, KAIKO_TRANSFORM(Pillow.fromarray(image)))


def test_real_pictures_are_preprocessed_as_torchvision_does(shared_data: Path) -> None:
    files = sorted((shared_data / "crc5").rglob("*.*"))[:20]
    pictures = [Pillow.open(f).convert("RGB") for f in files if f.suffix.lower() in (".png", ".jpg", ".jpeg", ".tif")]
    assert pictures
    for image in pictures:
        assert torch.equal(as_ours(np.asarray(image), encoders.spec("kaiko-vits16")), KAIKO_TRANSFORM(image))


# --- the models, as their publishers build them ----------------------------------------------------------------------


def saved(folder: Path, architecture: str, **kwargs: Any) -> tuple[Path, dict[str, torch.Tensor]]:
    """A file of random weights, and the tensors in it."""
    random = torch.Generator().manual_seed(1)
    with torch.device("meta"):
        shapes = {name: t.shape for name, t in timm.create_model(architecture, num_classes=0, **kwargs).state_dict().items()}
    tensors = {name: torch.randn(shape, generator=random) * 0.05 + (len(shape) == 1) for name, shape in shapes.items()}
    torch.save(tensors, folder / "weights.pth")
    return folder / "weights.pth", tensors


def as_published(file: Path, architecture: str, **kwargs: Any) -> Any:
    """The call of the publishers' hub code, with the file in place of its address."""
    model = timm.create_model(
        architecture,
        dynamic_img_size=True,
        pretrained_cfg={"file": str(file), "num_classes": 0},
        pretrained=True,
        **kwargs,
    )
    return model.eval()


def load_shallow(
    monkeypatch: pytest.MonkeyPatch, name: str, file: Path, *, precision: str = "fp32", **kwargs: Any
) -> timm_encoder.TimmEncoder:
    """The encoder of that name, with fewer blocks so that the test is quick."""
    spec = encoders.spec(name)
    monkeypatch.setattr(encoders, "TABLE", (replace(spec, kwargs={**spec.kwargs, **kwargs}),))
    encoder = encoders.load(name, weights=file, device="cpu", precision=precision)
    assert isinstance(encoder, timm_encoder.TimmEncoder)
    return encoder


def random_encoder(spec: EncoderSpec, precision: devices.Precision = "fp32") -> timm_encoder.TimmEncoder:
    model = timm_encoder.build(spec)
    checkpoints.fill_randomly(model, seed=3)
    return timm_encoder.TimmEncoder(spec, model, device=torch.device("cpu"), precision=precision, sha256="")


@pytest.mark.parametrize("name", KAIKO)
def test_kaiko_records_are_those_of_the_hub_code(name: str) -> None:
    spec = encoders.spec(name)
    architecture, file, dim = KAIKO[name]
    assert (spec.architecture, spec.dim, spec.kwargs) == (architecture, dim, {"dynamic_img_size": True})
    assert spec.url == f"https://github.com/kaiko-ai/towards_large_pathology_fms/releases/download/0.0.1/{file}.pth"
    assert (spec.side_px, spec.resize_px, spec.interpolation, spec.pooling) == (224, 224, "bilinear", "cls")
    assert spec.mean == spec.std == (0.5, 0.5, 0.5)
    assert spec.non_commercial


@pytest.mark.parametrize("name", KAIKO)
def test_kaiko_models_equal_the_hub_code_to_the_bit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All five at two blocks: patch embedding, positions (the 518 px grid of L/14 brought to 224), registers, class token."""
    architecture = KAIKO[name][0]
    file, _ = saved(tmp_path, architecture, depth=2)
    ours = load_shallow(monkeypatch, name, file, depth=2)
    batch = torch.stack([ours.prepare(picture(256, 300, seed=i)) for i in range(2)])
    with torch.inference_mode():
        theirs = as_published(file, architecture, depth=2)(batch)
    assert torch.equal(ours.encode(batch), theirs)


def test_the_whole_small_model_equals_the_hub_code_to_the_bit(tmp_path: Path) -> None:
    file, _ = saved(tmp_path, "vit_small_patch16_224")
    ours = encoders.load("kaiko-vits16", weights=file, device="cpu", precision="fp32")
    batch = torch.stack([ours.prepare(picture(256, 256, seed=i)) for i in range(2)])
    with torch.inference_mode():
        assert torch.equal(ours.encode(batch), as_published(file, "vit_small_patch16_224")(batch))


def test_the_large_model_is_built_on_the_518_grid() -> None:
    model: Any = timm_encoder.build(encoders.spec("kaiko-vitl14"))
    assert model.pos_embed.shape == (1, 37 * 37, 1024)
    assert model.num_prefix_tokens == 5


@pytest.mark.parametrize(
    ("name", "out_indices"),
    [("kaiko-vits16", 1), ("kaiko-vits16", 2), ("kaiko-vits16", [0]), ("kaiko-vits16", [0, 2]), ("kaiko-vitl14", [0, 2])],
    ids=str,
)
def test_feature_maps_equal_the_hub_code_to_the_bit(
    name: str, out_indices: int | list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    architecture = KAIKO[name][0]
    file, _ = saved(tmp_path, architecture, depth=3)
    ours = load_shallow(monkeypatch, name, file, depth=3)
    batch = torch.stack([ours.prepare(picture(256, 256))])
    with torch.inference_mode():
        theirs = as_published(file, architecture, depth=3, features_only=True, out_indices=out_indices)(batch)
    maps = ours.features(batch, out_indices=out_indices)
    assert len(maps) == len(theirs)
    side = 224 // (14 if "14" in name else 16)
    for a, b in zip(maps, theirs, strict=True):
        assert a.shape == (1, ours.dim, side, side)
        assert torch.equal(a, b)


def test_feature_maps_take_larger_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, _ = saved(tmp_path, "vit_small_patch16_224", depth=1)
    ours = load_shallow(monkeypatch, "kaiko-vits16", file, depth=1)
    assert ours.features(torch.zeros(1, 3, 448, 224, dtype=torch.uint8))[0].shape == (1, 384, 28, 14)


@pytest.mark.parametrize("name", ["kaiko-vits16", "kaiko-vitb16", "kaiko-vitl14"])
def test_bf16_vectors_have_the_direction_of_fp32_vectors(name: str) -> None:
    spec = encoders.spec(name)
    if name != "kaiko-vits16":  # the whole of the small model, the first blocks of the others
        spec = replace(spec, kwargs={**spec.kwargs, "depth": 3})
    batch = torch.stack([resize_crop(picture(256, 256, seed=i), side_px=224, resize_px=224, interpolation="bilinear") for i in range(2)])
    exact, fast = random_encoder(spec).encode(batch).double(), random_encoder(spec, "bf16").encode(batch).double()
    assert torch.cosine_similarity(exact, fast).min() >= 0.9999
    assert not torch.equal(exact, fast), "bf16 was not used"


# --- files laid out by Hugging Face ----------------------------------------------------------------------------------


def hf_names(timm_tensors: dict[str, torch.Tensor], *, dinov2: bool) -> dict[str, torch.Tensor]:
    """timm's tensors under the names that the transformers library writes, written out by hand."""
    out: dict[str, torch.Tensor] = {}
    top = {
        "cls_token": "embeddings.cls_token",
        "pos_embed": "embeddings.position_embeddings",
        "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
        "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
        "norm.weight": "layernorm.weight",
        "norm.bias": "layernorm.bias",
    }
    inner = {"attn.proj": "attention.output.dense", "ls1.gamma": "layer_scale1.lambda1", "ls2.gamma": "layer_scale2.lambda1"}
    if not dinov2:
        inner |= {"norm1": "layernorm_before", "norm2": "layernorm_after", "mlp.fc1": "intermediate.dense", "mlp.fc2": "output.dense"}
    for name, tensor in timm_tensors.items():
        if name in top:
            out[top[name]] = tensor
            continue
        _, block, rest = name.split(".", 2)
        before = f"encoder.layer.{block}"
        if rest.startswith("attn.qkv."):
            for part, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                out[f"{before}.attention.attention.{part}.{rest.rpartition('.')[2]}"] = piece.clone()
            continue
        module, _, kind = rest.rpartition(".")
        out[f"{before}.{inner[rest]}" if rest in inner else f"{before}.{inner.get(module, module)}.{kind}"] = tensor
    return out


@pytest.mark.parametrize("name", ["phikon", "phikon-v2", "midnight-12k"])
def test_hugging_face_files_fill_the_timm_model(name: str) -> None:
    spec = encoders.spec(name)
    small = replace(spec, kwargs={**spec.kwargs, "depth": 2})
    model = timm_encoder.build(small)
    checkpoints.fill_randomly(model, seed=5)
    truth = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    theirs = hf_names(truth, dinov2=spec.layout == "hf-dinov2")
    if name == "midnight-12k":  # the gated unit has other names there
        theirs = {k.replace("mlp.fc1", "mlp.weights_in").replace("mlp.fc2", "mlp.weights_out"): v for k, v in theirs.items()}
        theirs["embeddings.mask_token"] = torch.zeros(1, spec.dim // 2)
    renamed = checkpoints.to_timm(small, theirs, timm_encoder.build(small))
    assert renamed.keys() == truth.keys()
    assert all(torch.equal(renamed[key], truth[key]) for key in truth)


def test_a_hugging_face_file_without_its_keys_is_refused(tmp_path: Path) -> None:
    spec = replace(encoders.spec("phikon"), kwargs={"depth": 1})
    model = timm_encoder.build(spec)
    checkpoints.fill_randomly(model, seed=0)
    theirs = hf_names(dict(model.state_dict()), dinov2=False)
    del theirs["encoder.layer.0.attention.attention.key.bias"]
    empty = timm_encoder.build(spec)
    with pytest.raises(WeightsRefused, match=r"missing \(blocks\.0\.attn\.qkv\.bias\)"):
        weights.load_strictly(spec, tmp_path / "x.bin", empty, checkpoints.to_timm(spec, theirs, empty))


# --- devices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cuda", [True, False])
@pytest.mark.parametrize("mps", [True, False])
def test_auto_takes_cuda_then_mps_then_cpu(cuda: bool, mps: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(cuda))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert devices.choose("auto").type == ("cuda" if cuda else "mps" if mps else "cpu")


def test_an_unavailable_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for name in ("cuda", "cuda:1", "mps"):
        with pytest.raises(DeviceUnavailable, match=name):
            encoders.load("random-vits16", device=name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceUnavailable, match="cuda:1"):
        devices.choose("cuda:1")


@pytest.mark.parametrize("name", ["gpu", "cpu:0", "cuda:x", "mps:1", ""])
def test_an_unknown_device_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="auto, cpu, cuda"):
        devices.choose(name)


@pytest.mark.parametrize(("amx", "avx512_bf16"), [(False, False), (True, False), (False, True)])
def test_precision_follows_what_the_cpu_multiplies_in(amx: bool, avx512_bf16: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    cpu = torch.device("cpu")
    assert devices.choose_precision("auto", cpu) == ("bf16" if amx or avx512_bf16 else "fp32")
    assert devices.choose_precision("fp32", cpu) == "fp32"
    if not (amx or avx512_bf16):
        with pytest.raises(DeviceUnavailable, match="bf16"):
            devices.choose_precision("bf16", cpu)
    with pytest.raises(InputError, match="fp16"):
        devices.choose_precision("fp16", cpu)


# --- the contract, for every kind of encoder -------------------------------------------------------------------------


class TestDescriptor(EncoderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> Any:
        return encoders.load("descriptor", device="cpu")


class TestRandomVit(EncoderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> Any:
        return encoders.load("random-vits16", device="cpu", precision="fp32")

    def test_random_weights_are_the_same_on_every_machine(self, encoder: Any) -> None:
        tensors = encoder._model.state_dict()
        assert tensors["blocks.0.attn.proj.weight"].flatten()[:3].tolist() == pytest.approx(FIRST_RANDOM_WEIGHTS, rel=1e-6)


class TestRandomVitInBf16(EncoderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> Any:
        return random_encoder(encoders.spec("random-vits16"), "bf16")

    def test_precision_is_in_the_recipe(self, encoder: Any) -> None:
        assert encoder.recipe["precision"] == "bf16"


@pytest.mark.parametrize("name", ["virchow2", "h0-mini", "prov-gigapath-flash", "lunit-resnet50-bt", "gpfm", "dinov2-vitl14"])
def test_every_pooling_gives_the_length_of_its_record(name: str) -> None:
    spec = encoders.spec(name)
    if spec.pooling != "model":
        spec = replace(spec, kwargs={**spec.kwargs, "depth": 1})
    encoder = random_encoder(spec)
    assert encoder.encode(torch.stack([encoder.resize(picture(256, 256))])).shape == (1, spec.dim)


def test_recipes_differ_where_vectors_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, tensors = saved(tmp_path, "vit_small_patch16_224", depth=1)
    recipes: list[Callable[[], Any]] = [
        lambda: load_shallow(monkeypatch, "kaiko-vits16", file, depth=1),
        lambda: random_encoder(encoders.spec("kaiko-vits16")),
        lambda: random_encoder(replace(encoders.spec("kaiko-vits16"), pooling="cls+mean")),
        lambda: random_encoder(replace(encoders.spec("kaiko-vits16"), resize_px=256)),
        lambda: random_encoder(replace(encoders.spec("kaiko-vits16"), interpolation="bicubic")),
        lambda: random_encoder(replace(encoders.spec("kaiko-vits16"), mean=(0.4, 0.5, 0.5))),
        lambda: random_encoder(encoders.spec("kaiko-vits16"), "bf16"),
    ]
    texts = {json.dumps(dict(make().recipe), sort_keys=True) for make in recipes}
    assert len(texts) == len(recipes)
    before = encoders.load("kaiko-vits16", weights=file, device="cpu", precision="fp32").recipe
    torch.save({name: tensor + 1 for name, tensor in tensors.items()}, file)
    after = encoders.load("kaiko-vits16", weights=file, device="cpu", precision="fp32").recipe
    assert before["weights_sha256"] != after["weights_sha256"]
