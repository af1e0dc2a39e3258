"""The real app as a process over collections made for the test, and a person in front of it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bad_files
import pytest
from browser.helpers import idle, start
from PIL import Image as Pillow

from explorer import encoders, pipeline, settings
from explorer.sources import open_source

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<img src=x onerror=alert(1)>.png"


@contextmanager
def serve(home: Path, log: Path, **options: str) -> Iterator[str]:
    """The app of the checkout over ``home``; options are settings, by name."""
    given = {f"EXPLORER_{name.upper()}": value for name, value in {"home": str(home), **options}.items()}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        process, url = start(ROOT / "streamlit_app.py", log, "--client.showErrorDetails=full")
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    try:
        yield url
    finally:
        process.terminate()
        process.wait(10)


def build(place: Path | str, name: str, home: Path, **options: object) -> None:
    """A collection with all steps; the map is the one that takes no time to draw."""
    own = settings.read(home=home)
    collection = pipeline.ingest(open_source(place, options=options), name=name, settings=own)
    pipeline.embed(collection, encoder=encoders.load("descriptor"), settings=own)
    pipeline.index(collection)
    pipeline.project(collection, method="pca")
    pipeline.cluster(collection)


def drawn_patches(folder: Path, *, per_class: int = 4) -> list[Path]:
    """A few pictures on disk, one of them with a name that would be markup; files, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for seed in range(3 * per_class):
        path = folder / (HOSTILE if seed == 0 else f"patch-{seed:02d}.png")
        Pillow.fromarray(bad_files.patch(96, seed=seed)).save(path)
        files.append(path)
    return files


def visit(browse, url: str, **options):
    """A page of a new browser, at an address. What Streamlit asks for to find its own root may fail: it tries the page's path first."""
    page = browse(**options)
    known = page.faults
    page.on("response", lambda answer: probes.append(answer.url) if answer.status == 404 and "/_stcore/" in answer.url else None)
    probes: list[str] = []
    page.goto(url)
    ready(page)
    known[:] = [fault for fault in known if not (probes and "404" in fault and "Failed to load resource" in fault)]
    return page


def ready(page) -> None:
    """Wait until the script has run; fail where it ended in a traceback."""
    idle(page)
    assert page.get_by_test_id("stException").count() == 0, page.get_by_test_id("stException").first.inner_text()


_ALL_HERE = """(selector) => {
    const deep = (root) => [
        ...root.querySelectorAll(selector),
        ...[...root.querySelectorAll("*")].flatMap((one) => (one.shadowRoot ? deep(one.shadowRoot) : [])),
    ];
    const found = deep(document).filter((one) => one.getBoundingClientRect().top < innerHeight);
    return found.length > 0 && found.every((one) => one.complete && one.naturalWidth > 0);
}"""
_FOCUS = """() => {
    let one = document.activeElement;
    while (one?.shadowRoot) one = one.shadowRoot.activeElement;
    return one?.className;
}"""


def settled(page) -> None:
    """Wait until nothing has run for a while: a part of a page may ask for the whole of it to be run again."""
    for _ in range(3):
        ready(page)
        page.wait_for_timeout(300)


def axe_faults(page) -> list[tuple[str, str, list[str]]]:
    """What axe finds serious or critical on a page: rule, impact, where."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        reason = "axe is not installed; run 'pip install axe-playwright-python'"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    page.evaluate(Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8"))
    faults = page.evaluate("() => axe.run(document)")["violations"]
    told = [(one["id"], one["impact"], [node["target"] for node in one["nodes"][:4]]) for one in faults]
    return [fault for fault in told if fault[1] in ("serious", "critical")]


def pictures_are_here(page, selector: str) -> int:
    """Wait until every picture that is in view has arrived; their number."""
    page.wait_for_function(_ALL_HERE, arg=selector)
    return page.locator(selector).count()


def focus(page) -> str:
    """The class of what has the keyboard, inside of widgets too."""
    return page.evaluate(_FOCUS)
