"""From an empty library to a search result: pictures are brought, a job describes them, and one of them finds the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import appside
from browser.appside import pictures_are_here, ready, visit
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
BUILT_MS = 300_000
"""A map's first drawing compiles for a while."""


@pytest.fixture
def empty_app(tmp_path) -> Iterator[str]:
    home = tmp_path / "home"
    home.mkdir()
    with appside.serve(home, tmp_path / "log.txt", allowed_roots=str(tmp_path / "server")) as url:
        yield url


def test_from_an_empty_library_to_a_search_result(empty_app, browse, tmp_path):
    files = appside.drawn_patches(tmp_path / "mine")
    (tmp_path / "mine" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\\nnot a picture")
    page = visit(browse, empty_app)
    page.get_by_role("heading", name="Bring your patches").wait_for()
    page.locator(".drop input").first.set_input_files([*files, tmp_path / "mine" / "broken.png"])
    page.get_by_role("heading", name="New collection").wait_for()
    page.get_by_text(f"{len(files) + 1} pictures").wait_for()
    page.get_by_text("it has learnt nothing from tissue").wait_for()
    page.get_by_label("Name", exact=True).fill("first steps")
    page.get_by_role("button", name="Start", exact=True).click()  # at once, as people do

    page.get_by_text("Build first steps").wait_for()
    page.reload()  # a job does not belong to the page that started it
    page.get_by_text("Build first steps").wait_for()
    other = visit(browse, empty_app)
    other.get_by_text("Build first steps").wait_for()
    other.close()

    page.get_by_role("heading", name="first steps").wait_for(timeout=BUILT_MS)
    page.get_by_text("1 file could not be read").wait_for()
    page.locator("[class*='st-key-card-']").get_by_role("link", name="Map").click()
    page.locator(f".map[data-ready='{len(files)}']").wait_for()
    page.locator(".st-key-top").get_by_role("link", name="Search").click()
    page.locator(".result .open").nth(1).click()
    page.get_by_text("Most similar patches").wait_for()
    expect(page.locator(".result img")).to_have_count(len(files) - 1)  # the grid of the page before may linger
    assert pictures_are_here(page, ".result img") == len(files) - 1
    ready(page)


def test_a_place_on_the_server_must_be_an_allowed_one(empty_app, browse, tmp_path):
    page = visit(browse, empty_app)
    appside.drawn_patches(tmp_path / "server" / "slides")
    place = page.get_by_label("Place on the server")
    place.fill("/etc")
    page.get_by_role("button", name="Look there").click()
    page.get_by_text("The server may not read from there").wait_for()
    place.fill(str(tmp_path / "server" / "slides"))
    page.get_by_role("button", name="Look there").click()
    page.get_by_role("heading", name="New collection").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("heading", name="Demo tissue").wait_for()


def test_a_job_can_be_stopped_and_goes_on(empty_app, browse):
    page = visit(browse, empty_app)
    page.get_by_role("button", name="Open the demo tissue").click()
    for _ in range(3):  # each button is pressed as soon as it is there: what is drawn beside it afterwards must not move it
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_role("heading", name="Bring your patches").wait_for()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_button_that_cannot_be_pressed_yet_can_be_read(empty_app, browse, dark):
    page = visit(browse, empty_app, dark=dark)
    page.get_by_role("button", name="Real tissue").click()
    button = page.get_by_role("button", name="Build it")
    expect(button).to_be_disabled()
    page.wait_for_timeout(500)  # colours fade in
    assert button.locator("p").evaluate("(one) => getComputedStyle(one).color === getComputedStyle(one.closest('button')).color")
    page.get_by_text("I accept these licences").click()
    expect(button).to_be_enabled()
