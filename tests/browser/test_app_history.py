"""Back and forward: one press a view, whichever way it was opened, and no way that ends in itself."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from browser import appside
from browser.appside import settled, visit
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
HEADINGS = {"map": "Nothing is selected.", "search": "Search by example", "groups": "Groups", "evaluate": "Evaluate", "about": "tissue"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    appside.build("synthetic", "tissue", home, n=24, patients=3, seed=0)
    with appside.serve(home, home / "log.txt") as url:
        yield url


def shows(page, name: str) -> None:
    """Wait until a page is the one that is shown, and at rest."""
    expect(page.get_by_role("heading", name=HEADINGS.get(name, "Your collections"), exact=True)).to_be_visible()
    settled(page)


def steps(page) -> int:
    return page.evaluate("() => history.length")


@pytest.mark.parametrize(
    "asked",
    ["", "map", "search", "groups", "evaluate", "about", "map?collection=tissue&colour=label", "groups?by=label&collection=tissue&part=1"],
)
def test_opening_an_address_is_one_step_however_it_is_written(app, browse, asked):
    page = browse()
    before = steps(page)
    page.goto(f"{app}/{asked}")
    shows(page, urlsplit(asked).path)
    assert steps(page) == before + 1
    assert page.url == f"{app}/{asked}"


def test_every_page_is_one_press_away_in_both_directions(app, browse):
    page = visit(browse, f"{app}/")
    shows(page, "library")
    begun = steps(page)
    page.locator("[class*='st-key-card-']").get_by_role("link", name="Map").click()
    shows(page, "map")
    order = ["search", "groups", "evaluate", "about", "groups", "map", "library"]
    for name in order:
        page.locator(".st-key-top").get_by_role("link", name=name.capitalize(), exact=True).click()
        shows(page, name)
    assert steps(page) == begun + 1 + len(order)
    for name in [*reversed(order[:-1]), "map", "library"]:
        page.go_back()
        shows(page, name)
    for name in ["map", *order]:
        page.go_forward()
        shows(page, name)
    assert steps(page) == begun + 1 + len(order)
