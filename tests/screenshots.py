"""Take the pictures of the README: ``python tests/screenshots.py [--home HOME --collection NAME] [--out tests/images]``.

Without a home, the demo is built in a temporary folder first, by two encoders that need no weights, and one report is made.
Needs Chromium and playwright, as the browser tests do.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from browser import appside
from browser.helpers import FLAGS, INSTALL, find_chromium, idle
from browser.pages import draw
from PIL import Image as Pillow
from playwright.sync_api import sync_playwright

from explorer import encoders, pipeline, settings

WIDTH_PX, HEIGHT_PX = 1400, 900


def take(page, url: str, name: str, out: Path, *, ready: str) -> None:
    """One picture, once what it is about is there and every picture in view has arrived."""
    page.goto(url)
    idle(page)
    page.locator(ready).first.wait_for()
    page.wait_for_timeout(1500)
    idle(page)
    save(page, name, out)


def save(page, name: str, out: Path) -> None:
    """Write what is seen now."""
    page.wait_for_timeout(1500)
    Pillow.open(io.BytesIO(page.screenshot())).save(out / f"{name}.webp", quality=85, method=6)
    print(out / f"{name}.webp")


def made(home: Path, name: str) -> None:
    """The demo, embedded by a second encoder too, and a report on retrieval."""
    own = settings.read(home=home)
    demo = pipeline.demo(name=name, settings=own)
    second = pipeline.embed(demo, encoder=encoders.load("random-vits16"), settings=own).key
    pipeline.index(demo, encoder=second)
    pipeline.project(demo, encoder=second)
    pipeline.cluster(demo, encoder=second)
    pipeline.evaluate(demo, pipeline.Question("retrieval", label="label", encoder="descriptor"))


def tour(page, url: str, collection: str, out: Path, *, suffix: str = "") -> None:
    """Every page once."""
    asked = f"?collection={quote(collection)}"
    take(page, url, f"library{suffix}", out, ready="[class*='st-key-card-'] img")
    take(page, f"{url}/search{asked}&patch=3&model=descriptor", f"search{suffix}", out, ready=".result img")
    take(page, f"{url}/groups{asked}&model=descriptor", f"groups{suffix}", out, ready=".result img")
    take(page, f"{url}/about{asked}", f"about{suffix}", out, ready="text=How it was made")
    take(page, f"{url}/evaluate{asked}&model=descriptor", f"evaluate{suffix}", out, ready=".js-plotly-plot")
    take(page, f"{url}/compare{asked}&tab=maps", f"compare{suffix}", out, ready=".map[data-drawn]")
    page.goto(f"{url}/map{asked}&model=descriptor")
    idle(page)
    page.locator(".map[data-drawn]").wait_for()
    page.get_by_role("button", name="Lasso").click()
    box = page.locator(".stage").bounding_box()
    middle, right = box["x"] + box["width"] * 0.45, box["x"] + box["width"] - 8
    draw(
        page, [(middle, box["y"] + 8), (right, box["y"] + 8), (right, box["y"] + box["height"] / 2), (middle, box["y"] + box["height"] / 2)]
    )
    page.get_by_role("button", name="Find similar").wait_for()
    save(page, f"map{suffix}", out)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--home", type=Path, help="folder of collections; without it the demo is built")
    options.add_argument("--collection", default="demo")
    options.add_argument("--out", type=Path, default=Path("tests/images"))
    given = options.parse_args()
    browser_path = find_chromium()
    if browser_path is None:
        sys.exit(f"No Chromium found; {INSTALL}.")
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        home = given.home or Path(folder) / "home"
        if given.home is None:
            made(home, given.collection)
        with appside.serve(home, Path(folder) / "log.txt") as url:
            browser = driver.chromium.launch(executable_path=browser_path, args=list(FLAGS))
            for dark in (False, True):
                size = {"width": WIDTH_PX, "height": HEIGHT_PX}
                page = browser.new_context(viewport=size, color_scheme="dark" if dark else "light").new_page()
                page.set_default_timeout(60_000)
                tour(page, url, given.collection, given.out, suffix="-dark" if dark else "")
            browser.close()


if __name__ == "__main__":
    main()
