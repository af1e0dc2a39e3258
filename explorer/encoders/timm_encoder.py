"""The one loader for all models that timm builds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..settings import Settings
from ..types import Image, Report, ignore
from . import checkpoints, weights
from .devices import Precision
from .preprocess import normalise, resize_crop
from .spec import EncoderSpec

if TYPE_CHECKING:
    import torch


class TimmEncoder:
    """A timm model with its preprocessing and pooling. Made by ``encoders.load``."""

    def __init__(self, spec: EncoderSpec, model: torch.nn.Module, *, device: torch.device, precision: Precision, sha256: str) -> None:
        import torch

        self.spec = spec
        self.precision = precision
        self._place = device
        self._sha256 = sha256
        self._model = model.eval()
        if precision == "bf16":
            for layer in self._model.modules():
                if isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)):
                    layer.bfloat16()
        self._model.to(device)

    @classmethod
    def load(
        cls,
        spec: EncoderSpec,
        *,
        given: Path | None,
        device: torch.device,
        precision: Precision,
        settings: Settings,
        report: Report = ignore,
    ) -> TimmEncoder:
        """Find the weights (``given``, or cached, or fetched), build the model and fill it."""
        model = build(spec)
        if spec.seed is not None:
            checkpoints.fill_randomly(model, seed=spec.seed)
            return cls(spec, model, device=device, precision=precision, sha256="")
        if given is not None:
            file = weights.local(spec, given)
        else:
            file = weights.cached(spec, settings.weights_dir, mirror=settings.weights_mirror, report=report)
        tensors = weights.read_tensors(spec, file.path)
        weights.load_strictly(spec, file.path, model, checkpoints.to_timm(spec, tensors, model))
        return cls(spec, model, device=device, precision=precision, sha256=file.sha256)

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def dim(self) -> int:
        return self.spec.dim

    @property
    def side_px(self) -> int:
        return self.spec.side_px

    @property
    def device(self) -> str:
        return str(self._place)

    @property
    def recipe(self) -> dict[str, Any]:
        """Everything that could change a vector, as JSON values."""
        spec = self.spec
        record = spec.to_json()
        parts = ("name", "loader", "architecture", "kwargs", "pooling", "seed", "side_px", "resize_px", "interpolation", "mean", "std")
        return {**{part: record[part] for part in parts}, "antialias": True, "weights_sha256": self._sha256, "precision": self.precision}

    def resize(self, image: Image) -> torch.Tensor:
        """(h w 3) uint8 -> (3 s s) uint8: resized and cropped, not yet normalised."""
        return resize_crop(image, side_px=self.spec.side_px, resize_px=self.spec.resize_px, interpolation=self.spec.interpolation)

    def prepare(self, image: Image) -> torch.Tensor:
        """(h w 3) uint8 RGB -> (3 s s) float32, normalised."""
        return normalise(self.resize(image), self.spec)

    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        """(b 3 s s) float32 as ``prepare`` gives, or uint8 as ``resize`` gives -> (b d) float32 on the CPU."""
        import torch

        with torch.inference_mode(), self._autocast():
            return self._pooled(self._placed(batch)).float().cpu()

    def features(self, images: torch.Tensor, *, out_indices: int | Sequence[int] = 1) -> list[torch.Tensor]:
        """Maps of patch tokens, one (b c h w) float32 on the CPU per block asked for; ``images`` as ``encode`` takes them.

        A number n means the last n blocks, a sequence names blocks from 0. The tokens are those before the model's
        last norm, which is what the publishers' hub code gives for its ``out_indices``. Side lengths other than
        ``side_px`` are allowed where the model takes them (multiples of the patch).
        """
        import torch

        indices = out_indices if isinstance(out_indices, int) else list(out_indices)
        with torch.inference_mode(), self._autocast():
            maps = self._model.forward_intermediates(self._placed(images), indices=indices, intermediates_only=True)  # type: ignore[operator]
        return [tokens.float().cpu() for tokens in maps]

    def _placed(self, batch: torch.Tensor) -> torch.Tensor:
        """The batch on the device, normalised."""
        import torch

        batch = batch.to(self._place, non_blocking=True)
        return normalise(batch, self.spec) if batch.dtype == torch.uint8 else batch

    def _pooled(self, batch: torch.Tensor) -> torch.Tensor:
        import torch

        if self.spec.pooling == "model":
            pooled: torch.Tensor = self._model(batch)
            return pooled
        tokens: torch.Tensor = self._model.forward_features(batch)  # type: ignore[operator]
        if self.spec.pooling == "cls":
            return tokens[:, 0]
        patches = tokens[:, self._model.num_prefix_tokens :]
        return torch.cat([tokens[:, 0].float(), patches.float().mean(1)], dim=1)

    def _autocast(self) -> AbstractContextManager[Any]:
        """Matrix products in bf16; sums of the residual stream and norms stay in fp32, which keeps the cosine above .9999."""
        import torch

        return torch.autocast(self._place.type, dtype=torch.bfloat16) if self.precision == "bf16" else nullcontext()


def build(spec: EncoderSpec) -> torch.nn.Module:
    """The model of a record, its tensors not yet filled."""
    import timm
    import torch

    kwargs = {key: checkpoints.part(value) for key, value in spec.kwargs.items()}
    with torch.device("meta"):
        model: torch.nn.Module = timm.create_model(spec.architecture, pretrained=False, num_classes=0, **kwargs)
    return model
