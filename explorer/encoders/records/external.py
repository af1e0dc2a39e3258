"""Models that are listed but need a program of their own: what they are and how to get them."""

from __future__ import annotations

from typing import Any

from ..spec import EncoderSpec
from .shared import IMAGENET

HUB = "https://huggingface.co"
AT_MPP_05: dict[str, Any] = {"mpp": (0.5, 0.5)}
APACHE: dict[str, Any] = {"license": "Apache-2.0", "non_commercial": False}
CC_NC: dict[str, Any] = {"license": "CC-BY-NC-ND-4.0", "non_commercial": True}
CLIP: dict[str, Any] = {
    "mean": (0.48145466, 0.4578275, 0.40821073),
    "std": (0.26862954, 0.26130258, 0.27577711),
    "interpolation": "bicubic",
}
HIBOU: dict[str, Any] = {
    "needs": "transformers (it runs code of its publisher)",
    "gated": True,
    "mean": (0.7068, 0.5755, 0.722),
    "std": (0.195, 0.2316, 0.1816),
    "interpolation": "bicubic",
    "paper": "Hibou: A Family of Foundational Vision Transformers for Pathology, arXiv 2406.05074",
    **AT_MPP_05,
    **APACHE,
}
SWIN: dict[str, Any] = {"dim": 768, "parameters_m": 27.5, "needs": "a patched timm", "mpp": (1.0, 1.0), **IMAGENET}
"""The Swin transformer of CTransPath, which CHIEF trains further."""


def row(*, page: str, needs: str, **facts: Any) -> EncoderSpec:
    """The record of a model that the program ``needs`` loads, with the page that describes it."""
    access = f"see {page}; it runs with {needs}, which this program does not load"
    return EncoderSpec(loader="external", license_url=page, access=access, **facts)


def square(side_px: int) -> dict[str, int]:
    """The input of a model that takes squares of this side, resized without a crop."""
    return {"side_px": side_px, "resize_px": side_px}


RECORDS = (
    row(name="hibou-b", title="Hibou-B", dim=768, parameters_m=85.7, page=f"{HUB}/histai/hibou-B", **HIBOU),
    row(name="hibou-l", title="Hibou-L", dim=1024, parameters_m=303.7, page=f"{HUB}/histai/hibou-L", **HIBOU),
    row(
        name="conch",
        title="CONCH (image and text)",
        dim=512,
        page=f"{HUB}/MahmoodLab/CONCH",
        needs="the conch package",
        gated=True,
        paper="A visual-language foundation model for computational pathology, Nature Medicine 2024",
        **square(448),
        **AT_MPP_05,
        **CLIP,
        **CC_NC,
    ),
    row(
        name="conch-v1.5",
        title="CONCH v1.5",
        dim=768,
        page=f"{HUB}/MahmoodLab/conchv1_5",
        needs="the TITAN package",
        gated=True,
        paper="Multimodal Whole Slide Foundation Model for Pathology, arXiv 2411.19666",
        **square(448),
        **AT_MPP_05,
        **IMAGENET,
        **CC_NC,
    ),
    row(
        name="plip",
        title="PLIP (image and text)",
        dim=512,
        page=f"{HUB}/vinid/plip",
        needs="transformers",
        license="Non-commercial",
        non_commercial=True,
        paper="A visual-language foundation model for pathology image analysis using medical Twitter, Nature Medicine 2023",
        **CLIP,
    ),
    row(
        name="quiltnet-b-16",
        title="QuiltNet-B-16 (image and text)",
        dim=512,
        page=f"{HUB}/wisdomik/QuiltNet-B-16",
        needs="open_clip",
        license="MIT",
        non_commercial=False,
        paper="Quilt-1M: One Million Image-Text Pairs for Histopathology, arXiv 2306.11207",
        **CLIP,
    ),
    row(
        name="musk",
        title="MUSK (image and text)",
        dim=1024,
        page=f"{HUB}/xiangjx/musk",
        needs="the musk package",
        gated=True,
        interpolation="bicubic",
        paper="A vision-language foundation model for precision oncology, Nature 2025",
        **square(384),
        **CC_NC,
    ),
    row(
        name="keep",
        title="KEEP (image and text)",
        dim=768,
        page=f"{HUB}/Astaxanthin/KEEP",
        needs="transformers (it runs code of its publisher)",
        interpolation="bicubic",
        license="As on its page",
        non_commercial=True,
        paper="A Knowledge-enhanced Pathology Vision-language Foundation Model for Cancer Diagnosis, arXiv 2412.13126",
        **IMAGENET,
    ),
    row(
        name="ctranspath",
        title="CTransPath",
        page="https://github.com/Xiyue-Wang/TransPath",
        license="GPL-3.0",
        non_commercial=False,
        paper="Transformer-based unsupervised contrastive learning for histopathological image classification, MedIA 2022",
        **SWIN,
    ),
    row(
        name="chief",
        title="CHIEF patch encoder",
        page="https://github.com/hms-dbmi/CHIEF",
        license="AGPL-3.0",
        non_commercial=False,
        paper="A pathology foundation model for cancer diagnosis and prognosis prediction, Nature 2024",
        **SWIN,
    ),
    row(
        name="retccl",
        title="RetCCL ResNet-50",
        dim=2048,
        parameters_m=23.5,
        page="https://github.com/Xiyue-Wang/RetCCL",
        needs="its publisher's code",
        mpp=(1.0, 1.0),
        license="GPL-3.0, academic use only",
        non_commercial=True,
        paper="RetCCL: Clustering-guided contrastive learning for whole-slide image retrieval, MedIA 2023",
        **square(256),
        **IMAGENET,
    ),
    row(
        name="genbio-pathfm",
        title="GenBio-PathFM",
        dim=4608,
        page=f"{HUB}/genbio-ai/genbio-pathfm",
        needs="its publisher's code",
        mean=(0.697, 0.575, 0.728),
        std=(0.188, 0.240, 0.187),
        license="GenBio Community License",
        non_commercial=True,
        paper="GenBio AI, GenBio-PathFM, https://huggingface.co/genbio-ai/genbio-pathfm",
    ),
    row(
        name="pathorchestra",
        title="PathOrchestra",
        dim=1024,
        page=f"{HUB}/AI4Pathology/PathOrchestra",
        needs="timm",
        gated=True,
        paper="PathOrchestra, arXiv 2503.24345",
        **AT_MPP_05,
        **IMAGENET,
        **CC_NC,
    ),
    row(
        name="path-foundation",
        title="Google Path Foundation",
        dim=384,
        page=f"{HUB}/google/path-foundation",
        needs="Keras",
        gated=True,
        mpp=(0.5, 2.0),
        license="Health AI Developer Foundations terms",
        non_commercial=False,
        paper="Domain-specific optimization and diverse evaluation of self-supervised models for histopathology, arXiv 2310.13259",
    ),
)
