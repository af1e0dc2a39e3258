"""Download of weight files from a mirror, a publisher's address, or the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import WeightsMissing, WeightsRefused
from ..storage import file_sha256
from ..storage.download import discard, finish, is_safe, resume
from ..types import Progress, Report
from .spec import EncoderSpec

_SHA256 = re.compile(r"[0-9a-f]{64}")


def fetch(spec: EncoderSpec, path: Path, *, mirror: str, report: Report) -> str:
    """Download the weight file to ``path``, complete or not at all; return the address it came from.

    An interrupted download is resumed. Raises ``WeightsMissing`` where the file cannot be downloaded, and ``WeightsRefused``,
    after deleting it, where it is not the published one (the table's or the hub's sha256).
    """
    headers: Mapping[str, str] = {}
    if mirror:
        url, published = f"{mirror}/{spec.name}/{spec.file}", spec.sha256
    elif spec.url:
        url, published = spec.url, spec.sha256
    else:
        url, published, headers = _on_hub(spec, path)
    if not is_safe(url):
        raise WeightsMissing(f"{url} is neither https nor on this machine, so what it sends could be swapped; give an https address.")
    part = path.with_name(f".{path.name}.part")
    try:
        for done, total in resume(url, part, headers):
            report(Progress("weights", done, total, unit="bytes"))
    except OSError as error:
        raise WeightsMissing(_unreached(spec, url, path, getattr(error, "reason", None) or error)) from error
    if published and (digest := file_sha256(part)) != published:
        discard(part)
        raise WeightsRefused(
            f"What came from {url} is not the published file of {spec.name} (sha256 {digest[:12]}... instead of {published[:12]}...) "
            "and was deleted; run this again, or give the file its publisher offers with --weights."
        )
    finish(part, path)
    return url


def _on_hub(spec: EncoderSpec, path: Path) -> tuple[str, str, Mapping[str, str]]:
    """(address, sha256 or "", headers with this account's token) of a file on the Hugging Face hub. Raises ``WeightsMissing``."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        EntryNotFoundError,
        HTTPError,  # of the library it asks with, which differs between its versions
        RepositoryNotFoundError,
    )
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    url = hf_hub_url(spec.hub_id, spec.hub_file)
    try:
        published = get_hf_file_metadata(url).etag or ""  # of a large file the hub's ETag is its sha256
    except RepositoryNotFoundError as error:  # the hub's answer too to an account without access to a gated repository
        get = spec.access or f"see https://huggingface.co/{spec.hub_id}"
        raise WeightsMissing(f"The Hugging Face hub does not give out {spec.title} to this account; to get it, {get}.") from error
    except (EntryNotFoundError, HTTPError, OSError) as error:
        raise WeightsMissing(_unreached(spec, url, path, error)) from error
    return url, spec.sha256 or (published if _SHA256.fullmatch(published) else ""), build_hf_headers()


def _unreached(spec: EncoderSpec, url: str, path: Path, reason: object) -> str:
    why = (str(reason).partition("\n")[0] or type(reason).__name__).rstrip(". ")
    first = f"{spec.access}; then " if spec.gated else ""
    return (
        f"{spec.name} has no weights at {path} and they could not be fetched ({why}): {first}fetch {url} on a machine with network "
        "and pass the file with --weights, or put it at that place."
    )
