"""Who may speak to the server: browsers that came to it by a name it answers to, from its own pages.

Without this, any page open in a reader's browser could reach a server on localhost: by posting to it, by opening a
websocket, or, through a name of its own that points to 127.0.0.1, by reading everything.
"""

from __future__ import annotations

from collections.abc import Collection, MutableMapping
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import answer

LOCAL = ("localhost", "127.0.0.1", "::1")
HEADER = b"x-explorer"
"""Asked for on every call that changes something: a form or a link of another page cannot send it."""
SAFE = ("GET", "HEAD", "OPTIONS")

_EVERYWHERE = {b"x-content-type-options": b"nosniff", b"referrer-policy": b"same-origin", b"cross-origin-resource-policy": b"same-origin"}
_ROUTES = _EVERYWHERE | {b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'"}
_PAGES = _EVERYWHERE | {
    # Streamlit's page needs inline scripts and styles; nothing may come from, or go to, anywhere but this server.
    b"content-security-policy": b"default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    b"style-src 'self' 'unsafe-inline'; connect-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    b"frame-ancestors 'self'"
}


class Guard:
    """Pure ASGI, so that it sees websockets and lets streams through."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Collection[str], api_path: str) -> None:
        self.app = app
        self.hosts = frozenset((*LOCAL, *allowed_hosts))
        self.api_path = api_path + "/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on and add the headers that keep browsers from guessing, framing and fetching."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        ours = scope["path"].startswith(self.api_path)
        refusal = self._refusal(scope, ours=ours)
        if refusal and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal})
        elif refusal:
            await answer(403, refusal)(scope, receive, send)
        else:
            await self.app(scope, receive, _adding(send, _ROUTES if ours else _PAGES))

    def _refusal(self, scope: Scope, *, ours: bool) -> str:
        headers: MutableMapping[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if _name(host) not in self.hosts:
            return "This server does not answer to this name; whoever runs it can allow it by EXPLORER_ALLOWED_HOSTS."
        if scope["type"] == "http" and scope["method"] in SAFE:
            return ""
        origin = headers.get(b"origin")
        if origin is not None and urlsplit(origin.decode("latin-1")).netloc != host:
            return "This call comes from another site's page; open the app at its own address."
        if ours and scope["type"] == "http" and headers.get(HEADER) != b"1":
            return "Calls that change something need the header 'x-explorer: 1'; add it."
        return ""


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _adding(send: Send, headers: dict[bytes, bytes]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present: list[tuple[bytes, bytes]] = list(message.get("headers", []))
            named = {name.lower() for name, _ in present}
            message = {**message, "headers": present + [(name, value) for name, value in headers.items() if name not in named]}
        await send(message)

    return sending
