"""Choice of the device and the precision of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..errors import DeviceUnavailable, InputError

if TYPE_CHECKING:
    import torch

Precision = Literal["fp32", "bf16"]


def choose(name: str) -> torch.device:
    """The device of that name; ``auto`` is the first available of CUDA, MPS, CPU.

    Raises ``DeviceUnavailable`` where the machine lacks it and ``InputError`` for an unknown name.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not (kind == "cuda" and number.isdigit())):
        raise InputError(f"{name!r} is not a device; use auto, cpu, cuda, cuda:1 or mps.")
    if kind == "cuda":
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(number or 0) >= found:
            raise DeviceUnavailable(f"Device {name} is not on this machine, which has {found} CUDA devices; use auto or cpu.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceUnavailable("Device mps is not on this machine; use auto or cpu.")
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> Precision:
    """bf16 or fp32; ``auto`` takes bf16 where the device multiplies in it.

    Raises ``DeviceUnavailable`` for bf16 on a device that does not, and ``InputError`` for another name.
    """
    check_precision(name)
    if name == "bf16" and not multiplies_bf16(device):
        raise DeviceUnavailable(f"Device {device} does not compute in bf16; use precision auto or fp32.")
    return "bf16" if name != "fp32" and multiplies_bf16(device) else "fp32"


def check_precision(name: str) -> None:
    """Raises ``InputError`` for a name that is no precision."""
    if name not in ("auto", "fp32", "bf16"):
        raise InputError(f"{name!r} is not a precision; use auto, fp32 or bf16.")


def multiplies_bf16(device: torch.device) -> bool:
    """True where matrix products in bf16 are done by the hardware and so are faster than in fp32.

    On CPUs that is AMX (measured 3.0 to 4.1 times fp32) or AVX512-BF16 (1.8 to 1.9 times); plain AVX-512 only
    imitates it. On MPS bf16 was never measured, so it is not offered.
    """
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return False
