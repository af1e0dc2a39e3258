"""Encoders turn pictures into vectors. The table lists the models; ``load`` makes one ready to use."""

from __future__ import annotations

from pathlib import Path

from .. import settings
from ..errors import EncoderUnknown, InputError, WeightsMissing
from ..types import Encoder, Report, ignore
from .spec import EncoderSpec
from .table import TABLE

__all__ = ["EncoderSpec", "load", "load_as_set", "names", "spec", "weights_state"]


def names() -> list[str]:
    """All encoders of the table, in its order: the open ones first."""
    return [row.name for row in TABLE]


def spec(name: str) -> EncoderSpec:
    """The record of an encoder. Raises ``EncoderUnknown``."""
    for row in TABLE:
        if row.name == name:
            return row
    raise EncoderUnknown(f"There is no encoder {name!r}; 'explorer encoders' lists them all.")


def load(
    name: str,
    *,
    weights: Path | str | None = None,
    device: str = "auto",
    precision: str = "auto",
    weights_dir: Path | str | None = None,
    mirror: str = "",
    report: Report = ignore,
) -> Encoder:
    """Make an encoder ready to use.

    ``weights`` is a local file, used instead of the published one. Otherwise the file is taken from ``weights_dir``
    or fetched into it once, from ``mirror`` (a served copy of such a folder) or from its publisher.
    ``device`` is ``auto`` (CUDA, then MPS, then CPU), ``cpu``, ``cuda``, ``cuda:1`` or ``mps``; ``precision`` is ``auto``
    (bf16 where the hardware multiplies in it), ``fp32`` or ``bf16``.

    Raises ``EncoderUnknown``, ``DeviceUnavailable``, ``WeightsMissing``, ``WeightsRefused`` and ``InputError``.
    """
    from . import devices

    row = spec(name)
    if not row.loadable:
        raise WeightsMissing(f"{row.title} cannot be loaded here; to get it, {row.access}.")
    if weights is not None and not row.file:
        raise InputError(f"{row.title} has no weight file; leave out the weights given ({weights}).")
    place = devices.choose(device)
    devices.check_precision(precision)
    if row.loader == "descriptor" and precision == "bf16":
        raise InputError(f"{row.title} computes in fp32 only; use precision auto or fp32.")
    if row.loader == "descriptor":
        from .descriptor import Descriptor

        return Descriptor(device=str(place))
    kind = devices.choose_precision(precision, place)
    here = settings.read(weights_dir=weights_dir, weights_mirror=mirror or None)

    from .timm_encoder import TimmEncoder

    return TimmEncoder.load(
        row, given=Path(weights) if weights is not None else None, device=place, precision=kind, settings=here, report=report
    )


def load_as_set(name: str, table: settings.Settings, *, weights: Path | str | None = None, report: Report = ignore) -> Encoder:
    """``load`` with the device, precision and folders of the settings."""
    return load(
        name,
        weights=weights,
        device=table.device,
        precision=table.precision,
        weights_dir=table.weights_dir,
        mirror=table.weights_mirror,
        report=report,
    )


def weights_state(row: EncoderSpec, weights_dir: Path) -> str:
    """The state of the weights: ``none needed``, ``here``, ``to fetch``, ``ask for access`` or ``not loadable here``."""
    if not row.loadable:
        return "not loadable here"
    if not row.file:
        return "none needed"
    if (weights_dir / row.name / row.file).is_file():
        return "here"
    return "ask for access" if row.gated else "to fetch"
