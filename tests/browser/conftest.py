"""The harness as a process, and a page in headless Chromium that tolerates no error and no foreign host."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

BROWSERS = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome", "chrome")
INSTALL = "install one with 'apt-get install chromium' (or 'brew install chromium'), or set CHROMIUM to its path"
FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HERE = Path(__file__).parent


def find_chromium() -> str | None:
    return next((path for name in BROWSERS if name and (path := shutil.which(name))), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(script: Path, log: Path, *options: str, base: str = "") -> tuple[subprocess.Popen[bytes], str]:
    """Start a Streamlit app and wait until it answers."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", "--server.address=127.0.0.1"]
    command += ["--server.headless=true", "--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    command += ["--client.toolbarMode=viewer", *options] + ([f"--server.baseUrlPath={base}"] if base else [])
    process = subprocess.Popen(command, stdout=log.open("wb"), stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}" + (f"/{base}" if base else "")
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:
                if answer.read() == b"ok":
                    return process, url
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise RuntimeError("the harness did not answer")


@pytest.fixture(scope="session")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    process, url = start(HERE / "harness.py", tmp_path_factory.mktemp("harness") / "log.txt")
    yield url
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    path = find_chromium()
    if path is None:
        reason = f"no Chromium found; {INSTALL}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium) -> Iterator:
    """Open pages: ``browse(width=1400, dark=False, init="")``. Errors and requests that leave this machine fail the test."""
    contexts, faults = [], []

    def note(kind: str, text: str) -> None:
        faults.append(f"{kind}: {text}")

    def open_page(*, width: int = 1400, height: int = 900, dark: bool = False, init: str = "", **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", **options)
        contexts.append(context)
        if init:
            context.add_init_script(init)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: note("page error", str(error)))
        page.on("console", lambda line: note("console", line.text) if line.type == "error" else None)
        page.on("request", lambda request: None if local(request.url) else note("foreign host", request.url))
        page.on("dialog", lambda dialog: (note("dialog", dialog.message), dialog.dismiss()))
        page.faults = faults
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, faults


def local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob", "about") or parts.hostname in ("127.0.0.1", "localhost")


def idle(page) -> None:
    """Wait until the script has run and the page is connected."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]')
