"""The device for exact searches and linear heads of an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import DeviceUnavailable

if TYPE_CHECKING:
    import torch


def computing_device(name: str) -> torch.device:
    """The device of that name; ``auto`` is the first CUDA device where there is one, else the CPU.

    ``mps`` means the CPU here: these computations are not tested on MPS kernels.
    Raises ``DeviceUnavailable`` for a CUDA device that torch does not see.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "mps":
        return torch.device("cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise DeviceUnavailable(f"Device {name} is not on this machine; set EXPLORER_DEVICE to cpu or auto.")
    return torch.device(name)
