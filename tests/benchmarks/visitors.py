"""The people of the soak: readers who search over REST, browsers that walk the pages, and a curator who changes things."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Any

import httpx
import numpy as np
from browser.helpers import FLAGS, find_chromium, local
from PIL import Image as Pillow

CHANGING = {"x-explorer": "1"}
LARGE, TISSUE = "large", "tissue"
"""Collections of the soak: many rows of synthetic vectors, and drawn tissue that is searched by picture too."""
K = 24
PATIENCE_S = 300.0
_READY = '[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'
_EXPECTED_OF_STREAMLIT = "/_stcore/"  # its page probes for its server, and drops its stream when it is left


@dataclass
class Visit:
    """One soak: where it happens, when it ends, and what was seen."""

    url: str
    until_s: float
    """End of the visit by ``time.monotonic``."""
    n: int
    """Rows of ``LARGE``."""
    pause_s: float
    """Pause of a reader between two calls."""
    faults: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    """Duration of each search in seconds."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.until_s

    def fault(self, text: str) -> None:
        """Write down what should not have happened."""
        with self._lock:
            self.faults.append(text)

    def did(self, what: str, seconds: float | None = None) -> None:
        """Count something that was done; searches also with their duration."""
        with self._lock:
            self.counts[what] = self.counts.get(what, 0) + 1
            if seconds is not None:
                self.seconds.append(seconds)


def in_thread(visit: Visit, act: Callable[..., None], *arguments: Any) -> threading.Thread:
    """Run ``act(visit, *arguments)``; an exception is a fault."""

    def run() -> None:
        try:
            act(visit, *arguments)
        except Exception as error:  # noqa: BLE001 - the outermost level of a thread
            visit.fault(f"{act.__name__}: {type(error).__name__}: {error}")

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def picture(seed: int, side_px: int = 224, form: str = "JPEG") -> bytes:
    """A made-up picture as a file."""
    out = io.BytesIO()
    Pillow.fromarray(np.random.default_rng(seed).integers(0, 255, (side_px, side_px, 3), dtype=np.uint8)).save(out, form)
    return out.getvalue()


# --- readers ----------------------------------------------------------------------------------------------------------


def searches(seed: int, n: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Calls of one reader without end: (path, arguments of ``httpx.Client.request``)."""
    rng, large = np.random.default_rng(seed), f"/api/collections/{LARGE}"
    pictures = cycle([picture(seed * 100 + k) for k in range(4)])
    for turn in count():
        row = int(rng.integers(n))
        yield f"{large}/search", {"json": {"row": row, "k": K}}
        yield f"{large}/search", {"json": {"row": row, "k": K, "exclude_same": ["patient"]}}
        yield f"{large}/search", {"json": {"row": row, "k": K, "where": {"label": ["stroma", "tumour"]}}}
        yield f"{large}/search", {"json": {"like": [{"rows": [row, (row * 7) % n]}], "unlike": [{"row": (row + 1) % n}], "k": K}}
        if turn % 4 == 0:
            jpeg = {"content": next(pictures), "headers": {"content-type": "image/jpeg"}}
            yield f"/api/collections/{TISSUE}/search/image", {**jpeg, "params": {"k": K}}


def read(visit: Visit, seed: int) -> None:
    """Search, and look at the pictures and rows of some hits, until the visit ends."""
    with httpx.Client(base_url=visit.url, timeout=PATIENCE_S, headers=CHANGING) as client:
        for path, arguments in searches(seed, visit.n):
            if not visit.goes_on:
                return
            started_s = time.monotonic()
            answer = client.post(path, **arguments)
            taken_s = time.monotonic() - started_s
            if answer.status_code != 200 or len(answer.json()["hits"]) != K:
                visit.fault(f"POST {path} {arguments.get('json', '')}: {answer.status_code} {answer.text[:200]}")
                continue
            visit.did("searches", taken_s)
            collection, row = path.split("/")[3], answer.json()["hits"][0]["row"]
            for part in (f"thumb/{row}.jpg", f"rows/{row}.json", f"patch/{row}.jpg"):
                got = client.get(f"/api/collections/{collection}/{part}")
                visit.did("pictures and rows")
                if got.status_code != 200:
                    visit.fault(f"GET {collection}/{part}: {got.status_code} {got.text[:200]}")
            time.sleep(visit.pause_s)


# --- browsers ---------------------------------------------------------------------------------------------------------


def pages(seed: int, n: int) -> Iterator[str]:
    """Addresses that one browser opens, without end."""
    rng = np.random.default_rng(seed)
    for turn in count(seed):
        collection, row = (LARGE, int(rng.integers(n))) if turn % 2 else (TISSUE, int(rng.integers(9)))
        yield "/"
        yield f"/map?collection={collection}"
        yield f"/search?collection={collection}&patch={row}"
        yield f"/groups?collection={collection}"
        yield f"/compare?collection={collection}"
        yield f"/evaluate?collection={collection}"
        yield "/about"


def browse(visit: Visit, n_browsers: int) -> None:
    """Browsers that walk the pages until the visit ends; whatever is reported to the console as an error is a fault."""
    asyncio.run(_browse(visit, n_browsers))


async def _browse(visit: Visit, n_browsers: int) -> None:
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        await asyncio.gather(*(_walk(visit, browser, seed) for seed in range(n_browsers)))
        await browser.close()


async def _walk(visit: Visit, browser: Any, seed: int) -> None:
    context = await browser.new_context(viewport={"width": 1400, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.on("pageerror", lambda error: visit.fault(f"page error: {error}"))
    page.on("console", lambda line: _note(visit, line))
    page.on("request", lambda request: None if local(request.url) else visit.fault(f"foreign host: {request.url}"))
    for path in pages(seed, visit.n):
        if not visit.goes_on:
            break
        await page.goto(visit.url + path)
        await page.wait_for_selector(_READY)
        trouble = await page.get_by_test_id("stException").all_inner_texts()
        if trouble:
            visit.fault(f"{path}: {trouble[0][:300]}")
        visit.did("pages")
        await page.wait_for_timeout(500)
    await context.close()


def _note(visit: Visit, line: Any) -> None:
    if line.type == "error" and _EXPECTED_OF_STREAMLIT not in f"{line.location.get('url', '')} {line.text}":
        visit.fault(f"console: {line.text} ({line.location.get('url', '')})")


# --- a curator --------------------------------------------------------------------------------------------------------


def curate(visit: Visit) -> None:
    """Upload, build, annotate, map, rename and remove, in turns until the visit ends; the last turn is finished."""
    with httpx.Client(base_url=visit.url, timeout=PATIENCE_S, headers=CHANGING) as client:
        for turn in count():
            if not visit.goes_on:
                return
            _turn(visit, client, turn)


def _turn(visit: Visit, client: httpx.Client, turn: int) -> None:
    def done(method: str, path: str, **given: Any) -> Any:
        answer = client.request(method, path, **given)
        answer.raise_for_status()
        return answer.json()

    def job(**asked: Any) -> None:
        started = done("POST", "/api/jobs", json=asked)
        while (state := done("GET", f"/api/jobs/{started['id']}"))["state"] in ("waiting", "running"):
            time.sleep(0.2)
        if state["state"] != "done":
            raise RuntimeError(f"{started['title']} ended as {state['state']}: {state['error']}")
        done("DELETE", f"/api/jobs/{started['id']}")
        visit.did("jobs")

    upload = done("POST", "/api/uploads")["upload_id"]
    for number in range(12):
        content = picture(1000 + turn * 12 + number, side_px=96, form="PNG")
        done("PUT", f"/api/uploads/{upload}", params={"name": f"{'ab'[number % 2]}/{number}.png"}, content=content)
        visit.did("uploaded files")
    job(verb="build", name=f"brought-{turn}", upload=upload)
    done("PATCH", f"/api/collections/brought-{turn}", json={"name": f"renamed-{turn}"})
    visit.did("renames")
    done("POST", f"/api/collections/{LARGE}/annotations", json={"kind": "label", "value": f"turn {turn}", "rows": [turn, turn + 1]})
    done("POST", f"/api/collections/renamed-{turn}/selections", json={"title": "few", "rows": [0, 1]})
    visit.did("annotations")
    job(verb="project", name=TISSUE, method="umap", n_neighbors=5 + turn % 20, seed=turn)
    if turn % 2 == 0:  # every other one stays, to be verified at the end
        done("DELETE", f"/api/collections/renamed-{turn}")
        visit.did("removals")
        with suppress(httpx.HTTPStatusError):
            done("GET", f"/api/collections/renamed-{turn}")
            visit.fault(f"renamed-{turn} is still there after it was removed")
