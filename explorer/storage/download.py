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

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30
_RANGE_NOT_SATISFIABLE = 416
_PARTIAL = 206


@contextmanager
def opened(url: str, headers: Mapping[str, str] | None = None) -> Iterator[HTTPResponse]:
    """The answer to a GET request. Raises ``OSError``, also where the server sends on to an address that is not https."""
    opener = urllib.request.build_opener(_Redirects)
    request = urllib.request.Request(url, headers={"User-Agent": "pathology-explorer", **(headers or {})})
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            yield answer
    except HTTPError as error:
        error.close()  # it is an answer too, and holds the connection
        raise


def length(answer: HTTPResponse) -> int | None:
    """Bytes the server says the answer has."""
    said = answer.headers.get("Content-Length")
    return int(said) if said else None


def is_safe(url: str) -> bool:
    """Whether nobody on the way can swap what is fetched: https, or http from this machine."""
    return urlsplit(url).scheme == "https" or _is_loopback(url)


def resume(url: str, part: Path) -> Iterator[tuple[int, int | None]]:
    """Bring the rest of ``url`` into the file ``part``; yields (bytes there, bytes in all where known) as it goes.

    Goes on after the bytes that are there where the server can (HTTP range requests), and tries again by itself as long
    as each try brings something. Raises ``OSError`` where a try brings nothing; the bytes gained so far stay.
    """
    while True:
        before = _size(part)
        try:
            yield from _rest(url, part)
        except (OSError, HTTPException) as error:
            if _size(part) <= before:
                raise error if isinstance(error, OSError) else ConnectionError(str(error) or type(error).__name__) from error
        else:
            return


def _rest(url: str, part: Path) -> Iterator[tuple[int, int | None]]:
    there = _size(part)
    try:
        with opened(url, {"Range": f"bytes={there}-"} if there else None) as answer:
            if answer.status != _PARTIAL:  # the server sends it from the start
                there = 0
            rest = length(answer)
            total = None if rest is None else there + rest
            with part.open("ab" if there else "wb") as file:
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


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to https only, so that nobody on the way can swap the file; a loopback server may send on to itself."""

    def redirect_request(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not (urlsplit(newurl).scheme == "https" or (_is_loopback(newurl) and _is_loopback(req.full_url))):
            fp.close()
            raise ConnectionError(f"{req.full_url} sends on to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_loopback(url: str) -> bool:
    return urlsplit(url).scheme == "http" and urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
