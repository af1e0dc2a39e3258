"""The one ASGI application: Streamlit's pages, our routes under ``/api``, and the guard before both."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from anyio import to_thread
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from .api.application import make_api
from .api.problems import nothing_there
from .api.security import Guard
from .shared import cache
from .ui.frontend import ServerAddress

MAIN = Path(__file__).with_name("main.py")
_CONFIG = Path(__file__).parent / "ui" / "theme.toml"


def parts(base_path: str = "") -> dict[str, Any]:
    """What ``st.App(server.MAIN, **parts())`` is made of. ``base_path`` is Streamlit's ``server.baseUrlPath``."""
    base = base_path.strip("/")
    api_path = f"/{base}/api" if base else "/api"
    return {
        "routes": [Route(api_path, nothing_there), Mount(api_path, make_api())],
        "middleware": [
            Middleware(Guard, allowed_hosts=cache.settings().allowed_hosts, api_path=api_path),
            Middleware(ServerAddress, base_path=f"/{base}"),
        ],
        "lifespan": _tidied,
    }


@asynccontextmanager
async def _tidied(_: Any) -> AsyncIterator[None]:
    """Uploads of yesterday that nothing was made from are gone before the first reader comes."""
    await to_thread.run_sync(cache.remove_unused_uploads)
    yield


def make_app(base_path: str = "") -> st.App:
    """The application, for ``explorer app`` and for any ASGI server."""
    return st.App(MAIN, **parts(base_path))


@functools.cache
def config() -> dict[str, Any]:
    """Streamlit's options for this app, by dotted name; the same as in ``.streamlit/config.toml`` of a checkout."""
    return dict(_flat("", tomllib.loads(_CONFIG.read_text(encoding="utf-8"))))


def _flat(prefix: str, table: dict[str, Any]) -> list[tuple[str, Any]]:
    found = []
    for name, value in table.items():
        found += _flat(f"{prefix}{name}.", value) if isinstance(value, dict) else [(f"{prefix}{name}", value)]
    return found
