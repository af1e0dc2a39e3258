"""The command that serves the app."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import urllib.request
import webbrowser
from contextlib import closing
from pathlib import Path
from urllib.error import URLError

import click

from ..errors import InputError
from ..settings import Settings

_PORTS = 20
_PATIENCE_S = 60


@click.command()
@click.option("--port", default=8501, show_default=True, help="Port to serve on; the next free one where it is taken.")
@click.option("--host", default="localhost", show_default=True, help="Address to serve on; any but localhost opens the app to a network.")
@click.option("--base-path", default="", help="Path below which a proxy serves the app.")
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open the app in a browser.")
@click.pass_obj
def app(settings: Settings, *, port: int, host: str, base_path: str, browser: bool) -> None:
    """Serve the app to browsers, those of this machine only unless told otherwise."""
    os.environ["EXPLORER_HOME"] = str(settings.home.resolve())  # pages, routes and jobs read it there
    os.environ["EXPLORER_ALLOWED_HOSTS"] = ",".join((*settings.allowed_hosts, host))
    port = _free_port(host, port)
    address = f"http://{'localhost' if host == '0.0.0.0' else host}:{port}/{base_path.strip('/')}"
    from ..app import server

    if browser:
        threading.Thread(target=_open_when_there, args=(address,), daemon=True).start()
    click.echo(f"The explorer is at {address} (stop it with Ctrl+C).", err=True)
    sys.argv = [str(Path(sys.executable).with_name("explorer"))]  # Streamlit puts its folder on the import path
    server.make_app(base_path).run(
        config=server.config() | {"server.address": host, "server.port": port, "server.baseUrlPath": base_path.strip("/")}
    )


def _free_port(host: str, first: int) -> int:
    for port in range(first, first + _PORTS):
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise InputError(f"Ports {first} to {first + _PORTS - 1} of {host} cannot be served on; choose another one by --port.")


def _open_when_there(address: str) -> None:
    health = f"{address.rstrip('/')}/_stcore/health"
    for _ in range(_PATIENCE_S * 10):
        try:
            urllib.request.urlopen(health, timeout=1).close()
        except (URLError, OSError):
            time.sleep(0.1)
        else:
            webbrowser.open(address)
            return
