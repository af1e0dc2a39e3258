"""The pages as a person uses them: links, back, keyboard, both themes, hostile names; no error and no foreign host anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import appside
from browser.appside import focus, pictures_are_here, ready, settled, visit
from browser.pages import draw
from playwright.sync_api import expect

from explorer.collection import open_collection

pytestmark = pytest.mark.browser
N = 60
CHOSEN = "(board) => [...(board.map.chosen ?? []).keys()].filter((row) => board.map.chosen[row])"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    appside.build("synthetic", "tissue", home, n=N, patients=5, seed=0)
    appside.drawn_patches(tmp_path_factory.mktemp("pictures") / "patches")
    appside.build(tmp_path_factory.getbasetemp() / "pictures0" / "patches", "hostile", home)
    appside.build("synthetic", "twice", home, n=24, patients=3, seed=1)
    twice = open_collection("twice", home=home)
    drawn = twice.embedding().map("pca").recipe | {"method": "umap", "n_neighbors": 15, "min_dist": 0.1, "seed": 0}
    twice.make("projections", drawn, _scattered)
    with appside.serve(home, home / "log.txt") as url:
        yield url


def _scattered(work: Path) -> dict[str, object]:
    """In place of a UMAP, which takes its time to compile: the patches in no order at all."""
    np.save(work / "xy.npy", np.random.default_rng(0).normal(size=(24, 2)).astype(np.float32))
    return {}


def header(page, title: str):
    return page.locator(".st-key-top").get_by_role("link", name=title)


def selected(page) -> str:
    """What the map says of itself."""
    return page.locator(".status span").first.inner_text()


def lasso_all(page) -> None:
    page.get_by_role("button", name="Lasso").click()
    box = page.locator(".stage").bounding_box()
    x, y, w, h = box["x"] + 4, box["y"] + 4, box["width"] - 8, box["height"] - 8
    draw(page, [(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y + 2)])


def test_a_lasso_becomes_a_selection_and_the_link_reopens_it_in_another_browser(app, browse):
    page = visit(browse, f"{app}/map?collection=tissue")
    page.locator(f".map[data-ready='{N}']").wait_for()
    lasso_all(page)
    page.get_by_text(f"{N} patches", exact=True).wait_for()
    page.get_by_role("combobox", name="Colour by").click()
    page.get_by_role("option", name="site", exact=True).click()
    page.wait_for_function("() => location.search.includes('colour=site') && location.search.includes('area=')")
    other = visit(browse, page.url)
    other.locator(f".map[data-ready='{N}']").wait_for()
    other.get_by_text(f"{N} patches", exact=True).wait_for()
    assert other.get_by_role("combobox", name="Colour by").get_attribute("value") == "site" or other.get_by_text("site", exact=True).count()
    for _ in range(100):  # the line below the map follows when the selection has come back from the server
        if f"{N} selected" in selected(other):
            break
        other.wait_for_timeout(200)
    assert f"{N} selected" in selected(other)


def test_a_search_with_a_selection_is_restored_by_its_link(app, browse):
    page = visit(browse, f"{app}/map?collection=tissue")
    page.locator(f".map[data-ready='{N}']").wait_for()
    page.get_by_role("button", name="Box").click()
    box = page.locator(".stage").bounding_box()
    draw(page, [(box["x"] + 5, box["y"] + 5), (box["x"] + box["width"] / 2, box["y"] + box["height"] - 5)])
    page.get_by_role("button", name="Find similar").click()
    page.get_by_text("what these have in common").wait_for()
    found = pictures_are_here(page, ".result img")
    assert found > 4
    ready(page)
    other = visit(browse, page.url)
    other.get_by_text("what these have in common").wait_for()


def test_back_and_forward_walk_through_views(app, browse):
    page = visit(browse, f"{app}/search?collection=tissue&patch=3")
    page.get_by_text("Most similar patches").wait_for()
    header(page, "Groups").click()
    page.get_by_role("heading", name="Groups", exact=True).wait_for()
    ready(page)
    page.go_back()
    page.get_by_text("Most similar patches").wait_for()
    assert page.url.endswith("/search?collection=tissue&patch=3")
    ready(page)
    page.go_forward()
    page.get_by_role("heading", name="Groups", exact=True).wait_for()
    assert page.url.endswith("/groups?collection=tissue")


def test_back_undoes_a_choice(app, browse):
    page = visit(browse, f"{app}/map?collection=tissue")
    page.locator(f".map[data-ready='{N}']").wait_for()
    lasso_all(page)
    page.get_by_text(f"{N} patches", exact=True).wait_for()
    page.wait_for_function("() => location.search.includes('area=')")
    ready(page)
    page.go_back()
    page.get_by_text("Nothing is selected.").wait_for()


def test_leaving_the_page_and_returning_keeps_the_query(app, browse):
    page = visit(browse, f"{app}/search?collection=tissue&patch=3")
    page.get_by_text("Leave out the same slide").click()
    page.wait_for_function("() => location.search.includes('apart=patient')")
    header(page, "Map").click()
    page.locator(f".map[data-ready='{N}']").wait_for()
    header(page, "Search").click()
    page.get_by_text("Most similar patches").wait_for()
    ready(page)
    assert "patch=3" in page.url
    assert page.url.endswith("apart=patient")


def test_searching_with_the_keyboard_only(app, browse):
    page = visit(browse, f"{app}/search?collection=tissue")
    page.locator(".result").first.wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if focus(page) == "open":
            break
    else:
        pytest.fail("the patches cannot be reached by Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_text("Most similar patches").wait_for()
    page.wait_for_function("() => location.search.includes('patch=')")


def test_marking_hits_refines_the_query_and_can_be_undone(app, browse):
    page = visit(browse, f"{app}/search?collection=tissue&patch=3")
    more = page.get_by_role("button", name="More like this")
    more.nth(1).click()
    page.get_by_text("Refined by 1 +").wait_for()
    page.wait_for_function("() => location.search.includes('more=')")
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Refined by").wait_for(state="detached")
    ready(page)
    assert "more=" not in page.url


def test_a_hit_is_enlarged_beside_the_query_at_the_same_scale(app, browse):
    page = visit(browse, f"{app}/search?collection=tissue&patch=3")
    page.locator(".result .open").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Shown at the same scale.").wait_for()
    widths = dialog.locator(".patch img").evaluate_all("(images) => images.map((one) => one.getBoundingClientRect().width)")
    assert len(widths) == 2
    assert abs(widths[0] - widths[1]) < 1
    assert dialog.locator(".bar").first.bounding_box()["width"] > 10
    dialog.get_by_role("button", name="Search with this patch").click()
    page.wait_for_function("() => !/patch=3(&|$)/.test(location.search)")


def test_a_region_of_the_query_can_be_searched_with(app, browse):
    page = visit(browse, f"{app}/search?collection=tissue&patch=3")
    picture = page.locator(".crop img, .crop-picture img, .frame img").first
    picture.wait_for()
    ready(page)
    pictures_are_here(page, ".result img")  # nothing moves any more
    box = picture.bounding_box()
    draw(page, [(box["x"] + 20, box["y"] + 20), (box["x"] + 60, box["y"] + 60), (box["x"] + 120, box["y"] + 120)])
    page.wait_for_function("() => location.search.includes('box=')")
    page.locator(".result").first.wait_for()
    ready(page)


def test_an_uploaded_picture_can_be_searched_with(app, browse, tmp_path):
    (picture, *_) = appside.drawn_patches(tmp_path, per_class=1)
    page = visit(browse, f"{app}/search?collection=tissue")
    page.locator(".drop input").first.set_input_files(picture)
    page.get_by_text("Most similar patches").wait_for()
    pictures_are_here(page, ".result img")
    page.get_by_text("of the collection's patches").wait_for()
    gone = visit(browse, re.sub("picture=[^&]+", "picture=guessed", page.url))  # a picture is found by its unguessable name only
    gone.get_by_text("This picture is no longer here; bring it again.").wait_for()


def test_a_pasted_picture_can_be_searched_with(app, browse):
    page = visit(browse, f"{app}/search?collection=tissue")
    page.locator(".drop[data-ready]").wait_for()
    page.evaluate(
        """async () => {
            const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
            canvas.getContext("2d").fillRect(8, 8, 40, 40);
            const blob = await new Promise((done) => canvas.toBlob(done));
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([blob], "image.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }"""
    )
    page.get_by_text("Most similar patches").wait_for()


def test_a_hostile_name_is_shown_as_text_everywhere(app, browse):
    for name in ("map?collection=hostile&patch=0", "search?collection=hostile&patch=0", "about?collection=hostile"):
        page = visit(browse, f"{app}/{name}")
        page.wait_for_timeout(300)
        assert page.locator("img[src='x']").count() == 0
    page = visit(browse, f"{app}/search?collection=hostile&patch=0")
    page.get_by_text(appside.HOSTILE).first.wait_for()


@pytest.mark.parametrize(
    "address",
    [
        "?collection=tissue",
        "map?collection=tissue&patch=3",
        "search?collection=tissue",
        "search?collection=tissue&patch=3",
        "groups?collection=tissue",
        "about?collection=tissue",
    ],
)
def test_every_page_fits_in_both_themes_and_axe_finds_nothing_serious(app, browse, address):
    page = visit(browse, f"{app}/{address}")
    for dark in (False, True):
        if dark:
            page.emulate_media(color_scheme="dark")
            page.reload()
        page.locator(".st-key-top").wait_for()
        settled(page)
        shade = page.evaluate("() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
        brightness = sum(int(part) for part in re.findall(r"\d+", shade)[:3]) / 3
        assert brightness < 60 if dark else brightness > 200
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "something is wider than the window"
        assert not appside.axe_faults(page)


def test_a_second_map_shares_the_selection_both_ways(app, browse):
    page = visit(browse, f"{app}/map?collection=twice", height=1400)
    page.get_by_role("button", name="Layout").click()
    page.get_by_role("combobox", name="Compare with").click()
    page.get_by_role("option").nth(1).click()
    page.locator(".map[data-ready]").nth(1).wait_for()
    settled(page)
    page.keyboard.press("Escape")
    lines = page.locator(".status span:first-child")
    for place, share in ((0, 0.5), (1, 0.4)):
        here, there = page.locator(".map").nth(place), page.locator(".map").nth(1 - place)
        page.get_by_role("button", name="Box").nth(place).click()
        box = here.locator(".stage").bounding_box()
        draw(page, [(box["x"] + 4, box["y"] + 4), (box["x"] + box["width"] * share, box["y"] + box["height"] - 4)])
        expect(lines.nth(place)).to_contain_text(re.compile(r"· [1-9]\d* selected"))
        chosen = here.evaluate(CHOSEN)
        assert chosen == there.evaluate(CHOSEN)
        page.get_by_text(f"{len(chosen)} patch{'es' * (len(chosen) > 1)}", exact=True).wait_for()  # the server knows it too
        expect(lines.nth(1 - place)).to_contain_text(f"· {len(chosen)} selected")
    expect(page.get_by_role("button", name="Clear", exact=True)).to_have_count(0)  # the map has one already
    page.get_by_role("button", name="Clear selection").first.click()
    page.wait_for_function("() => !location.search.includes('area=')")
    for place in (0, 1):
        expect(lines.nth(place)).not_to_contain_text("selected")
