"""A soak: one server, ten readers, five browsers and a curator for minutes; then nothing may be broken, lost or grown.

``python tests/benchmarks/soak.py [--seconds 300] [--browsers 5] [--rows 20000]``. Ends with 1 where something is not as it
should be. It looks for answers of 5xx, errors on consoles and tracebacks in the log; for memory that grows after the first
minute; for slow searches with 20 clients; and at the end for damaged collections and parts that were left.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, product
from pathlib import Path

import httpx
import numpy as np

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import large  # noqa: E402
import visitors  # noqa: E402
from running import ROOT, Running, running  # noqa: E402
from sessions import Session  # noqa: E402
from visitors import CHANGING, LARGE, TISSUE, Visit  # noqa: E402

from explorer import pipeline, settings  # noqa: E402
from explorer.collection import open_collection  # noqa: E402
from explorer.sources import open_source  # noqa: E402

READERS, CLIENTS = 10, 20
WARM_UP_S = 60.0
MOST_MB_PER_MINUTE = 10.0
MOST_P95_S = 0.35
PARTS = ("*.part", "*.work", ".*.removed")


def make_home(home: Path, rows: int, tiles: int) -> None:
    """``LARGE`` with ``rows`` synthetic vectors of 768 numbers, ``TISSUE`` with drawn tiles and the descriptor."""
    large.make(home, LARGE, rows, dim=768)
    own = settings.read(home=home)
    pipeline.build(open_source("synthetic", options={"n": tiles}), name=TISSUE, settings=own)
    for annotated in (LARGE, TISSUE):
        open_collection(annotated, home=home).annotations.add("label", "first", [0], who="soak")


def warm_up(app: Running, rows: int) -> None:
    """Use everything once. What a first use loads stays: FAISS 165 MB, PyTorch and torchvision 650 MB, indexes and tables."""
    with httpx.Client(base_url=app.url, timeout=visitors.PATIENCE_S, headers=CHANGING) as client:
        for path, arguments in islice(visitors.searches(0, rows), 5):
            client.post(path, **arguments).raise_for_status()
    with Session(app.url) as reader:
        for collection, page in product((LARGE, TISSUE), ("library", "map", "search", "groups", "compare", "evaluate", "about")):
            reader.view(page, f"collection={collection}")


class Memory(threading.Thread):
    """Resident memory of the server, sampled each second."""

    def __init__(self, app: Running) -> None:
        super().__init__(daemon=True)
        self.app, self.over = app, threading.Event()
        self.samples: list[tuple[float, float]] = []
        """(seconds since the beginning, MB)."""

    def run(self) -> None:
        started_s = time.monotonic()
        while True:
            self.samples.append((time.monotonic() - started_s, self.app.memory_bytes / 1e6))
            if self.over.wait(1.0):
                return

    def slope_mb_per_minute(self, after_s: float) -> float:
        """Least-squares slope of the samples after so many seconds."""
        at_s, mb = np.array([sample for sample in self.samples if sample[0] >= after_s]).T
        return float(np.polyfit(at_s / 60, mb, 1)[0])

    def near(self, at_s: float) -> float:
        """MB at the sample nearest to a time."""
        return min(self.samples, key=lambda sample: abs(sample[0] - at_s))[1]


def at_once(url: str, ask: Callable[[httpx.Client, int], httpx.Response], *, each: int = 15) -> float:
    """The 95th percentile of the seconds of a call, by ``CLIENTS`` clients that make ``each`` calls without pauses."""

    def one(seed: int) -> list[float]:
        taken = []
        with httpx.Client(base_url=url, timeout=60, headers=CHANGING) as client:
            for turn in range(each):
                started_s = time.monotonic()
                ask(client, seed * each + turn).raise_for_status()
                taken.append(time.monotonic() - started_s)
        return taken

    with ThreadPoolExecutor(CLIENTS) as pool:
        return float(np.percentile(list(pool.map(one, range(CLIENTS))), 95))


def search(client: httpx.Client, number: int) -> httpx.Response:
    """A search by row; every third keeps patients apart."""
    asked = {"row": number, "k": visitors.K} | ({"exclude_same": ["patient"]} if number % 3 == 0 else {})
    return client.post(f"/api/collections/{LARGE}/search", json=asked)


def inconsistencies(home: Path) -> list[str]:
    """What is damaged, unreadable or left over under the home, after the server has stopped."""
    found = [f"left over: {path.relative_to(home)}" for pattern in PARTS for path in home.rglob(pattern)]
    listed = subprocess.run(
        [sys.executable, "-m", "explorer", "--home", str(home), "list", "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        return [*found, f"explorer list: {listed.stderr.strip()}"]
    for name in [record["name"] for record in json.loads(listed.stdout)]:
        command = [sys.executable, "-m", "explorer", "--home", str(home), "verify", name]
        verified = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if verified.returncode:
            found.append(f"explorer verify {name}: {(verified.stderr or verified.stdout).strip()[:300]}")
        if not open_collection(name, home=home).annotations.history() and name in (LARGE, TISSUE):
            found.append(f"the journal of {name} is empty")
    return found


def soak(home: Path, log: Path, options: argparse.Namespace) -> list[str]:
    """Run it, print the figures; returns one line for everything that is not as it should be."""
    with running(home, log=log) as app:
        warm_up(app, options.rows)
        visit = Visit(app.url, time.monotonic() + options.seconds, options.rows, options.pause)
        memory = Memory(app)
        memory.start()
        threads = [visitors.in_thread(visit, visitors.read, seed) for seed in range(options.readers)]
        threads.append(visitors.in_thread(visit, visitors.curate))
        if options.browsers:
            threads.append(visitors.in_thread(visit, visitors.browse, options.browsers))
        for thread in threads:
            thread.join()
        memory.over.set()
        late_s, idle_s = at_once(app.url, search), at_once(app.url, lambda client, _: client.get("/api/health"))
    warm_s = min(WARM_UP_S, options.seconds / 2)
    slope = memory.slope_mb_per_minute(warm_s)
    print("  ".join(f"{number} {what}" for what, number in sorted(visit.counts.items())))
    print(f"search p95 during the soak   {np.percentile(visit.seconds, 95):6.2f} s")
    print(f"search p95, {CLIENTS} clients      {late_s:6.2f} s     limit {options.p95:g} s     of a call that does nothing {idle_s:.2f} s")
    print("memory MB  " + "  ".join(f"{at_s:.0f} s: {memory.near(at_s):.0f}" for at_s in np.linspace(0, options.seconds, 11)))
    print(f"memory after {warm_s:3.0f} s          {slope:+6.1f} MB a minute     limit {options.slope:g}")
    faults = visit.faults + inconsistencies(home)
    text = log.read_text(encoding="utf-8", errors="replace")
    if "Traceback" in text:
        faults.append("the server's log holds a traceback: " + text[text.index("Traceback") :][:2000])
    if slope > options.slope:
        faults.append(f"memory grows by {slope:.1f} MB a minute")
    if late_s > options.p95:
        faults.append(f"the p95 of a search is {late_s:.2f} s")
    return faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--readers", type=int, default=READERS)
    parser.add_argument("--browsers", type=int, default=5)
    parser.add_argument("--rows", type=int, default=20_000, help="rows of the large collection; 100000 is worth a try")
    parser.add_argument("--tiles", type=int, default=90, help="tiles of drawn tissue")
    parser.add_argument("--pause", type=float, default=0.1, help="seconds of a reader between two searches")
    parser.add_argument("--slope", type=float, default=MOST_MB_PER_MINUTE, help="most MB a minute")
    parser.add_argument("--p95", type=float, default=MOST_P95_S, help="most seconds of a search with 20 clients")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) / "home"
        make_home(home, options.rows, options.tiles)
        faults = soak(home, Path(temporary) / "log", options)
    for fault, times in {fault: faults.count(fault) for fault in faults}.items():
        print(f"FAULT ({times} x) {fault}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
