"""Fixtures of every test: real data where it is beside the checkout, and no network."""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis.configuration import set_hypothesis_home_dir
from platformdirs import user_cache_path

# How busy a machine is says nothing of the code. In CI the same examples are tried each time; elsewhere new ones are looked for.
hypothesis_settings.register_profile("local", deadline=None)
hypothesis_settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis_settings.register_profile(
    "wide", deadline=None, max_examples=int(os.environ.get("EXPLORER_WIDE_EXAMPLES", "100"))
)  # tests/wide.sh
hypothesis_settings.load_profile("ci" if os.environ.get("CI") == "true" else "wide" if "EXPLORER_WIDE_EXAMPLES" in os.environ else "local")
set_hypothesis_home_dir(user_cache_path("pathology-explorer") / "hypothesis")  # not in the checkout

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before anything imports huggingface_hub

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection that would leave this machine fails the test."""
    connect = socket.socket.connect
    connect_ex = socket.socket.connect_ex
    resolve = socket.getaddrinfo

    def guard(address: Any) -> None:
        if isinstance(address, tuple) and not _is_loopback(str(address[0])):
            pytest.fail(f"a test tried to reach {address[0]!r}, which is not on this machine")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        guard(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        guard(address)
        return connect_ex(self, address)

    def guarded_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        guard((host,))
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests run without the user's settings and never touch the user's cache."""
    for name in list(os.environ):
        if name.startswith("EXPLORER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("EXPLORER_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real histology; tests that use it are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data at {SHARED_DATA}")
    return SHARED_DATA


def _is_loopback(host: str) -> bool:
    if host in ("localhost", "", "None"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
