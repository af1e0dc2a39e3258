# ruff: noqa: E402
"""How fast Map and Search are, in headless Chromium with WebGL in software: ``python tests/benchmarks/map.py [--runs 3]``.

Ours are the real pages of the app over made-up collections (``large.py``); the peer is Streamlit's plotly chart of the same
points. Both come from the same run, beside the figures to reach.
Wall time on a machine that does other work says little; the load is printed with the figures.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import large
from browser.helpers import FLAGS, HERE, find_chromium, idle, start
from browser.pages import at, draw, on_map
from playwright.sync_api import Browser, Page, expect, sync_playwright
from running import running

LIMITS = {  # seconds, and megabytes for "bytes"; from the project's own targets
    ("first view", 100_000): 3.0,
    ("first view, page up", 1_000_000): 2.5,
    ("bytes", 100_000): 5.0,
    ("lasso gesture", 100_000): 1.5,
    ("click to neighbours", 100_000): 0.3,
    ("click to neighbours", 1_000_000): 0.3,
    ("hover thumbnail", 100_000): 0.06,
    ("search, 48 results", 100_000): 0.8,
}


class Meter:
    """A fresh browser profile that counts what comes over the wire."""

    def __init__(self, browser: Browser) -> None:
        self.context = browser.new_context(viewport={"width": 1400, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)
        self.bytes = 0
        self.session = session = self.context.new_cdp_session(self.page)
        session.send("Network.enable")
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        session.on("Network.loadingFinished", lambda event: self.count(event["encodedDataLength"]))
        session.on("Network.webSocketFrameReceived", lambda event: self.count(len(event["response"]["payloadData"])))

    def busy(self) -> float:
        """Seconds of processor time the page's main thread has used: other work on the machine does not lengthen them."""
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")

    def count(self, more: float) -> None:
        self.bytes += int(more)


def ours(browser: Browser, url: str, n: int) -> dict[str, float]:
    meter = Meter(browser)
    page = meter.page
    found: dict[str, float] = {}
    began = time.perf_counter()
    page.goto(f"{url}/map?collection=c{n}")
    page.locator(".st-key-top").wait_for()
    up = time.perf_counter()
    page.locator(f".map[data-ready='{n}']").wait_for()
    on_map(page, "return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found["first view"], found["first view, page up"] = time.perf_counter() - began, time.perf_counter() - up
    page.locator(f".map[data-drawn='{n}']").wait_for()
    found["all points drawn"] = time.perf_counter() - began
    found["  processor, page to all drawn"] = meter.busy()
    idle(page)
    found["bytes"] = meter.bytes / 1e6
    page.locator(".stage").scroll_into_view_if_needed()

    spots = [at(page, row) for row in (1, 2, 3, 4)]
    page.mouse.move(*spots[3])
    page.locator(".card").wait_for()
    found["hover thumbnail"] = statistics.median(hover(page, spot) for spot in spots[:3])

    busy, began = meter.busy(), time.perf_counter()
    page.mouse.click(*spots[0])
    expect(page.locator(".overlay .links")).to_have_attribute("d", re.compile("^M"), timeout=60_000)
    found["click to neighbours"] = time.perf_counter() - began
    found["  processor, click"] = meter.busy() - busy

    page.get_by_role("button", name="Lasso").click()
    busy = meter.busy()
    answer = page.locator(".st-key-figure-selected").get_by_text("patches")
    found["lasso gesture"], found["lasso to answer"] = lasso(page, page.locator(".stage"), answer)
    found["  processor, lasso"] = meter.busy() - busy

    page.get_by_role("button", name="Move").click()
    page.locator(f".map[data-drawn='{n}']").wait_for()
    busy = meter.busy()
    found["panning, ms a frame"] = panning(page)
    found["  processor, panning 30 moves"] = meter.busy() - busy
    found["search, 48 results"] = search(page, url, n)
    meter.context.close()
    return found


def hover(page: Page, spot: tuple[float, float]) -> float:
    """From the pointer's arrival to a decoded picture, by the browser's own clock."""
    page.mouse.move(5, 5)
    page.evaluate(
        """() => {
          const card = [...document.querySelectorAll('*')].map((node) => node.shadowRoot?.querySelector('.card img')).find(Boolean);
          const stage = card.closest('.stage');
          window.hovered = new Promise((done) => {
            stage.addEventListener('pointermove', () => {
              const began = performance.now();
              card.addEventListener('load', () => done(performance.now() - began), { once: true });
            }, { once: true, capture: true });
          });
        }"""
    )
    page.mouse.move(*spot)
    return float(page.evaluate("() => window.hovered")) / 1000


_RESULTS = """() => [...document.querySelectorAll("*")]
    .map((node) => node.shadowRoot?.querySelector("ul.grid[data-ready='48']")).find(Boolean)"""
_NEW_RESULTS = f"""(before) => {{
    const grid = ({_RESULTS})();
    const cards = grid ? [...grid.children] : [];
    const seen = cards.filter((card) => card.getBoundingClientRect().top < innerHeight).map((card) => card.querySelector("img"));
    return cards.length && cards[0].row !== before && seen.every((image) => image.complete && image.naturalWidth);
}}"""


def search(page: Page, url: str, n: int) -> float:
    """From the press on a button that searches with another patch to 48 results, those in view with their pictures."""
    page.goto(f"{url}/search?collection=c{n}&patch=0&k=48")
    page.wait_for_function(_NEW_RESULTS, arg=-1)
    taken = []
    for _ in range(3):
        idle(page)
        before = page.evaluate(f"() => ({_RESULTS})().children[0].row")
        began = time.perf_counter()
        page.get_by_role("button", name="Any patch").click()
        page.wait_for_function(_NEW_RESULTS, arg=before)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def lasso(page: Page, stage: Any, answer: Any) -> tuple[float, float]:
    """Seconds the page needs to take in a drag of 25 moves, and from letting go to the server's count."""
    frame = stage.bounding_box()
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    path = [(x + 200 * math.cos(a), y + 150 * math.sin(a)) for a in [k * 2 * math.pi / 25 for k in range(26)]]
    began = time.perf_counter()
    draw(page, path)
    let_go = time.perf_counter()
    expect(answer).to_be_visible(timeout=120_000)
    return let_go - began, time.perf_counter() - let_go


def panning(page: Page) -> float:
    """Median time between frames while the map is dragged."""
    page.evaluate(
        """() => {
          window.frames_ms = [];
          let last = performance.now();
          const tick = (now) => { window.frames_ms.push(now - last); last = now; window.ticking = requestAnimationFrame(tick); };
          requestAnimationFrame(tick);
        }"""
    )
    frame = page.locator(".stage").bounding_box()
    x, y = frame["x"] + 300, frame["y"] + 250
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(30):
        page.mouse.move(x + 8 * k, y + 2 * k)
        page.wait_for_timeout(16)
    page.mouse.up()
    page.evaluate("() => cancelAnimationFrame(window.ticking)")
    return statistics.median(page.evaluate("() => window.frames_ms"))


def plotly(browser: Browser, url: str, n: int) -> dict[str, float]:
    meter = Meter(browser)
    page = meter.page
    found: dict[str, float] = {}
    began = time.perf_counter()
    page.goto(f"{url}/?show=plotly&n={n}")
    page.locator(".js-plotly-plot canvas").first.wait_for()
    idle(page)
    found["first view"] = time.perf_counter() - began
    found["bytes"] = meter.bytes / 1e6
    page.locator(".js-plotly-plot").hover()
    page.locator("[data-title='Lasso Select']").click()
    found["  processor, page to all drawn"] = busy = meter.busy()
    answer = page.get_by_text(re.compile(r"SELECTED [1-9]\d* "))
    found["lasso gesture"], found["lasso to answer"] = lasso(page, page.locator(".js-plotly-plot .nsewdrag").first, answer)
    found["  processor, lasso"] = meter.busy() - busy
    meter.context.close()
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=1)
    options.add_argument("--points", type=int, nargs="+", default=[100_000, 1_000_000])
    options.add_argument("--no-peer", action="store_true")
    asked = options.parse_args()
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        home = folder / "home"
        home.mkdir()
        for n in asked.points:
            large.make(home, f"c{n}", n)
        harness, peer_url = start(HERE / "harness.py", folder / "harness.log")
        try:
            with running(home, log=folder / "app.log") as app, sync_playwright() as driver:
                print(f"HTTP 200 after the command: {app.started_in_s:.2f} s (limit 4 s)")
                browser = driver.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
                for n in asked.points:
                    for name, value in ours(browser, app.url, n).items():
                        found.append({"what": name, "n": n, "who": "first", "value": value})
                    for _ in range(asked.runs):
                        for name, value in ours(browser, app.url, n).items():
                            found.append({"what": name, "n": n, "who": "ours", "value": value})
                        if n <= 100_000 and not asked.no_peer:
                            for name, value in plotly(browser, peer_url, n).items():
                                found.append({"what": name, "n": n, "who": "plotly", "value": value})
                browser.close()
        finally:
            harness.terminate()
            harness.wait(10)
    report(found)


def report(found: list[dict[str, Any]]) -> None:
    print(f"{'':34}{'points':>10}{'first':>10}{'ours':>10}{'limit':>10}{'plotly':>10}{'plotly/ours':>14}")
    keys = list(dict.fromkeys((one["what"], one["n"]) for one in found))
    for what, n in keys:

        def middle(who: str, what: str = what, n: int = n) -> float | None:
            values = [one["value"] for one in found if (one["what"], one["n"], one["who"]) == (what, n, who)]
            return statistics.median(values) if values else None

        first, mine, peer, limit = middle("first"), middle("ours"), middle("plotly"), LIMITS.get((what, n))
        ratio = peer / mine if peer and mine else None
        cells = "".join(
            f"{'' if value is None else format(value, '.3g'):>{width}}"
            for value, width in zip((first, mine, limit, peer, ratio), (10, 10, 10, 10, 14), strict=True)
        )
        print(f"{what:34}{n:>10,}{cells}")
    print(
        f"'first' is the first visit of the server's life; seconds, MB for bytes; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
