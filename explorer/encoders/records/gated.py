"""Pathology models whose publishers require a request for access."""

from __future__ import annotations

from typing import Any

from ..spec import EncoderSpec
from .shared import APACHE, BIOPTIMUS, CC_NC, IMAGENET, SWIGLU, license_of, row

VIRCHOW: dict[str, Any] = {"init_values": 1e-5, "mlp_ratio": 5.3375, "global_pool": "", "dynamic_img_size": True, **SWIGLU}
GIGAPATH: dict[str, Any] = license_of(
    "Apache-2.0 with conditions (research)", "https://huggingface.co/prov-gigapath/prov-gigapath", non_commercial=True
)


def gated(hub_id: str, **more: Any) -> dict[str, Any]:
    """A repository on the Hugging Face hub that requires access granted by its publisher."""
    access = f"ask its publisher at https://huggingface.co/{hub_id} and, once let in, set HF_TOKEN or run 'hf auth login'"
    return {"hub_id": hub_id, "gated": True, "access": access, **more}


RECORDS: tuple[EncoderSpec, ...] = (
    row(
        name="uni",
        title="UNI ViT-L/16",
        architecture="vit_large_patch16_224",
        dim=1024,
        parameters_m=303.4,
        kwargs={"init_values": 1e-5, "dynamic_img_size": True},
        **gated("MahmoodLab/UNI"),
        **IMAGENET,
        mpp=(0.5, 0.5),
        paper="Towards a general-purpose foundation model for computational pathology, Nature Medicine 2024",
        **CC_NC,
    ),
    row(
        name="uni2-h",
        title="UNI2-h ViT-H/14",
        architecture="vit_giant_patch14_224",
        dim=1536,
        parameters_m=681.4,
        kwargs={
            "img_size": 224,
            "patch_size": 14,
            "depth": 24,
            "num_heads": 24,
            "init_values": 1e-5,
            "embed_dim": 1536,
            "mlp_ratio": 2.66667 * 2,
            "no_embed_class": True,
            "reg_tokens": 8,
            "dynamic_img_size": True,
            **SWIGLU,
        },
        **gated("MahmoodLab/UNI2-h"),
        **IMAGENET,
        mpp=(0.5, 0.5),
        paper="Towards a general-purpose foundation model for computational pathology, Nature Medicine 2024",
        **CC_NC,
    ),
    row(
        name="virchow",
        title="Virchow ViT-H/14",
        architecture="vit_huge_patch14_224",
        dim=2560,
        parameters_m=631.2,
        kwargs=VIRCHOW,
        pooling="cls+mean",
        **gated("paige-ai/Virchow"),
        **IMAGENET,
        interpolation="bicubic",
        mpp=(0.5, 0.5),
        paper="A foundation model for clinical-grade computational pathology, Nature Medicine 2024, arXiv 2309.07778",
        **APACHE,
    ),
    row(
        name="virchow2",
        title="Virchow2 ViT-H/14 with registers",
        architecture="vit_huge_patch14_224",
        dim=2560,
        parameters_m=631.2,
        kwargs={**VIRCHOW, "reg_tokens": 4},
        pooling="cls+mean",
        **gated("paige-ai/Virchow2"),
        **IMAGENET,
        interpolation="bicubic",
        mpp=(0.25, 2.0),
        paper="Virchow2: Scaling Self-Supervised Mixed Magnification Models in Pathology, arXiv 2408.00738",
        **CC_NC,
    ),
    row(
        name="prov-gigapath",
        title="Prov-GigaPath tile encoder ViT-g/16",
        architecture="vit_giant_patch14_dinov2",
        dim=1536,
        parameters_m=1135.0,
        kwargs={"img_size": 224, "patch_size": 16, "dynamic_img_size": True},
        **gated("prov-gigapath/prov-gigapath"),
        **IMAGENET,
        resize_px=256,
        interpolation="bicubic",
        mpp=(0.5, 0.5),
        paper="A whole-slide foundation model for digital pathology from real-world data, Nature 2024",
        **GIGAPATH,
    ),
    row(
        name="prov-gigapath-flash",
        title="Prov-GigaPath-Flash tile encoder ViT-S/16",
        architecture="vit_small_patch16_224",
        dim=384,
        parameters_m=21.7,
        kwargs={"mlp_ratio": 2048 / 384, "init_values": 1e-5, "dynamic_img_size": True, **SWIGLU},
        **gated("prov-gigapath/prov-gigapath-flash"),
        **IMAGENET,
        resize_px=256,
        interpolation="bicubic",
        mpp=(0.5, 0.5),
        paper="A whole-slide foundation model for digital pathology from real-world data, Nature 2024",
        **license_of("As on its page", "https://huggingface.co/prov-gigapath/prov-gigapath-flash", non_commercial=True),
    ),
    row(
        name="h-optimus-1",
        title="H-optimus-1",
        architecture="vit_giant_patch14_reg4_dinov2",
        dim=1536,
        parameters_m=1134.8,
        kwargs={"img_size": 224, "init_values": 1e-5},
        **gated("bioptimus/H-optimus-1"),
        **BIOPTIMUS,
        paper="Bioptimus, H-optimus-1, 2025",
        **CC_NC,
    ),
    row(
        name="h0-mini",
        title="H0-mini ViT-B/14",
        architecture="vit_base_patch14_reg4_dinov2",
        dim=768,
        parameters_m=85.7,
        kwargs={"img_size": 224, "init_values": 1e-5, "mlp_ratio": 5.33334, **SWIGLU},
        **gated("bioptimus/H0-mini", hub_file="model.safetensors"),
        **BIOPTIMUS,
        paper="Distilling foundation models for robust and efficient models in digital pathology, arXiv 2501.16239",
        **CC_NC,
    ),
    row(
        name="openmidnight",
        title="OpenMidnight ViT-g/14",
        architecture="vit_giant_patch14_reg4_dinov2",
        dim=1536,
        parameters_m=1134.8,
        kwargs={"img_size": 224},
        **gated("SophontAI/OpenMidnight", hub_file="teacher_checkpoint_load.pt"),
        **IMAGENET,
        mpp=(0.25, 2.0),
        paper="SophontAI, OpenMidnight, 2025, https://huggingface.co/SophontAI/OpenMidnight",
        **APACHE,
    ),
)
