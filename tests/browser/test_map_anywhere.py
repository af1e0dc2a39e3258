"""The map on poor machines, in both themes, by keyboard, and with data that means harm."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from browser import data
from browser.helpers import HERE, idle, start
from browser.pages import N, at, draw, on_map, open_map, python_state
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

NO_WEBGL = """
const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith("webgl") ? null : real.call(this, kind, ...rest);
};
"""


def coloured(page) -> float:
    """Share of the stage that is not grey: points are drawn."""
    pixels = np.asarray(Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB")).astype(int)
    return float((np.ptp(pixels, axis=2) > 40).mean())


def test_without_webgl_all_is_drawn_on_a_canvas_and_it_says_so(harness, browse):
    page = browse(init=NO_WEBGL)
    open_map(page, harness)
    assert page.locator(".map").get_attribute("data-renderer") == "canvas2d"
    expect(page.locator(".status")).to_contain_text("this browser has no WebGL2")
    assert coloured(page) > 0.01
    row = int(np.argmin(data.positions(N)[:, 0]))
    page.mouse.click(*at(page, row))
    expect(page.get_by_text(re.compile(f"^PICKED {row} "))).to_be_visible()
    page.get_by_role("button", name="Box").click()
    frame = page.locator(".stage").bounding_box()
    draw(page, [(frame["x"] + 5, frame["y"] + 5), (frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] - 5)])
    expect(page.get_by_text(re.compile("SHAPES 1 "))).to_be_visible()
    assert 0 < int(python_state(page)["selected"]) == on_map(page, "return map.selected") < N


def test_a_crowded_map_is_drawn_by_the_processor_where_webgl_runs_in_software(harness, browse):
    page = browse()
    open_map(page, harness, n=60_000)
    page.locator(".map[data-drawn='60000']").wait_for()
    assert page.locator(".map").get_attribute("data-renderer") == "canvas2d"
    expect(page.locator(".status")).to_contain_text("no graphics acceleration")
    expect(page.get_by_role("button", name="Density")).to_have_attribute("aria-pressed", "true")
    shaded = page.locator(".stage").screenshot()
    page.get_by_role("button", name="Density").click()
    page.locator(".map[data-drawn='60000']").wait_for()
    expect(page.get_by_role("button", name="Density")).to_have_attribute("aria-pressed", "false")
    assert page.locator(".stage").screenshot() != shaded
    assert coloured(page) > 0.05


def test_both_renderers_draw_the_same_places(harness, browse):
    shots = []
    for init in ("", NO_WEBGL):
        page = browse(init=init)
        open_map(page, harness, column="stain")
        page.get_by_text("another widget").hover()
        page.locator(f".map[data-drawn='{N}']").wait_for()
        picture = Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB")
        shots.append(np.ptp(np.asarray(picture).astype(int), axis=2) > 40)
    both, either = (shots[0] & shots[1]).sum(), (shots[0] | shots[1]).sum()
    assert both / either > 0.6


def test_a_lost_context_is_restored(harness, browse):
    page = browse()
    open_map(page, harness)
    before = coloured(page)
    page.locator(".map").evaluate(
        "board => { board.lose = board.map.painter.renderer.gl.getExtension('WEBGL_lose_context'); board.lose.loseContext() }"
    )
    page.locator(".map[data-context=lost]").wait_for()
    page.mouse.move(*at(page, 0))  # drawing and picking meanwhile do no harm
    page.mouse.wheel(0, -10)
    on_map(page, "board.lose.restoreContext()")
    page.locator(".map[data-context=restored]").wait_for()
    page.locator(".stage").focus()
    page.keyboard.press("r")
    page.mouse.move(5, 5)
    page.locator(f".map[data-drawn='{N}']").wait_for()
    assert coloured(page) == pytest.approx(before, rel=0.1)


def test_dark_mode_follows_the_theme(harness, browse):
    brightness = {}
    for dark in (False, True):
        page = browse(dark=dark)
        open_map(page, harness)
        pixels = np.asarray(Image.open(io.BytesIO(page.locator(".map").screenshot())).convert("L"))
        brightness[dark] = float(np.median(pixels))
        assert coloured(page) > 0.01
    assert brightness[False] > 220 and brightness[True] < 60


def test_every_action_can_be_done_by_keyboard(harness, browse):
    page = browse()
    open_map(page, harness)
    page.locator(".toolbar button").first.focus()
    for _ in range(9):
        if page.locator(".stage").evaluate("stage => stage.matches(':focus')"):
            break
        page.keyboard.press("Tab")
    assert page.locator(".stage").evaluate("stage => stage.matches(':focus')")
    for key in ("+", "ArrowRight", "ArrowDown", "-", "r"):
        page.keyboard.press(key)
    assert on_map(page, "return map.camera.zoom()") == pytest.approx(1)
    said = []
    for _ in range(3):
        page.keyboard.press("n")
        said.append(page.locator(".map [role=status]").inner_text())
    rows = [int(re.match(r"Patch (\d+), ", text)[1]) for text in said]
    assert [int(re.search(r", (\d+) of ", text)[1]) for text in said] == [1, 2, 3]
    spots = [on_map(page, "return map.screen(arg)", row) for row in rows]
    assert spots[0][1] < 200, "reading starts at the top"
    page.keyboard.press("Shift+N")
    assert page.locator(".map [role=status]").inner_text() == said[1]
    expect(page.locator(".card")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(f"^PICKED {rows[1]} "))).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_text(re.compile(f"SELECTED {N} "))).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".legend-line[aria-pressed=false]")).to_have_count(1)
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".legend-line[aria-pressed=true]")).to_have_count(1)
    page.locator(".stage").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_text(re.compile("SHAPES 0 "))).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text(re.compile("^PICKED None "))).to_be_visible()


def test_forty_classes_get_forty_colours(harness, browse):
    page = browse()
    open_map(page, harness, column="forty")
    expect(page.locator(".legend-line")).to_have_count(40)
    colours = np.array(on_map(page, "return map.legend.colours"))
    apart = np.abs(colours[:, None].astype(int) - colours[None]).sum(axis=2) + 999 * np.eye(40, dtype=int)
    assert apart.min() >= 24, "no two classes look alike"
    page.locator(".legend-line", has_text="slide 39").dblclick()
    page.locator(".stage").focus()
    page.keyboard.press("s")
    expect(page.get_by_text(re.compile(f"SELECTED {N // 40} "))).to_be_visible()


def test_seven_hundred_classes_share_a_last_line(harness, browse):
    page = browse()
    open_map(page, harness, column="many")
    expect(page.locator(".legend-line")).to_have_count(201)
    last = page.locator(".legend-line").last
    expect(last).to_contain_text("500 smaller ones")
    last.click()
    page.locator(".stage").focus()
    page.keyboard.press("s")
    shown = sum(sorted((N // 700 + (k < N % 700) for k in range(700)), reverse=True)[:200])
    expect(page.get_by_text(re.compile(f"SELECTED {shown} "))).to_be_visible()


def test_a_hostile_name_is_text(harness, browse):
    page = browse()
    open_map(page, harness)
    expect(page.locator(".legend-name", has_text=data.HOSTILE)).to_be_visible()
    assert page.locator(".map img[src=x]").count() == 0


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_map_of_none_one_or_two_points(harness, browse, n):
    page = browse()
    open_map(page, harness, n=n)
    expect(page.locator(".status-text")).to_contain_text(f"{n} patch" + ("" if n == 1 else "es"))
    page.locator(".stage").focus()
    for key in ("+", "n", "r", "s"):
        page.keyboard.press(key)
    expect(page.get_by_text(re.compile(f"SELECTED {n} SHAPES 1"))).to_be_visible()


def test_two_fingers_zoom(harness, browse):
    page = browse(has_touch=True)
    open_map(page, harness)
    frame = page.locator(".stage").bounding_box()
    x, y = frame["x"] + 300, frame["y"] + 200
    touch = page.context.new_cdp_session(page)

    def send(kind: str, gap: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x - gap, "y": y, "id": 1}, {"x": x + gap, "y": y, "id": 2}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", 40)
    for gap in (60, 90, 120):
        send("touchMove", gap)
    send("touchEnd", 0)
    assert on_map(page, "return map.camera.zoom()") == pytest.approx(3, rel=0.15)
    assert python_state(page)["picked"] == "None"


def test_a_map_that_leaves_the_page_gives_its_graphics_context_back(harness, browse):
    page = browse()
    open_map(page, harness)
    page.locator(".map").evaluate("board => { window.gone = board.map.painter.renderer.gl }")
    page.get_by_text("away", exact=True).click()
    page.locator(".grid[data-ready]").wait_for()
    page.wait_for_function("window.gone.isContextLost()")


def test_a_column_that_cannot_be_fetched_is_reported_in_a_sentence(harness, browse):
    page = browse()
    page.route("**/column/**", lambda route: route.fulfill(status=404, body="{}"))
    page.goto(f"{harness}/?n={N}")
    expect(page.locator(".status")).to_contain_text("could not be loaded (404")
    page.faults.clear()  # the browser itself logs the 404


def test_a_module_that_cannot_be_fetched_is_reported_in_a_sentence(harness, browse):
    page = browse()
    page.route("**/map.js", lambda route: route.abort())
    page.goto(f"{harness}/?n={N}")
    expect(page.get_by_text("could not be loaded. Reload the page")).to_be_visible()
    page.faults.clear()


def test_the_map_works_where_the_app_is_served_below_a_path(chromium, browse, tmp_path):
    process, url = start(HERE / "harness.py", tmp_path / "log.txt", base="atlas/x")
    try:
        page = browse()
        open_map(page, url)
        page.mouse.move(*at(page, 0))
        expect(page.locator(".card img")).to_have_attribute("src", re.compile("^/atlas/x/api/thumb/"))
        idle(page)
        page.close()  # before the server goes, or what it still asks for is refused
    finally:
        process.terminate()
        process.wait(10)
