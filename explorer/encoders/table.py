"""The encoders: one record each. Facts from the publishers' model cards and loading code."""

from __future__ import annotations

from typing import Any

from .spec import IMAGENET_MEAN, IMAGENET_STD, EncoderSpec

_KAIKO_URL = "https://github.com/kaiko-ai/towards_large_pathology_fms/releases/download/0.0.1"
_KAIKO: dict[str, Any] = {
    "loader": "timm",
    "kwargs": {"dynamic_img_size": True},
    "paper": "kaiko.ai, Towards Large-Scale Training of Pathology Foundation Models, arXiv 2404.15217",
    "license": "Kaiko Non-Commercial Public License v1",
    "license_url": "https://github.com/kaiko-ai/towards_large_pathology_fms/blob/main/LICENSE",
    "non_commercial": True,
    "mpp": (0.25, 2.0),
}
_IMAGENET: dict[str, Any] = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}

TABLE = (
    EncoderSpec(
        name="descriptor",
        title="Stain and texture descriptor",
        loader="descriptor",
        dim=1168,
        parameters_m=0.0,
        paper="This project; no weights, made for demonstrations and as an anchor",
        license="Apache-2.0",
        license_url="https://www.apache.org/licenses/LICENSE-2.0",
        non_commercial=False,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
    ),
    EncoderSpec(
        name="kaiko-vits16",
        title="Kaiko ViT-S/16",
        dim=384,
        parameters_m=21.7,
        architecture="vit_small_patch16_224",
        url=f"{_KAIKO_URL}/vits16.pth",
        download_bytes=86_700_000,
        **_KAIKO,
    ),
    EncoderSpec(
        name="kaiko-vits8",
        title="Kaiko ViT-S/8",
        dim=384,
        parameters_m=21.7,
        architecture="vit_small_patch8_224",
        url=f"{_KAIKO_URL}/vits8.pth",
        download_bytes=86_700_000,
        **_KAIKO,
    ),
    EncoderSpec(
        name="kaiko-vitb16",
        title="Kaiko ViT-B/16",
        dim=768,
        parameters_m=85.8,
        architecture="vit_base_patch16_224",
        url=f"{_KAIKO_URL}/vitb16.pth",
        download_bytes=343_000_000,
        **_KAIKO,
    ),
    EncoderSpec(
        name="kaiko-vitb8",
        title="Kaiko ViT-B/8",
        dim=768,
        parameters_m=85.8,
        architecture="vit_base_patch8_224",
        url=f"{_KAIKO_URL}/vitb8.pth",
        download_bytes=343_000_000,
        **_KAIKO,
    ),
    EncoderSpec(
        name="kaiko-vitl14",
        title="Kaiko ViT-L/14 with registers",
        dim=1024,
        parameters_m=304.4,
        architecture="vit_large_patch14_reg4_dinov2",
        url=f"{_KAIKO_URL}/vitl14.pth",
        download_bytes=1_220_000_000,
        **_KAIKO,
    ),
    EncoderSpec(
        name="random-vits16",
        title="ViT-S/16 with random weights",
        loader="timm",
        dim=384,
        parameters_m=21.7,
        paper="An anchor for evaluation: what the architecture gives without training",
        license="Apache-2.0",
        license_url="https://www.apache.org/licenses/LICENSE-2.0",
        non_commercial=False,
        architecture="vit_small_patch16_224",
        kwargs={"dynamic_img_size": True},
        seed=0,
    ),
)
