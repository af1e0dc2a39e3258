"""Tells Streamlit's page the address of its server.

Without this, a page opened directly, such as ``/map``, first requests ``/map/_stcore/health`` to find the server, and the
browser reports each failed request as an error. If a later version of Streamlit ignores the setting, pages work as before.
"""

from __future__ import annotations

import json

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEAD = b"<head>"


class ServerAddress:
    """ASGI middleware that adds one line to the head of Streamlit's page and changes nothing else."""

    def __init__(self, app: ASGIApp, *, base_path: str) -> None:
        self.app = app
        line = f"<script>window.__streamlit = {{BACKEND_BASE_URL: window.location.origin + {json.dumps(base_path)}}}</script>"
        self.head = _HEAD + line.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not _asks_for_a_page(scope):
            await self.app(scope, receive, send)
            return
        scope = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]}
        page: Message | None = None

        async def sending(message: Message) -> None:
            nonlocal page
            if message["type"] == "http.response.start" and _is_page(message):
                page = message  # its length is known when its body is
                return
            if page is not None:
                if not message.get("more_body"):
                    message = {**message, "body": message["body"].replace(_HEAD, self.head, 1)}
                    MutableHeaders(raw=page["headers"])["content-length"] = str(len(message["body"]))
                await send(page)
                page = None
            await send(message)

        await self.app(scope, receive, sending)


def _asks_for_a_page(scope: Scope) -> bool:
    return scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")


def _is_page(start: Message) -> bool:
    return start["status"] == 200 and Headers(raw=start["headers"]).get("content-type", "").startswith("text/html")
