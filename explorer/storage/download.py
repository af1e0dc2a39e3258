"""Files brought over the network, by https or from this machine itself."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from .artifacts import read_json, write_json

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30
_RANGE_NOT_SATISFIABLE = 416
_PARTIAL = 206


@contextmanager
def _opened(url: str, headers: Mapping[str, str] | None = None) -> Iterator[HTTPResponse]:
    """The answer to a GET request. Raises ``OSError``, also where the server sends on to an address that is not https."""
    opener = urllib.request.build_opener(_Redirects)
    request = urllib.request.Request(url, headers={"User-Agent": "pathology-explorer", **(headers or {})})
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            yield answer
    except HTTPError as error:
        error.close()  # it is an answer too, and holds the connection
        raise


def is_safe(url: str) -> bool:
    """Whether nobody on the way can swap what is fetched: https, or http from this machine."""
    return urlsplit(url).scheme == "https" or _is_loopback(url)


def resume(url: str, part: Path, headers: Mapping[str, str] | None = None) -> Iterator[tuple[int, int | None]]:
    """Bring the rest of ``url`` into the file ``part``; yields (bytes there, bytes in all where known) as it goes.

    Goes on after the bytes that are there where the server can (HTTP range requests) and the file is still the same one,
    which a record beside ``part`` tells (address, and ETag or date). Tries again by itself as long as each try brings
    something. Raises ``OSError`` where a try brings nothing; the bytes gained so far stay.
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
    """Let a file that ``resume`` wrote in full appear under its name."""
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
    """What ``If-Range`` may send back: a strong ETag, else the date of the file, else nothing."""
    etag = answer.headers.get("ETag") or ""
    return etag if etag.startswith('"') else answer.headers.get("Last-Modified") or ""


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to https only, so that nobody on the way can swap the file; a loopback server may send on to itself."""

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
