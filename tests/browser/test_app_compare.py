"""The page Compare as a person uses it: two maps that act as one, links that reopen, both themes, no error anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from browser import appside
from browser.appside import pictures_are_here, ready, settled, visit
from browser.pages import draw
from fakes import MeanColour
from playwright.sync_api import expect

from explorer import pipeline, settings
from explorer.collection import open_collection

pytestmark = pytest.mark.browser
N = 48
CHOSEN = "(board) => [...(board.map.chosen ?? []).keys()].filter((row) => board.map.chosen[row])"
OUTERMOST = "(board) => board.map.points.q.reduce((best, x, k, q) => (k % 2 === 0 && x < q[2 * best] ? k / 2 : best), 0)"
PLACE = "(board, row) => board.map.screen(row)"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    appside.build("synthetic", "tissue", home, n=N, patients=4, seed=0)
    tissue = open_collection("tissue", home=home)
    pipeline.embed(tissue, encoder=MeanColour(), settings=settings.read(home=home))
    pipeline.index(tissue, encoder="mean-colour")
    pipeline.project(tissue, encoder="mean-colour", method="pca")
    pipeline.evaluate(tissue, pipeline.Question("retrieval", encoder="descriptor"))
    with appside.serve(home, home / "log.txt") as url:
        yield url


def maps(page):
    """Both maps, ready to be used and at rest."""
    found = page.locator(f".map[data-ready='{N}'][data-drawn]")
    expect(found).to_have_count(2)
    settled(page)
    return found.nth(0), found.nth(1)


def in_window(board, row: int) -> tuple[float, float]:
    x, y = board.evaluate(PLACE, row)
    frame = board.locator(".stage").bounding_box()
    return frame["x"] + 1 + x, frame["y"] + 1 + y  # the frame of the stage is a pixel wide


def selected(board):
    return board.locator(".status span").first


def test_pointing_at_a_patch_shows_it_on_the_other_map_without_the_server(app, browse):
    page = visit(browse, f"{app}/compare?collection=tissue&tab=maps", height=1400)
    boards = maps(page)
    for here, there in (boards, boards[::-1]):
        row = here.evaluate(OUTERMOST)
        page.mouse.move(*in_window(here, row))
        page.wait_for_function("(board) => board.map.pointed !== null", arg=there.element_handle())
        assert there.evaluate("(board) => board.map.pointed") == row
        x, y = there.evaluate(PLACE, row)
        expect(there.locator(".overlay .pointed")).to_have_attribute("d", re.compile(re.escape(f"M{x - 10:.1f} {y:.1f}a10 10")))
        page.mouse.move(5, 5)
        expect(there.locator(".overlay .pointed")).to_have_attribute("d", "")


def test_pointing_at_a_thumbnail_shows_it_on_both_maps(app, browse):
    page = visit(browse, f"{app}/compare?collection=tissue&tab=maps", height=1400)
    boards = maps(page)
    page.locator(".result .open").nth(1).hover()
    for board in boards:
        expect(board.locator(".overlay .pointed")).to_have_attribute("d", re.compile("a10 10"))
    assert boards[0].evaluate("(board) => board.map.pointed") == boards[1].evaluate("(board) => board.map.pointed")
    page.mouse.move(5, 5)
    for board in boards:
        expect(board.locator(".overlay .pointed")).to_have_attribute("d", "")


def test_a_selection_on_either_map_is_on_both_and_its_link_reopens_it(app, browse):
    page = visit(browse, f"{app}/compare?collection=tissue&tab=maps", height=1400)
    boards = maps(page)
    for place, share in ((0, 0.6), (1, 0.5)):
        here, there = boards[place], boards[1 - place]
        page.get_by_role("button", name="Lasso").nth(place).click()
        box = here.locator(".stage").bounding_box()
        left, right, top, bottom = box["x"] + 4, box["x"] + box["width"] * share, box["y"] + 4, box["y"] + box["height"] - 4
        draw(page, [(left, top), (right, top), (right, bottom), (left, bottom), (left, top + 3)])
        expect(selected(here)).to_have_text(re.compile(r"· [1-9]\d* selected"))
        rows = here.evaluate(CHOSEN)
        assert there.evaluate(CHOSEN) == rows, "at once, before the server has answered"
        page.get_by_role("heading", name=f"{len(rows)} patch").wait_for()
        expect(selected(there)).to_contain_text(f"· {len(rows)} selected")
    page.wait_for_function("() => location.search.includes('area=') && location.search.includes('on=other')")
    other = visit(browse, page.url, height=1400)
    again = maps(other)
    other.get_by_role("heading", name=f"{len(rows)} patch").wait_for()
    for board in again:
        expect(selected(board)).to_contain_text(f"· {len(rows)} selected")
        assert board.evaluate(CHOSEN) == rows
    other.get_by_role("button", name="Clear", exact=True).click()
    other.get_by_role("heading", name="Where they disagree most").wait_for()
    for board in again:
        expect(selected(board)).not_to_contain_text("selected")


def test_adding_to_a_selection_of_the_other_map_keeps_it(app, browse):
    page = visit(browse, f"{app}/compare?collection=tissue&tab=maps", height=1400)
    left, right = maps(page)
    left.locator(".stage").focus()
    page.keyboard.press("s")  # what is in view: all
    expect(selected(right)).to_contain_text(f"· {N} selected")
    page.get_by_role("button", name="Box").nth(1).click()
    box = right.locator(".stage").bounding_box()
    page.keyboard.down("Alt")  # takes away
    draw(page, [(box["x"] + 4, box["y"] + 4), (box["x"] + box["width"] / 2, box["y"] + box["height"] - 4)])
    page.keyboard.up("Alt")
    expect(selected(right)).not_to_contain_text(f"· {N} selected")
    rows = right.evaluate(CHOSEN)
    assert 0 < len(rows) < N
    page.get_by_role("heading", name=f"{len(rows)} patch").wait_for()
    assert left.evaluate(CHOSEN) == rows


def test_a_click_picks_the_patch_on_both_and_shows_its_neighbours_side_by_side(app, browse):
    page = visit(browse, f"{app}/compare?collection=tissue&tab=maps", height=1400)
    left, right = maps(page)
    row = left.evaluate(OUTERMOST)
    page.mouse.click(*in_window(left, row))
    expect(right.locator(".overlay .picked")).to_have_attribute("d", re.compile("a9 9"))
    assert right.evaluate("(board) => board.map.picked") == row
    page.get_by_text("nearest patches.").wait_for()
    page.wait_for_function("() => location.search.includes('patch=')")
    for board in (left, right):
        expect(board.locator(".overlay .neighbours")).to_have_attribute("d", re.compile("(M[^M]+){10}"))
    page.get_by_role("button", name="Ask every model").click()
    page.get_by_text("patches are found by both models").wait_for()
    assert f"patch={row}" in page.url


def test_opening_a_hit_asks_with_it_and_back_returns(app, browse):
    page = visit(browse, f"{app}/compare?collection=tissue&tab=query&patch=3")
    page.get_by_text("patches are found by both models").wait_for()
    assert pictures_are_here(page, ".result img") == 24
    page.locator(".result .open").nth(2).click()
    page.wait_for_function("() => !/patch=3(&|$)/.test(location.search)")
    ready(page)
    page.go_back()
    page.wait_for_function("() => /patch=3(&|$)/.test(location.search)")


def test_a_cell_says_where_its_number_is_from(app, browse):
    page = visit(browse, f"{app}/compare?collection=tissue")
    table = page.get_by_test_id("stDataFrame")
    table.wait_for()
    settled(page)
    for _ in range(3):  # the first click may fall into a table that is drawn anew
        box = table.bounding_box()
        page.mouse.click(box["x"] + box["width"] * 0.62, box["y"] + 35 + 35 / 2)  # the first line, a score
        settled(page)
        if page.get_by_text("by chance").count():
            break
    page.get_by_text("seed 0").wait_for()
    page.get_by_role("link", name="Open the report").click()
    page.get_by_role("heading", name="Evaluate").wait_for()
    page.wait_for_function("() => location.search.includes('report=')")


def test_a_measurement_that_is_missing_is_started_from_the_table(app, browse):
    page = visit(browse, f"{app}/compare?collection=tissue")
    line = page.locator("[class*='st-key-gap-']", has_text="retrieval")
    expect(line).to_have_count(1)
    line.get_by_role("button", name="Measure").click()
    page.get_by_text("Measure tissue (retrieval, label)").first.wait_for()
    expect(line).to_have_count(0, timeout=120_000)


@pytest.mark.parametrize("tab", ["scores", "maps", "maps&patch=3", "query", "query&patch=3"])
def test_axe_finds_nothing_serious_in_either_theme(app, browse, tab):
    page = visit(browse, f"{app}/compare?collection=tissue&tab={tab}")
    for dark in (False, True):
        if dark:
            page.emulate_media(color_scheme="dark")
            page.reload()
        page.get_by_role("heading", name="Compare").wait_for()
        settled(page)
        assert not appside.axe_faults(page)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "something is wider than the window"
