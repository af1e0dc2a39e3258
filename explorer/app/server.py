"""The one ASGI application: Streamlit's pages, our routes under ``/api``, and the guard before both."""

from __future__ import annotations

import asyncio
import functools
import socket
import tomllib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from anyio import to_thread
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from streamlit.web.server.starlette import starlette_server

from .. import jobs, storage
from .api.access import Token
from .api.application import make_api
from .api.problems import nothing_there
from .api.security import Guard
from .shared import cache
from .ui.frontend import ServerAddress

MAIN = Path(__file__).with_name("main.py")
_TIDY_EVERY_S = 3600.0
_CONFIG = Path(__file__).parent / "ui" / "theme.toml"


def parts(base_path: str = "", own_names: Collection[str] = ()) -> dict[str, Any]:
    """Arguments for ``st.App(server.MAIN, **parts())``.

    ``base_path`` is Streamlit's ``server.baseUrlPath``; ``own_names`` are the host names by which other machines reach this
    one.
    """
    base = base_path.strip("/")
    api_path = f"/{base}/api" if base else "/api"
    settings = cache.settings()
    guard = Middleware(
        Guard,
        token=Token(settings.home),
        api_path=api_path,
        allowed_hosts=settings.allowed_hosts,
        own_names=own_names,
        trusted_proxies=settings.trusted_proxies,
    )
    return {
        "routes": [Route(api_path, nothing_there), Mount(api_path, make_api())],
        "middleware": [guard, Middleware(ServerAddress, base_path=f"/{base}")],
        "lifespan": _tidied,
    }


@asynccontextmanager
async def _tidied(_: Any) -> AsyncIterator[None]:
    """Clean up after earlier servers before the first request; uploads that are a day old are deleted every hour."""
    home = cache.settings().home
    await to_thread.run_sync(storage.finish_removals, home)
    await to_thread.run_sync(jobs.requeue, home)
    await to_thread.run_sync(cache.remove_unused_uploads)
    tidying = asyncio.create_task(_tidy_uploads())
    try:
        yield
    finally:
        tidying.cancel()


async def _tidy_uploads() -> None:
    while True:
        await asyncio.sleep(_TIDY_EVERY_S)
        await to_thread.run_sync(cache.remove_unused_uploads)


def make_app(base_path: str = "", own_names: Collection[str] = ()) -> st.App:
    """The application, for ``explorer app`` and for any ASGI server."""
    answer_at_once()
    return st.App(MAIN, **parts(base_path, own_names))


@functools.cache
def answer_at_once() -> None:
    """Set TCP_NODELAY on the socket that Streamlit listens on, from which connections inherit it.

    asyncio sets it where a socket was made for TCP by name, which Streamlit's is not. Without it, on a connection that is kept
    open the body of an answer waits 40 ms until the client acknowledges its head. A Streamlit without this function is left alone.
    """
    bind = getattr(starlette_server, "_bind_socket", None)
    if bind is None:
        return

    def bind_without_delay(address: str, port: int, backlog: int) -> socket.socket:
        listening: socket.socket = bind(address, port, backlog)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening

    starlette_server._bind_socket = bind_without_delay


@functools.cache
def config() -> dict[str, Any]:
    """Streamlit's options for this app, by dotted name; the same as in ``.streamlit/config.toml`` of a checkout."""
    return dict(_flat("", tomllib.loads(_CONFIG.read_text(encoding="utf-8"))))


def _flat(prefix: str, table: dict[str, Any]) -> list[tuple[str, Any]]:
    found = []
    for name, value in table.items():
        found += _flat(f"{prefix}{name}.", value) if isinstance(value, dict) else [(f"{prefix}{name}", value)]
    return found
