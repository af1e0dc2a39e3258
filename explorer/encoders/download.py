"""Weight files brought over the network: from a mirror, a publisher's address, or the Hugging Face hub."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from ..errors import WeightsMissing
from ..storage.download import CHUNK_BYTES, length, opened
from ..types import Progress, Report
from .spec import EncoderSpec


def fetch(spec: EncoderSpec, path: Path, *, mirror: str, report: Report) -> str:
    """Bring the weight file to ``path``, whole or not at all; return the address it came from. Raises ``WeightsMissing``."""
    if mirror:
        return _from_url(spec, f"{mirror}/{spec.name}/{spec.file}", path, report)
    return _from_url(spec, spec.url, path, report) if spec.url else _from_hub(spec, path, report)


def _from_url(spec: EncoderSpec, url: str, path: Path, report: Report) -> str:
    part = path.with_name(f".{path.name}.part")
    done, total = 0, None
    try:
        with opened(url) as answer, part.open("wb") as file:
            total = length(answer)
            while chunk := answer.read(CHUNK_BYTES):
                file.write(chunk)
                done += len(chunk)
                report(Progress("weights", done, total, unit="bytes"))
        if total is not None and done != total:
            raise ConnectionError(f"cut after {done} of {total} bytes")
    except (OSError, HTTPException) as error:  # HTTPException: an answer in pieces that was cut, or no HTTP at all
        part.unlink(missing_ok=True)
        raise WeightsMissing(_unreached(spec, url, path, getattr(error, "reason", error))) from error
    part.replace(path)
    return url


def _from_hub(spec: EncoderSpec, path: Path, report: Report) -> str:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        EntryNotFoundError,
        HTTPError,  # of the library it asks with, which differs between its versions
        RepositoryNotFoundError,
    )

    url = hf_hub_url(spec.hub_id, spec.hub_file)
    report(Progress("weights", 0, spec.download_bytes, unit="bytes", note=f"fetching {url}"))
    try:
        get_hf_file_metadata(url)  # asks once; the download would ask six times, half a minute, where there is no network
        with _hub_quiet(), tempfile.TemporaryDirectory(dir=path.parent, prefix=".hub-") as folder:
            shutil.move(hf_hub_download(spec.hub_id, spec.hub_file, local_dir=folder), path)
    except RepositoryNotFoundError as error:  # also what the hub answers a stranger who asks for a gated repository
        get = spec.access or f"see https://huggingface.co/{spec.hub_id}"
        raise WeightsMissing(f"The Hugging Face hub does not give out {spec.title} to this account; to get it, {get}.") from error
    except (EntryNotFoundError, HTTPError, OSError) as error:
        raise WeightsMissing(_unreached(spec, url, path, error)) from error
    return url


@contextmanager
def _hub_quiet() -> Iterator[None]:
    """What the hub's client would log of its tries is in the error that ends them."""
    from huggingface_hub.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _unreached(spec: EncoderSpec, url: str, path: Path, reason: object) -> str:
    why = (str(reason).partition("\n")[0] or type(reason).__name__).rstrip(". ")
    first = f"{spec.access}; then " if spec.gated else ""
    return (
        f"{spec.name} has no weights at {path} and they could not be fetched ({why}): {first}fetch {url} on a machine with network "
        "and pass the file with --weights, or put it at that place."
    )
