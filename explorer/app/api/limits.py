"""What a request may hold, looked at before anything is parsed: one caller cannot keep the server busy for all."""

from __future__ import annotations

import json
import re

from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import answer

MOST_QUERY_BYTES = 16_000
MOST_BODY_BYTES = 1_000_000
MOST_SEARCH_BYTES = 30_000_000
"""A search may bring pictures as text."""
MOST_DEPTH = 32
MOST_VALUES = 10_000
_STREAMED = re.compile(r"/uploads/[^/]+$|/search/image$")
"""Paths of the routes that read their body piece by piece, each with a limit of its own."""
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_NO_JSON = "The body is not JSON that can be used; send one object in UTF-8, without numbers of thousands of digits or half characters."


class Limits:
    """Pure ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is too large, too deep, too long or no JSON; pass everything else on, its body read."""
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
        most_bytes = MOST_SEARCH_BYTES if scope["path"].endswith("/search") else MOST_BODY_BYTES
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > most_bytes:
                await answer(413, f"The body of this call may have {most_bytes // 1000} kB; send less.")(scope, receive, send)
                return
        if fault := await to_thread.run_sync(_fault, bytes(body)):
            await answer(422, fault)(scope, receive, send)
        else:
            await self.app(scope, _again(bytes(body), receive), send)


def _fault(body: bytes) -> str:
    """What is wrong with a JSON body; nothing where there is none."""
    if not body.strip():
        return ""
    structure = _STRING.sub(b"", body)
    if structure.count(b",") >= MOST_VALUES:
        return f"The body holds more than {MOST_VALUES} values; send fewer."
    depth = 0
    for bracket in _BRACKET.findall(structure):
        depth += 1 if bracket in b"[{" else -1
        if depth > MOST_DEPTH:
            return f"The body is nested more than {MOST_DEPTH} levels deep; send a simpler one."
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):  # ValueError: also half a surrogate pair, bytes that are no text, a number too long
        return _NO_JSON
    return ""


def _again(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body that was read already, then whatever comes."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
