"""Facts that several records share."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..spec import IMAGENET_MEAN, IMAGENET_STD, EncoderSpec

IMAGENET: dict[str, Any] = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}
BIOPTIMUS: dict[str, Any] = {"mean": (0.707223, 0.578729, 0.703617), "std": (0.211883, 0.230117, 0.177517), "mpp": (0.5, 0.5)}
SWIGLU: dict[str, Any] = {"mlp_layer": "SwiGLUPacked", "act_layer": "SiLU"}


def license_of(name: str, page: str, *, non_commercial: bool) -> dict[str, Any]:
    """The three fields of a licence."""
    return {"license": name, "license_url": page, "non_commercial": non_commercial}


APACHE = license_of("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0", non_commercial=False)
CC_NC = license_of("CC-BY-NC-ND-4.0", "https://creativecommons.org/licenses/by-nc-nd/4.0/", non_commercial=True)


row = partial(EncoderSpec, loader="timm")
"""A model that timm builds."""
