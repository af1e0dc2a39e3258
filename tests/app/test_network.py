"""``explorer app --host 0.0.0.0`` from a non-loopback address, in a network namespace of the test's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import ROOT
from served import make_collection

_ENTER = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c"]
_NETWORK = "ip link set lo up && ip addr add 192.0.2.1/24 dev lo"
_SCRIPT = """
import asyncio, json, socket, sys, urllib.request, urllib.error
from pathlib import Path
from running import running
import websockets

home = Path(sys.argv[1])

def status(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code

async def stream(url, **headers):
    try:
        async with websockets.connect(url, additional_headers=headers, open_timeout=30):
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
    found["this machine"] = [status(f"http://localhost:{port}{path}") for path in ("/", "/api/collections")]
print(json.dumps(found))
"""


def _has_namespaces() -> bool:
    tools = all(shutil.which(tool) for tool in ("unshare", "ip", "sh"))
    return tools and subprocess.run([*_ENTER, _NETWORK], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux" or not _has_namespaces(), reason="no network namespace can be made here")
def test_from_another_address_nothing_is_shown_without_the_token(tmp_path: Path) -> None:
    make_collection(tmp_path / "home", per_class=3)
    command = [*_ENTER, f'{_NETWORK} && exec "$0" "$@"', sys.executable, "-c", _SCRIPT, str(tmp_path / "home")]
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    import os

    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ | paths)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["without"] == [401] * 6 + [403] and found["wrong"] == [401] * 6 + [403]
    assert found["right"] == [200] * 6 + [101]
    assert found["localhost as a name"] == 403
    assert found["this machine"] == [200, 200]
    assert f"?token={found['token']}" in found["log"]
