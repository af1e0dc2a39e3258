"""``explorer app --host 0.0.0.0`` from a non-loopback address, in a network namespace of the test's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import ROOT
from served import make_collection

_ENTER = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c"]
_NETWORK = "ip link set lo up && ip addr add 192.0.2.1/24 dev lo"
_WATCH = """
import ipaddress, os, sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"):
        place = arguments[0] if event.startswith("socket.get") else arguments[1]
        host = place[0] if isinstance(place, tuple) else place
        try:
            inside = host in (None, "", "localhost") or ipaddress.ip_address(host).is_loopback or host == "0.0.0.0"
        except ValueError:
            inside = False
        if not inside and "/" not in str(host):
            with open(os.environ["SEEN"], "a") as file:
                file.write(f"{event} {place}\\n")
sys.addaudithook(watch)
"""
"""Read by every Python process below: it writes down each address outside this machine that is looked up or called."""
_SCRIPT = """
import asyncio, json, os, socket, sys, urllib.request, urllib.error
from pathlib import Path
from running import running
import websockets

home = Path(sys.argv[1])
os.environ["PYTHONPATH"] = f"{home.parent / 'watch'}{os.pathsep}{os.environ['PYTHONPATH']}"
os.environ["SEEN"] = str(home.parent / "seen")
os.environ["EXPLORER_ALLOWED_HOSTS"] = "lab.example.org"

def status(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code

async def stream(url, *, at=None, **headers):
    there = {} if at is None else {"host": "localhost", "port": at}
    try:
        async with websockets.connect(url, additional_headers=headers, open_timeout=60, **there):
            return 101
    except websockets.InvalidStatus as error:
        return error.response.status_code

with running(home, "--host", "0.0.0.0", log=home.parent / "log") as app:
    token = (home / ".token").read_text()
    port = app.url.rpartition(":")[2]
    outside = f"http://192.0.2.1:{port}"
    found = {"log": (home.parent / "log").read_text(), "token": token}
    for name, headers in {"without": {}, "wrong": {"Authorization": "Bearer x"}, "right": {"Authorization": f"Bearer {token}"}}.items():
        paths = ("/", "/map", "/_stcore/health", "/api/health", "/api/collections", "/api/collections/small/patch/0.jpg")
        found[name] = [status(outside + path, **headers) for path in paths]
        found[name].append(asyncio.run(stream(f"ws://192.0.2.1:{port}/_stcore/stream", **headers)))
    found["localhost as a name"] = status(f"{outside}/api/health", Host="localhost")
    origin = "https://lab.example.org:8443"  # of a proxy with a port of its own; Streamlit would look up this machine's address
    found["proxy"] = asyncio.run(stream("ws://lab.example.org/_stcore/stream", at=int(port), Origin=origin))
    found["this machine"] = [status(f"http://localhost:{port}{path}") for path in ("/", "/api/collections")]
print(json.dumps(found))
"""


def _has_namespaces() -> bool:
    tools = all(shutil.which(tool) for tool in ("unshare", "ip", "sh"))
    return tools and subprocess.run([*_ENTER, _NETWORK], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux" or not _has_namespaces(), reason="no network namespace can be made here")
def test_from_another_address_nothing_is_shown_without_the_token_and_the_server_calls_nobody(tmp_path: Path) -> None:
    make_collection(tmp_path / "home", per_class=3)
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(_WATCH)
    command = [*_ENTER, f'{_NETWORK} && exec "$0" "$@"', sys.executable, "-c", _SCRIPT, str(tmp_path / "home")]
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ | paths)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["without"] == [401] * 6 + [403] and found["wrong"] == [401] * 6 + [403]
    assert found["right"] == [200] * 6 + [101]
    assert found["localhost as a name"] == 401
    assert found["this machine"] == [200, 200]
    assert found["proxy"] == 101
    assert not (tmp_path / "seen").exists(), (tmp_path / "seen").read_text()
    assert f"?token={found['token']}" in found["log"]
