"""The app's server: how soon it answers, what an upload costs it, and ten sessions that search at once.

``python tests/benchmarks/server.py [--upload-gb 2]``. Ours stands beside the limit, and beside a bare Streamlit page where there is
such a thing. Wall time on this machine, so a busy machine shows as slow.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import httpx
import numpy as np
from PIL import Image as Pillow

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from running import Running, answers, free_port, running  # noqa: E402
from sessions import Session  # noqa: E402

from explorer import pipeline, settings  # noqa: E402
from explorer.sources import open_source  # noqa: E402

SESSIONS, SEARCHES, K = 10, 10, 48
LARGE, SMALL = 20_000, 150
CHANGING = {"x-explorer": "1"}


class Drawn:
    """Stands for a foundation model: 768 numbers per patch, drawn from its pixels; costs nothing."""

    name, dim, side_px, device = "drawn", 768, 8, "cpu"
    recipe = {"name": "drawn"}  # noqa: RUF012

    def __init__(self) -> None:
        import torch

        self._mix = torch.randn(192, self.dim, generator=torch.Generator().manual_seed(0))

    def resize(self, image: Any) -> Any:
        import torch

        return torch.from_numpy(np.ascontiguousarray(image[:8, :8].transpose(2, 0, 1)))

    prepare = resize

    def encode(self, batch: Any) -> Any:
        return (batch.reshape(len(batch), -1).float() / 255 - 0.5) @ self._mix


def make_collections(home: Path, folder: Path) -> None:
    """``large``: many rows, searched by row. ``small``: embedded by the descriptor, searched by picture."""
    here = settings.read(home=home)
    with h5py.File(folder / "patches.h5", "w") as file:
        file["x"] = np.random.default_rng(0).integers(0, 255, (LARGE, 16, 16, 3), dtype=np.uint8)
    large = pipeline.ingest(open_source(folder / "patches.h5"), name="large", settings=here)
    pipeline.embed(large, encoder=Drawn(), settings=here)  # type: ignore[arg-type]
    pipeline.index(large)
    with h5py.File(folder / "few.h5", "w") as file:
        file["x"] = np.random.default_rng(1).integers(0, 255, (SMALL, 224, 224, 3), dtype=np.uint8)
    pipeline.build(folder / "few.h5", name="small", settings=here)


def bare_start_s(folder: Path) -> float:
    """What Streamlit itself needs until it answers."""
    (folder / "bare.py").write_text("import streamlit as st\nst.title('bare')\n")
    port = free_port()
    options = ["--server.headless", "true", "--server.port", str(port), "--browser.gatherUsageStats", "false"]
    started_s = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "streamlit", "run", str(folder / "bare.py"), *options], stdout=subprocess.DEVNULL)
    try:
        while not answers(f"http://localhost:{port}"):
            time.sleep(0.02)
        return time.monotonic() - started_s
    finally:
        process.terminate()
        process.wait()


def upload(app: Running, n_bytes: int) -> tuple[float, float]:
    """(MB by which the server grew at most, seconds) for one file of that size."""
    upload_id = httpx.post(app.url + "/api/uploads", headers=CHANGING).json()["upload_id"]
    before = app.memory_bytes
    most = [before]

    def pieces() -> Iterator[bytes]:
        piece = bytes(256 * 1024)
        for number in range(n_bytes // len(piece)):
            if number % 100 == 0:
                most[0] = max(most[0], app.memory_bytes)
            yield piece

    started_s = time.monotonic()
    address = f"{app.url}/api/uploads/{upload_id}"
    httpx.put(address, params={"name": "slides.zip"}, content=pieces(), headers=CHANGING, timeout=600).raise_for_status()
    seconds = time.monotonic() - started_s
    most[0] = max(most[0], app.memory_bytes)
    httpx.delete(address, headers=CHANGING).raise_for_status()
    return (most[0] - before) / 1e6, seconds


def at_once(ask: Callable[[httpx.Client, int], httpx.Response]) -> np.ndarray:
    """Seconds of each search of ten sessions that search one after the other, all ten at once. Raises where one fails."""

    def session(number: int) -> list[float]:
        taken = []
        with httpx.Client(timeout=60) as client:
            for search in range(SEARCHES):
                started_s = time.monotonic()
                ask(client, number * SEARCHES + search).raise_for_status()
                taken.append(time.monotonic() - started_s)
        return taken

    with ThreadPoolExecutor(SESSIONS) as pool:
        return np.array(list(pool.map(session, range(SESSIONS)))).ravel()


def pages_at_once(url: str) -> np.ndarray:
    """The same by ten readers on the Search page, each with a session of its own. Raises where one is not shown all hits."""

    def session(number: int) -> list[float]:
        taken = []
        with Session(url) as reader:
            for search in range(SEARCHES):
                started_s = time.monotonic()
                sent = reader.view("search", f"collection=large&patch={number * SEARCHES + search}&k={K}")
                taken.append(time.monotonic() - started_s)
                if sent.count(b'"score"') < K:
                    raise RuntimeError("the page did not show all hits")
        return taken

    with ThreadPoolExecutor(SESSIONS) as pool:
        return np.array(list(pool.map(session, range(SESSIONS)))).ravel()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--upload-gb", type=float, default=2.0)
    upload_bytes = int(options.parse_args().upload_gb * 1e9)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        home = folder / "home"
        make_collections(home, folder)
        picture = io.BytesIO()
        Pillow.fromarray(np.random.default_rng(2).integers(0, 255, (512, 512, 3), dtype=np.uint8)).save(picture, "JPEG")

        def by_row(client: httpx.Client, number: int) -> httpx.Response:
            return client.post(f"{app.url}/api/collections/large/search", json={"row": number, "k": K}, headers=CHANGING)

        def by_picture(client: httpx.Client, number: int) -> httpx.Response:
            address = f"{app.url}/api/collections/small/search/image?k={K}"
            return client.post(address, content=picture.getvalue(), headers=CHANGING | {"content-type": "image/jpeg"})

        bare_s = bare_start_s(folder)
        with running(home, log=folder / "log") as app:
            print(f"HTTP 200 after the command   {app.started_in_s:6.2f} s    limit 4 s     bare Streamlit {bare_s:.2f} s")
            grown_mb, seconds = upload(app, upload_bytes)
            print(f"upload of {upload_bytes / 1e9:.1f} GB             {grown_mb:6.1f} MB   limit 100 MB   {seconds:.1f} s")
            for what, ask in ((f"by row, {LARGE} x 768", by_row), ("by picture, descriptor", by_picture)):
                with httpx.Client(timeout=120) as client:
                    first_s = ask(client, 0).elapsed.total_seconds()
                taken = at_once(ask)
                middle, late = np.percentile(taken, [50, 95])
                print(f"{SESSIONS} sessions, {what:23} p95 {late:5.2f} s    limit 1.5 s   median {middle:.2f} s, first {first_s:.2f} s")
            middle, late = np.percentile(pages_at_once(app.url), [50, 95])
            print(f"{SESSIONS} sessions, {'on the Search page':23} p95 {late:5.2f} s    limit 1.5 s   median {middle:.2f} s")


if __name__ == "__main__":
    main()
