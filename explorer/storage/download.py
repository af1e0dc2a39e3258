"""Downloads by https, or by http from this machine."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from .artifacts import write_json
from .records import read_json

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30
_RANGE_NOT_SATISFIABLE = 416
_PARTIAL = 206


@contextmanager
def _opened(url: str, headers: Mapping[str, str] | None = None) -> Iterator[HTTPResponse]:
    """The response to a GET request. Raises ``OSError``, also for a redirect to an address that is not https."""
    opener = urllib.request.build_opener(_Redirects)
    request = urllib.request.Request(url, headers={"User-Agent": "pathology-explorer", **(headers or {})})
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            yield answer
    except HTTPError as error:
        error.close()  # it is an answer too, and holds the connection
        raise


def is_safe(url: str) -> bool:
    """True if nobody can modify the file on its way: https, or http from this machine."""
    return urlsplit(url).scheme == "https" or _is_loopback(url)


def resume(url: str, part: Path, headers: Mapping[str, str] | None = None) -> Iterator[tuple[int, int | None]]:
    """Download the rest of ``url`` into the file ``part``; yields (bytes there, bytes in all where known) on the way.

    Continues after the present bytes where the server can (HTTP range requests) and the file is still the same one according to
    a record beside ``part`` (address, and ETag or date). Tries again as long as each try brings new bytes. Raises ``OSError``
    where a try brings none; the downloaded bytes stay.
    """
    while True:
        before = _size(part)
        try:
            yield from _rest(url, part, headers or {})
        except (OSError, HTTPException) as error:
            if _size(part) <= before:
                raise error if isinstance(error, OSError) else ConnectionError(str(error) or type(error).__name__) from error
        else:
            return


def discard(part: Path) -> None:
    """Remove a file that ``resume`` wrote, with its record."""
    part.unlink(missing_ok=True)
    _origin(part).unlink(missing_ok=True)


def finish(part: Path, target: Path) -> None:
    """Rename a file that ``resume`` completed to its final name."""
    part.replace(target)
    _origin(part).unlink(missing_ok=True)


def _rest(url: str, part: Path, headers: Mapping[str, str]) -> Iterator[tuple[int, int | None]]:
    origin = read_json(_origin(part)) if _origin(part).is_file() else {}
    there = _size(part) if origin.get("url") == url else 0
    asked = {"Range": f"bytes={there}-"} | ({"If-Range": origin["validator"]} if origin["validator"] else {}) if there else {}
    try:
        with _opened(url, {**headers, **asked}) as answer:
            if answer.status != _PARTIAL:  # the server sends it from the start
                there = 0
                part.unlink(missing_ok=True)
                write_json(_origin(part), {"url": url, "validator": _validator(answer)})
            length = answer.headers.get("Content-Length")
            total = there + int(length) if length else None
            with part.open("ab") as file:
                while chunk := answer.read(CHUNK_BYTES):
                    file.write(chunk)
                    there += len(chunk)
                    yield there, total
    except HTTPError as error:
        if error.code != _RANGE_NOT_SATISFIABLE or error.headers.get("Content-Range") != f"bytes */{there}":
            raise
        yield there, there  # all of it was there already
        return
    if total is not None and there != total:
        raise ConnectionError(f"cut after {there} of {total} bytes")


def _origin(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _validator(answer: HTTPResponse) -> str:
    """The value for ``If-Range``: a strong ETag, else the date of the file, else an empty text."""
    etag = answer.headers.get("ETag") or ""
    return etag if etag.startswith('"') else answer.headers.get("Last-Modified") or ""


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects only to https, so that nobody can modify the file; a loopback server may redirect to itself."""

    def redirect_request(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not (urlsplit(newurl).scheme == "https" or (_is_loopback(newurl) and _is_loopback(req.full_url))):
            fp.close()
            raise ConnectionError(f"{req.full_url} sends on to {newurl}, which is not https")
        sent = super().redirect_request(req, fp, code, msg, headers, newurl)
        if sent is not None and urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            sent.remove_header("Authorization")  # a token is for the server that asked for it, not for where it sends on to
        return sent


def _is_loopback(url: str) -> bool:
    return urlsplit(url).scheme == "http" and urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
