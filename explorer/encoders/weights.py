"""Weight files: fetched once, recorded, checked each time, loaded strictly and never as pickled code."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import WeightsMissing, WeightsRefused
from ..storage import file_sha256, locked, read_json, write_json
from ..types import Progress, Report, ignore
from .spec import EncoderSpec

if TYPE_CHECKING:
    import torch

CHUNK = 1 << 20
TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A file on this machine and the digest of its bytes."""

    path: Path
    sha256: str


def local(spec: EncoderSpec, path: Path) -> WeightFile:
    """The file a person gave. Raises ``WeightsMissing`` where it is not there."""
    if not path.is_file():
        raise WeightsMissing(f"{spec.name}: there is no weight file {path}; check the path given.")
    return WeightFile(path, file_sha256(path))


def cached(spec: EncoderSpec, folder: Path, *, mirror: str = "", report: Report = ignore) -> WeightFile:
    """The published file: from ``folder``, or fetched into it now.

    Beside it lies a record of its address, sha256, size and date. Raises ``WeightsMissing`` where it cannot be fetched
    and ``WeightsRefused`` where the file is not the one recorded.
    """
    path = folder / spec.name / spec.file
    record = path.with_name(path.name + ".json")

    def waiting() -> None:
        report(Progress("weights", 0, unit="bytes", note=f"another process is fetching {spec.name}; waiting for it"))

    with locked(path.with_name(f".{path.name}.lock"), what=f"the weights of {spec.name}", waiting=waiting):
        if not path.is_file():
            source = _fetch(spec, path, mirror=mirror, report=report)
            _check_known(spec, path)
            _record(path, record, source)
        elif not record.is_file():  # put here by hand
            _check_known(spec, path)
            _record(path, record, "put here by hand")
        known = read_json(record)
        digest = file_sha256(path)
    if digest != known["sha256"]:
        raise WeightsRefused(
            f"{path} is not the file recorded on {known['date'][:10]} (sha256 differs: damaged or replaced); "
            f"delete it and {record.name} and fetch it again."
        )
    return WeightFile(path, digest)


def _check_known(spec: EncoderSpec, path: Path) -> None:
    if spec.sha256 and file_sha256(path) != spec.sha256:
        path.unlink()
        raise WeightsRefused(f"The weights of {spec.name} do not have the published sha256 {spec.sha256[:12]}...; fetch them again.")


def _record(path: Path, record: Path, source: str) -> None:
    facts = {"url": source, "sha256": file_sha256(path), "bytes": path.stat().st_size}
    write_json(record, {**facts, "date": datetime.now(UTC).isoformat(timespec="seconds")})


def _fetch(spec: EncoderSpec, path: Path, *, mirror: str, report: Report) -> str:
    """Bring the file to ``path``, whole; return where it came from."""
    if mirror:
        return _download(spec, f"{mirror}/{spec.name}/{spec.file}", path, report)
    if spec.url:
        return _download(spec, spec.url, path, report)
    from . import hub

    return hub.download(spec, path, report)


def by_hand(spec: EncoderSpec, url: str, path: Path) -> str:
    """What a person does on a machine without network."""
    return f"fetch {url} on a machine with network, then pass --weights FILE, or put it at {path}"


def _download(spec: EncoderSpec, url: str, path: Path, report: Report) -> str:
    part = path.with_name(path.name + ".part")
    try:
        with _opened(url) as (answer, total), part.open("wb") as file:
            done = 0
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                report(Progress("weights", done, total, unit="bytes"))
    except (OSError, ValueError) as error:
        part.unlink(missing_ok=True)
        reason = getattr(error, "reason", error)
        raise WeightsMissing(
            f"{spec.name} has no weights at {path} and they could not be fetched ({reason}); {by_hand(spec, url, path)}."
        ) from error
    if total is not None and done != total:
        part.unlink()
        raise WeightsMissing(
            f"The download of {spec.name} was cut after {done} of {total} bytes; run it again, or {by_hand(spec, url, path)}."
        )
    part.replace(path)
    return url


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to https only, so that nobody on the way can swap the file; a loopback server may name itself."""

    def redirect_request(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not _trusted(newurl, origin=req.full_url):
            raise ValueError(f"{req.full_url} sends on to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _trusted(url: str, *, origin: str) -> bool:
    loopback = ("127.0.0.1", "localhost", "::1")
    both_here = urlsplit(url).hostname in loopback and urlsplit(origin).hostname in loopback
    return urlsplit(url).scheme == "https" or (urlsplit(url).scheme == "http" and both_here)


@contextmanager
def _opened(url: str) -> Iterator[tuple[IO[bytes], int | None]]:
    """The answer and its length in bytes, where the server says it."""
    opener = urllib.request.build_opener(_Redirects)
    with opener.open(urllib.request.Request(url, headers={"User-Agent": "pathology-explorer"}), timeout=TIMEOUT_S) as answer:
        length = answer.headers.get("Content-Length")
        yield answer, int(length) if length else None


def read_tensors(spec: EncoderSpec, file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a ``.safetensors`` file or a torch checkpoint, without running anything in it. Raises ``WeightsRefused``."""
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsRefused(
            f"{file} is cut, damaged or no weight file ({str(error).splitlines()[0][:120]}); fetch the weights of {spec.name} again."
        ) from error
    for key in ("model", "state_dict", "teacher"):
        content = content.get(key, content) if isinstance(content, Mapping) else content
    if not isinstance(content, Mapping) or not all(isinstance(v, torch.Tensor) for v in content.values()):
        raise WeightsRefused(f"{file} holds no table of named tensors; give the file its publisher offers for {spec.name}.")
    return dict(content)


def load_strictly(spec: EncoderSpec, file: Path, model: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put every tensor in its place, as float32. Raises ``WeightsRefused``, saying which tensors differ."""
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
            f"{file} does not fit {spec.name} ({spec.architecture}): {'; '.join(filter(None, faults))}; give the weights of this model."
        )
    model.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}, strict=True, assign=True)


def _some(what: str, names: list[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} tensor{'s' * (len(names) > 1)} {what} ({shown})"


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"
