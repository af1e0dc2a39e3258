"""Limits on request bodies, checked before anything is parsed, so that no caller can block the server for others."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import answer

MOST_QUERY_BYTES = 16_000
MOST_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of a JSON body."""

    most_bytes: int = 1_000_000
    most_values: int = 10_000


_LIMITS = {
    "search": Limit(most_bytes=30_000_000),  # may bring pictures as text
    "annotations": Limit(most_bytes=12_000_000, most_values=1_000_000),  # may name every row
    "selections": Limit(most_bytes=12_000_000, most_values=1_000_000),
}
"""Limits by the last part of the path; ``Limit()`` for every other path."""
_STREAMED = re.compile(r"/(?:uploads|queries)/[^/]+$|/search/image$")
"""Paths of the routes that read their body in chunks, each with its own limit."""
_STRING = re.compile(rb'"(?:[^"\\]+|\\.)*"?', re.DOTALL)
"""A JSON string, also one that is not closed, so that each byte is read only once for any input."""
_BRACKET = re.compile(rb"[\[\]{}]")
_NO_JSON = "The body is not JSON that can be used; send one object in UTF-8, without numbers of thousands of digits or half characters."


class Limits:
    """ASGI middleware that enforces the limits."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a body that is too large, too deep, too long or not JSON; pass on every other request with its body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if len(scope["query_string"]) > MOST_QUERY_BYTES:
            await answer(414, f"The address may have {MOST_QUERY_BYTES // 1000} kB after its question mark; send less.")(
                scope, receive, send
            )
            return
        if scope["method"] in ("GET", "HEAD", "OPTIONS") or _STREAMED.search(scope["path"]):
            await self.app(scope, receive, send)
            return
        body, more = bytearray(), True
        limit = _LIMITS.get(scope["path"].rpartition("/")[2], Limit())
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limit.most_bytes:
                await answer(413, f"The body of this call may have {limit.most_bytes // 1000} kB; send less.")(scope, receive, send)
                return
        if fault := await to_thread.run_sync(_fault, bytes(body), limit.most_values):
            await answer(422, fault)(scope, receive, send)
        else:
            await self.app(scope, _again(bytes(body), receive), send)


def _fault(body: bytes, most_values: int) -> str:
    """What is wrong with a JSON body; an empty text if nothing is."""
    if not body.strip():
        return ""
    structure = _STRING.sub(b"", body)
    if structure.count(b",") >= most_values or structure.count(b"[") + structure.count(b"{") > most_values:
        return f"The body holds more than {most_values} values; send fewer."
    depth = 0
    for bracket in _BRACKET.finditer(structure):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MOST_DEPTH:
            return f"The body is nested more than {MOST_DEPTH} levels deep; send a simpler one."
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):  # ValueError: also half a surrogate pair, bytes that are no text, a number too long
        return _NO_JSON
    return ""


def _again(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` callable that returns the body already read, then passes on later messages."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
