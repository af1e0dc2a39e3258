"""Weight files: downloaded once, recorded, verified on each use, loaded strictly and never as pickled code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import WeightsMissing, WeightsRefused
from ..storage import file_sha256, locked, read_json, write_json
from ..types import Progress, Report, ignore
from .download import fetch
from .spec import EncoderSpec

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A file on this machine and its sha256."""

    path: Path
    sha256: str


def local(spec: EncoderSpec, path: Path) -> WeightFile:
    """The file given by the user. Raises ``WeightsMissing`` where it does not exist or cannot be read."""
    if not path.is_file():
        raise WeightsMissing(f"{spec.name}: there is no weight file {path}; check the path given.")
    try:
        return WeightFile(path, file_sha256(path))
    except OSError as error:
        raise WeightsMissing(f"{spec.name}: the weight file {path} cannot be read ({error.strerror}); check its permissions.") from error


def cached(spec: EncoderSpec, folder: Path, *, mirror: str = "", report: Report = ignore) -> WeightFile:
    """The published file, from ``folder``, or downloaded into it.

    A record of its address, sha256, size and date is stored beside it; for a file that was copied there by hand it is made on
    first use. Raises ``WeightsMissing`` where it cannot be downloaded, ``WeightsRefused`` where it is not the file recorded or
    published.
    """
    path = folder / spec.name / spec.file
    record = path.with_name(f"{path.name}.json")

    def waiting() -> None:
        report(Progress("weights", 0, unit="bytes", note=f"another process is fetching {spec.name}; waiting for it"))

    with locked(path.with_name(f".{path.name}.lock"), what=f"the weights of {spec.name}", waiting=waiting):
        if not path.is_file():
            record.unlink(missing_ok=True)  # of a file that was deleted
            source = fetch(spec, path, mirror=mirror, report=report)
        else:
            source = "put here by hand"
        digest = file_sha256(path)
        if not record.is_file():
            _refuse(spec, path, digest, known=spec.sha256, where="published")
            facts = {"url": source, "sha256": digest, "bytes": path.stat().st_size}
            write_json(record, {**facts, "date": datetime.now(UTC).isoformat(timespec="seconds")})
        _refuse(spec, path, digest, known=read_json(record)["sha256"], where=f"recorded in {record.name}")
    return WeightFile(path, digest)


def _refuse(spec: EncoderSpec, path: Path, digest: str, *, known: str, where: str) -> None:
    if known and digest != known:
        raise WeightsRefused(
            f"{path} is not the file of {spec.name} that is {where} (sha256 {digest[:12]}... instead of {known[:12]}...): "
            "it is damaged or was replaced; delete it and fetch it again."
        )


def read_tensors(spec: EncoderSpec, file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a ``.safetensors`` file or a torch checkpoint; no code in the file is run. Raises ``WeightsRefused``."""
    import pickle
    import struct
    import warnings

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    # what torch.load and safetensors raise on files of other kinds and on damaged ones, gathered by feeding them such files
    unreadable = (
        SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError,
        AttributeError, AssertionError, OverflowError, struct.error,
    )  # fmt: skip
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's remarks on files that it then refuses
            content = torch.load(file, map_location="cpu", weights_only=True)
    except unreadable as error:
        raise WeightsRefused(
            f"{file} is cut, damaged or no weight file; delete it and fetch the weights of {spec.name} again, "
            "or give the file its publisher offers with --weights."
        ) from error
    for key in ("model", "state_dict", "teacher"):
        content = content.get(key, content) if isinstance(content, Mapping) else content
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items()
    ):
        raise WeightsRefused(f"{file} holds no table of named tensors; give the file its publisher offers for {spec.name}.")
    return dict(content)


def load_strictly(spec: EncoderSpec, file: Path, model: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Copy every tensor into the model as float32. Raises ``WeightsRefused`` that names the tensors that differ."""
    expected = model.state_dict()
    faults = [
        _some("missing", [name for name in expected if name not in tensors]),
        _some("not known to the model", [name for name in tensors if name not in expected]),
        _some(
            "of another shape",
            [
                f"{name} {_shape(tensor)} instead of {_shape(expected[name])}"
                for name, tensor in tensors.items()
                if name in expected and tensor.shape != expected[name].shape
            ],
        ),
    ]
    if any(faults):
        raise WeightsRefused(
            f"{file} does not fit {spec.name} ({spec.architecture}): {'; '.join(filter(None, faults))}; "
            "delete it and fetch it again, or give the file of this model with --weights."
        )
    model.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}, strict=True, assign=True)


def _some(what: str, names: list[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} tensor{'s' * (len(names) > 1)} {what} ({shown})"


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"
