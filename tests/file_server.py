"""A web server on this machine that sends files, whole or not, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Served:
    """A web server on this machine: what it holds, how it misbehaves, which bytes it was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    """Of each next answer, how many bytes are sent before the line goes dead."""
    chunked: int | None = None
    """Bytes of an answer that is sent in chunks of which the first announces more; None for answers of a known length."""
    knows_ranges: bool = True
    send_on: str = ""
    """The address to which every request for another one is redirected."""
    wait_for: threading.Event | None = None
    """A file is sent once this is set."""
    etag: str = ""
    """Sent with every file; a range asked for with another one (If-Range) gets the whole file."""
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and range of each request."""

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@contextmanager
def serving() -> Iterator[Served]:
    """A server until the block ends."""
    served = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            served.asked.append((self.path, asked))
            served.headers.append(dict(self.headers))
            content = served.files.get(self.path)
            if served.send_on not in ("", served.url + self.path):
                self.send_response(302)
                self.send_header("Location", served.send_on)
                self.end_headers()
                return
            if content is None:
                self.send_error(404)
                return
            if served.wait_for is not None:
                served.wait_for.wait(20)
            if served.chunked is not None:
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"100000\r\n" + content[: served.chunked])
                return
            same = self.headers["If-Range"] in (None, served.etag)
            first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and served.knows_ranges and same else 0
            if first >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206 if first else 200)
            if served.etag:
                self.send_header("ETag", served.etag)
            self.send_header("Content-Length", str(len(content) - first))
            self.end_headers()
            self.wfile.write(content[first:][: served.cuts.pop(0) if served.cuts else None])

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    served.url = f"http://127.0.0.1:{http.server_port}"
    yield served
    http.shutdown()
    thread.join()
    http.server_close()
