"""The harness as a process, and a page in headless Chromium that tolerates no error and no foreign host."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from browser.helpers import FLAGS, HERE, INSTALL, find_chromium, local, start

PATIENCE_MS = 60_000
"""How long a test waits for a state before it fails; a busy machine takes its time."""


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
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
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
        page.set_default_timeout(PATIENCE_MS)
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
