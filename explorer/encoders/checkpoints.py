"""Conversion of the tensor names in published files to timm's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .spec import EncoderSpec

if TYPE_CHECKING:
    import torch

Tensors = Mapping[str, "torch.Tensor"]

NOT_USED = ("head.weight", "head.bias", "fc.weight", "fc.bias", "embeddings.mask_token", "pooler.dense.weight", "pooler.dense.bias")
"""Tensors that are used for training only, or by a classifier on top of the encoder."""


def to_timm(spec: EncoderSpec, tensors: Tensors, model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The tensors that the encoder uses, under the names timm gives them."""
    named: Callable[[Tensors, torch.nn.Module], dict[str, torch.Tensor]] = {
        "timm": _as_hub_code,
        "hf-vit": lambda tensors, _: _from_hf(tensors, VIT),
        "hf-dinov2": lambda tensors, _: _from_hf(tensors, DINOV2),
    }[spec.layout]
    return named({name: tensor for name, tensor in tensors.items() if name not in NOT_USED}, model)


def _as_hub_code(tensors: Tensors, model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The conversion that ``timm.create_model(pretrained=True)`` applies to the file of a vision transformer.

    It renames tensors of DINOv2 and resamples position embeddings to another grid. timm would also resample patch embeddings of
    another patch size; here these are left unchanged, so that loading refuses them.
    """
    from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn

    patches = tensors.get("patch_embed.proj.weight")
    if not isinstance(model, VisionTransformer) or patches is None or patches.shape != model.patch_embed.proj.weight.shape:
        return dict(tensors)
    renamed: dict[str, torch.Tensor] = checkpoint_filter_fn(dict(tensors), model)
    return renamed


VIT = {
    "embeddings.cls_token": "cls_token",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.patch_embeddings.projection": "patch_embed.proj",
    "encoder.layer": "blocks",
    "attention.output.dense": "attn.proj",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "layernorm": "norm",
}
"""Names in Hugging Face's ViT files, a longer one before its suffix, and timm's names."""
DINOV2 = {
    "embeddings.cls_token": "cls_token",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.patch_embeddings.projection": "patch_embed.proj",
    "encoder.layer": "blocks",
    "attention.output.dense": "attn.proj",
    "layer_scale1.lambda1": "ls1.gamma",
    "layer_scale2.lambda1": "ls2.gamma",
    "mlp.weights_in": "mlp.fc1",
    "mlp.weights_out": "mlp.fc2",
    "layernorm": "norm",
}
"""The same for DINOv2."""


def _from_hf(tensors: Tensors, names: Mapping[str, str]) -> dict[str, torch.Tensor]:
    """Rename, and join query, key and value into timm's one ``qkv``."""
    import torch

    found = {}
    for name, tensor in tensors.items():
        if ".attention.attention." not in name:
            found[_renamed(name, names)] = tensor
    for name in tensors:
        before, query, end = name.partition(".attention.attention.query.")
        parts = [f"{before}.attention.attention.{part}.{end}" for part in ("query", "key", "value")]
        if query and all(part in tensors for part in parts):
            found[_renamed(f"{before}.attn.qkv.{end}", names)] = torch.cat([tensors[part] for part in parts])
    return found


def _renamed(name: str, names: Mapping[str, str]) -> str:
    for theirs, ours in names.items():
        name = name.replace(theirs, ours)
    return name


def fill_randomly(model: torch.nn.Module, *, seed: int) -> None:
    """Weights from a seed, the same on every machine: N(0, .02) for weights, embeddings and tokens; norms and layer scales 1; biases 0."""
    import numpy as np
    import torch

    rng = np.random.default_rng(seed)
    tensors = {}
    for name, tensor in sorted(model.state_dict().items()):
        if tensor.ndim > 1:
            tensors[name] = torch.from_numpy(rng.standard_normal(tensor.shape, dtype=np.float32) * np.float32(0.02))
        else:
            tensors[name] = torch.ones(tensor.shape) if name.endswith(("weight", "gamma")) else torch.zeros(tensor.shape)
    model.load_state_dict(tensors, strict=True, assign=True)


def part(name: Any) -> Any:
    """The class or function that a record names in its ``kwargs``; any other value is returned unchanged."""
    from functools import partial

    import torch
    from timm.layers.mlp import SwiGLUPacked

    known = {"SwiGLUPacked": SwiGLUPacked, "SiLU": torch.nn.SiLU, "LayerNorm(eps=1e-12)": partial(torch.nn.LayerNorm, eps=1e-12)}
    return known.get(name, name) if isinstance(name, str) else name
