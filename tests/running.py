"""The app as people run it: ``explorer app`` in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    url: str
    process: subprocess.Popen[bytes]
    started_in_s: float

    @property
    def memory_bytes(self) -> int:
        """What it holds in memory (Linux)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running(home: Path, *arguments: str, log: Path, path: str = "") -> Iterator[Running]:
    """``explorer app`` over ``home`` on a free port, until the block ends. ``path`` is what ``--base-path`` says."""
    port = free_port()
    url = f"http://localhost:{port}{path}"
    command = [sys.executable, "-m", "explorer", "--home", str(home), "app", "--no-browser", "--port", str(port), *arguments]
    started_s = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
    try:
        while not answers(url):
            if process.poll() is not None or time.monotonic() - started_s > PATIENCE_S:
                raise RuntimeError(f"The app did not start: {log.read_text()}")
            time.sleep(0.02)
        yield Running(url, process, time.monotonic() - started_s)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)


def answers(url: str) -> bool:
    """Whether a page is served there."""
    try:
        with urllib.request.urlopen(url + "/", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def free_port() -> int:
    """A port nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])
