"""Baselines: models that were not trained on tissue, and a random model. They show what pathology training adds."""

from __future__ import annotations

from typing import Any

from ..spec import EncoderSpec
from .shared import APACHE, IMAGENET, license_of, row

IMAGENET_MODEL: dict[str, Any] = {"hub_file": "model.safetensors", "interpolation": "bicubic", **IMAGENET, **APACHE}

RECORDS: tuple[EncoderSpec, ...] = (
    row(
        name="dino-vits16",
        title="DINO ViT-S/16 (ImageNet)",
        architecture="vit_small_patch16_224",
        dim=384,
        parameters_m=21.7,
        kwargs={"dynamic_img_size": True},
        hub_id="timm/vit_small_patch16_224.dino",
        **IMAGENET_MODEL,
        paper="Emerging Properties in Self-Supervised Vision Transformers, arXiv 2104.14294",
    ),
    row(
        name="dino-vitb8",
        title="DINO ViT-B/8 (ImageNet)",
        architecture="vit_base_patch8_224",
        dim=768,
        parameters_m=85.8,
        kwargs={"dynamic_img_size": True},
        hub_id="timm/vit_base_patch8_224.dino",
        **IMAGENET_MODEL,
        paper="Emerging Properties in Self-Supervised Vision Transformers, arXiv 2104.14294",
    ),
    row(
        name="dinov2-vitl14",
        title="DINOv2 ViT-L/14 (natural images)",
        architecture="vit_large_patch14_dinov2",
        dim=1024,
        parameters_m=304.4,
        kwargs={"dynamic_img_size": True},
        hub_id="timm/vit_large_patch14_dinov2.lvd142m",
        **IMAGENET_MODEL,
        paper="DINOv2: Learning Robust Visual Features without Supervision, arXiv 2304.07193",
    ),
    row(
        name="resnet50",
        title="ResNet-50 (ImageNet)",
        architecture="resnet50",
        dim=2048,
        parameters_m=23.5,
        pooling="model",
        hub_id="timm/resnet50.tv_in1k",
        **{**IMAGENET_MODEL, **license_of("BSD-3-Clause", "https://huggingface.co/timm/resnet50.tv_in1k", non_commercial=False)},
        paper="Deep Residual Learning for Image Recognition, arXiv 1512.03385",
    ),
    row(
        name="random-vits16",
        title="ViT-S/16 with random weights",
        architecture="vit_small_patch16_224",
        dim=384,
        parameters_m=21.7,
        seed=0,
        kwargs={"dynamic_img_size": True},
        paper="This project: what the architecture gives without training, a baseline",
        **APACHE,
    ),
)
