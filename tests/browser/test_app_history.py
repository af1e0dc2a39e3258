"""Back and forward: one press a view, whichever way it was opened, and no way that ends in itself."""

from __future__ import annotations

import re
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
def test_opening_a_url_is_one_history_entry_however_it_is_written(app, browse, asked):
    page = browse()
    before = steps(page)
    page.goto(f"{app}/{asked}")
    shows(page, urlsplit(asked).path)
    assert steps(page) == before + 1
    assert page.url == f"{app}/{asked}"


def test_back_and_forward_move_one_page_a_press(app, browse):
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


def test_a_link_restores_the_view_and_the_hidden_classes(app, browse):
    page = visit(browse, f"{app}/map?collection=tissue")
    page.locator(".map[data-ready]").wait_for()
    settled(page)
    begun = steps(page)
    hidden = page.locator(".legend-line").nth(1)
    hidden.click()
    page.locator(".stage").focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => /[?&]at=[^&]+/.test(location.search) && /[?&]hidden=1(&|$)/.test(location.search)")
    assert steps(page) == begun, "looking around is no step"
    looked = "(board) => [board.map.camera.x, board.map.camera.y, board.map.camera.zoom()]"
    there = page.locator(".map").evaluate(looked)
    other = visit(browse, page.url)
    expect(other.locator(".legend-line").nth(1)).to_have_attribute("aria-pressed", "false")
    expect(other.locator(".legend-line[aria-pressed=false]")).to_have_count(1)
    assert other.locator(".map").evaluate(looked) == pytest.approx(there, rel=1e-3)


def test_a_url_written_by_the_server_keeps_the_view_and_back_returns_to_it(app, browse):
    page = visit(browse, f"{app}/map?collection=tissue")
    page.locator(".map[data-ready]").wait_for()
    settled(page)
    page.locator(".stage").focus()
    page.keyboard.press("+")
    page.wait_for_function("() => location.search.includes('at=')")
    begun = steps(page)
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.search.includes('patch=') && location.search.includes('at=')")
    assert steps(page) == begun + 1
    page.go_back()
    shows(page, "map")
    page.wait_for_function("() => location.search.includes('at=') && !location.search.includes('patch=')")


def test_the_map_beside_a_hit_shows_all_points_and_the_hit(app, browse):
    page = visit(browse, f"{app}/search?collection=tissue&patch=3")
    page.locator(".result .open").first.click()
    overview = page.get_by_role("dialog").locator(".map[data-ready]")
    overview.wait_for()
    expect(overview.locator(".toolbar")).to_be_hidden()
    expect(overview.locator(".picked")).to_have_attribute("d", re.compile("^M"))
    out_of_view = """(board) => [...Array(board.map.points.n).keys()].filter((row) => {
        const [x, y] = board.map.screen(row);
        return x < 0 || y < 0 || x > board.map.camera.width || y > board.map.camera.height;
    })"""
    assert overview.evaluate(out_of_view) == []
    assert overview.locator(".picture").count() == 0


def test_the_current_page_is_marked_by_the_accent_and_the_header_keeps_its_height(app, browse):
    page = visit(browse, f"{app}/")
    heights = []
    for name in ("library", "map"):
        page.locator(".st-key-top").get_by_role("link", name=name.capitalize(), exact=True).click()
        shows(page, name)
        line = page.locator(f".st-key-here-{name} a").evaluate("(link) => getComputedStyle(link).boxShadow")
        assert "rgb(11, 110, 117)" in line
        heights.append(page.locator(".st-key-top").bounding_box()["height"])
    assert heights[0] == pytest.approx(heights[1], abs=0.5)
