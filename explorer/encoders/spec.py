"""The record of an encoder: its properties before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Loader = Literal["timm", "descriptor", "external"]
Pooling = Literal["cls", "cls+mean", "model"]
Layout = Literal["timm", "hf-vit", "hf-dinov2"]

HALF = (0.5, 0.5, 0.5)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSpec:
    """One row of the table: source of an encoder, its input and output, and its terms of use."""

    # what it is
    name: str
    title: str
    loader: Loader
    dim: int
    paper: str
    parameters_m: float | None = None
    """Parameters in millions; None where the publisher does not say."""

    # who may use it
    license: str
    license_url: str
    non_commercial: bool
    gated: bool = False
    """True where the publisher requires a request for access."""
    access: str = ""
    """How to get weights that this program cannot fetch by itself, as the end of a sentence that starts "To get it, "."""

    # how it is built
    architecture: str = ""
    """Model name in timm."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of ``timm.create_model``; layers are named by words that ``checkpoints.part`` knows."""
    pooling: Pooling = "cls"
    """``cls``: the class token. ``cls+mean``: it and the mean of the patch tokens. ``model``: what the model's forward gives."""

    # where the weights are
    url: str = ""
    """Address of the weight file, where it needs no account."""
    hub_id: str = ""
    """Hugging Face repository, used where there is no ``url``."""
    hub_file: str = "pytorch_model.bin"
    sha256: str = ""
    """sha256 of the weight file, if known."""
    seed: int | None = None
    """Seed of the random weights of an encoder that has no weight file; None for all others."""
    layout: Layout = "timm"
    """How the published file names its tensors."""
    download_bytes: int | None = None

    # what it takes
    side_px: int = 224
    resize_px: int = 224
    """Length in pixels to which the shorter side is resized before the centre crop of ``side_px``."""
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    mean: tuple[float, float, float] = HALF
    std: tuple[float, float, float] = HALF
    mpp: tuple[float, float] | None = None
    """Micrometres per pixel it was trained on, finest and coarsest; None where the publisher does not say."""

    @property
    def file(self) -> str:
        """Name of the weight file; empty where there is none."""
        return self.url.rpartition("/")[2] if self.url else self.hub_file if self.hub_id else ""

    @property
    def loadable(self) -> bool:
        """False for models that are listed but need a program of their own."""
        return self.loader != "external"

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        values = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        return {**values, "loadable": self.loadable}
