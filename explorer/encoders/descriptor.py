"""The encoder that needs no weights: stain and texture of an H&E patch, measured by fixed filters.

It is a descriptor of how tissue looks, in the line of colour histograms and local binary patterns. It has learnt nothing
from real tissue and does not stand in for a pathology foundation model. Its few constants (centre and spread of each
number, and the directions in which the same drawn tissue moves when it is stained and scanned otherwise) come from
synthetic tissue: ``tests/benchmarks/descriptor_constants.py`` makes them.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ..types import Image

if TYPE_CHECKING:
    import torch

VERSION = 1
"""Increased with every change of the vectors."""
SIDE_PX = 224
CHUNK, LARGE_CHUNK = 4, 256
"""Patches measured at a time by one thread of a CPU (their maps then stay in its cache), and elsewhere. Not by the number of
threads: the same patches give the same bytes on any."""
CLIP = 2.5
"""Numbers are clipped at this many standard deviations (of drawn tissue), so that odd tiles stay finite and comparable."""


class Descriptor:
    """A weight-free ``Encoder``; the same pixels give the same vector, to rounding, in any batch and on any device."""

    name = "descriptor"
    side_px = SIDE_PX

    def __init__(self, device: str = "cpu") -> None:
        import torch

        packed = resources.files(__package__).joinpath("descriptor.npz").read_bytes()
        with np.load(io.BytesIO(packed), allow_pickle=False) as file:
            arrays = {name: torch.from_numpy(file[name].astype(np.float32)).to(device) for name in ("centre", "spread", "axes", "shrink")}
        self.device = device
        self._openmp = ThreadpoolController()
        self._centre, self._spread = arrays["centre"], arrays["spread"]
        self._axes, self._shrink = arrays["axes"], arrays["shrink"]
        self._sha256 = hashlib.sha256(packed).hexdigest()

    @property
    def dim(self) -> int:
        return len(self._centre)

    @property
    def recipe(self) -> Mapping[str, Any]:
        return {"name": self.name, "version": VERSION, "constants_sha256": self._sha256, "side_px": self.side_px, "precision": "fp32"}

    def resize(self, image: Image) -> torch.Tensor:
        """(h w 3) uint8 -> (3 224 224) uint8: shorter side to 224 px, bilinear with antialias, then the centre."""
        from .preprocess import resize_crop

        return resize_crop(image, side_px=self.side_px, resize_px=self.side_px, interpolation="bilinear")

    def prepare(self, image: Image) -> torch.Tensor:
        """(h w 3) uint8 -> (3 224 224) float32 in [0, 1]."""
        return self.resize(image).float() / 255.0

    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        """(b 3 224 224) float32 in [0, 1], or uint8 -> (b d) float32 on the CPU, to be compared by cosine."""
        import torch

        with torch.inference_mode():
            batch = batch.to(self.device)
            if self.device == "cpu":
                return torch.cat(self._side_by_side(batch))
            parts = [self._encode(part) for part in batch.split(LARGE_CHUNK)]  # type: ignore[no-untyped-call]
            return torch.cat(parts).cpu()

    def _side_by_side(self, batch: torch.Tensor) -> list[torch.Tensor]:
        """Process a few patches per thread, because their maps are too small to divide one operation among threads.

        Measured with two threads on two busy cores: 15 ms a patch and 6 ms of CPU time, instead of 217 and 60.
        """
        import torch

        parts = batch.split(CHUNK)  # type: ignore[no-untyped-call]

        def alone(part: torch.Tensor) -> torch.Tensor:
            torch.get_num_threads()  # torch sets up OpenMP for this thread, and only then can it be limited
            with self._openmp.limit(limits=1, user_api="openmp"), torch.inference_mode():
                return self._encode(part)

        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            return list(pool.map(alone, parts))

    def _encode(self, batch: torch.Tensor) -> torch.Tensor:
        import torch

        from .blocks import measure

        pixels = batch.float() / 255.0 if batch.dtype == torch.uint8 else batch
        measured = torch.cat(list(measure(pixels).values()), 1)
        return self._normalise(measured)

    def _normalise(self, measured: torch.Tensor) -> torch.Tensor:
        """Standardise, then reduce the directions that vary with stain and scanner rather than with tissue."""
        scores = ((measured - self._centre) / self._spread).clamp(-CLIP, CLIP)
        return scores - (scores @ self._axes * self._shrink) @ self._axes.T
