"""Every widget, in both themes, before the axe accessibility engine."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from browser.helpers import idle
from browser.pages import at

pytestmark = pytest.mark.browser
INSTALL = "axe is not installed; run 'pip install axe-playwright-python'"


@pytest.fixture(scope="module")
def axe() -> str:
    """The engine's source, as its package holds it."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        if os.environ.get("CI") == "true":
            pytest.fail(INSTALL)
        pytest.skip(INSTALL)
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("ask", ["n=2000&medoids=1", "n=2000&column=stain", "show=grid", "show=crop", "show=upload", "show=patch"])
def test_axe_finds_no_fault_in_any_widget(harness, browse, axe, ask, dark):
    page = browse(dark=dark)
    page.goto(f"{harness}/?{ask}")
    page.locator("[data-ready]").first.wait_for()
    idle(page)
    if "medoids" in ask:  # a hidden class and the hover card too
        page.locator(".legend-line").nth(2).click()
        page.mouse.move(*at(page, 3))
        page.locator(".card").wait_for()
    page.evaluate(axe)
    found = page.evaluate("() => axe.run(document)")["violations"]
    assert not [(fault["id"], fault["impact"], [node["target"] for node in fault["nodes"][:3]]) for fault in found]
