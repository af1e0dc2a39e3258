"""The command that serves the app."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
import threading
import time
import urllib.request
import webbrowser
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError

import click

from ..errors import InputError

if TYPE_CHECKING:
    from ..settings import Settings

_PORTS = 20
_PATIENCE_S = 60


@click.command()
@click.option("--port", default=8501, show_default=True, help="Port to serve on; the next free one where it is taken.")
@click.option(
    "--host", default="localhost", show_default=True, help="Address to serve on; any but localhost opens the app to a network, by a token."
)
@click.option("--base-path", default="", help="Path below which a proxy serves the app.")
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open the app in a browser.")
@click.option("--new-token", is_flag=True, help="Make a new token: earlier links, and browsers that used them, are no longer accepted.")
@click.pass_obj
def app(settings: Settings, *, port: int, host: str, base_path: str, browser: bool, new_token: bool) -> None:
    """Serve the app to browsers, by default only on this machine.

    Browsers on other machines need the token in the link that is printed here.
    """
    os.environ["EXPLORER_HOME"] = str(settings.home.resolve())  # pages, routes and jobs read it there
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # uvicorn believes no forwarding header; the guard decides whose count
    port = _free_port(host, port)
    base = base_path.strip("/")
    from ..app import server
    from ..app.api.access import Token

    token, everywhere = Token(settings.home.resolve()), host in ("0.0.0.0", "::", "")
    if new_token:
        token.renew()
    own_names = {socket.gethostname(), host} if everywhere else {host}
    address = f"http://{_in_url('localhost' if everywhere else host)}:{port}/{base}"
    outside = f"http://{_in_url(socket.gethostname() if everywhere else host)}:{port}/{base}"
    click.echo(f"The explorer is at {address} (stop it with Ctrl+C).", err=True)
    if _is_this_machine(host):
        if new_token:
            click.echo(
                f"The token is new: earlier links and cookies no longer count. Through a proxy, add ?token={token.value()} to its address.",
                err=True,
            )
    else:
        click.echo(f"From other machines open {outside}?token={token.value()} (whoever has this link sees everything here).", err=True)
    if browser:
        link = address if everywhere or _is_this_machine(host) else f"{address}?token={token.value()}"
        threading.Thread(target=_open_when_there, args=(address, link), daemon=True).start()
    sys.argv = [str(Path(sys.executable).with_name("explorer"))]  # Streamlit puts its folder on the import path
    config = server.config() | {"server.address": host, "server.port": port, "server.baseUrlPath": base}
    with suppress(KeyboardInterrupt):  # the server has shut down in order and then raises the signal again
        server.make_app(base, own_names).run(config=config)
    click.echo("The explorer has stopped; jobs that were started go on.", err=True)


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _free_port(host: str, first: int) -> int:
    for port in range(first, first + _PORTS):
        try:
            family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        except OSError as error:
            raise _not_ours(host, error) from error
        with closing(socket.socket(family, kind)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    raise _not_ours(host, error) from error
                continue
            return port
    raise InputError(f"Ports {first} to {first + _PORTS - 1} of {host} cannot be served on; choose another one by --port.")


def _not_ours(host: str, error: OSError) -> InputError:
    return InputError(f"{host!r} is no address of this machine ({error.strerror}); choose another one by --host.")


def _open_when_there(address: str, link: str) -> None:
    health = f"{address.rstrip('/')}/_stcore/health"
    for _ in range(_PATIENCE_S * 10):
        try:
            urllib.request.urlopen(health, timeout=1).close()
        except HTTPError as refused:  # it answers, if only by asking for its token
            refused.close()
        except (URLError, OSError):
            time.sleep(0.1)
            continue
        webbrowser.open(link)
        return
