"""The map in a real browser, against numpy."""

from __future__ import annotations

import io
import math
import re

import numpy as np
import pytest
from browser import data
from browser.helpers import idle
from browser.pages import N, at, draw, on_map, open_map, python_state, wait_on_map
from PIL import Image
from playwright.sync_api import expect

from explorer.app.shared import point_buffers

pytestmark = pytest.mark.browser


def expect_selected(page, rows: np.ndarray) -> None:
    """Browser and server both hold exactly these rows."""
    expect(page.get_by_text(re.compile(f"SELECTED {len(rows)} "))).to_be_visible()
    expect(page.get_by_text(f"ROWSUM {int(rows.sum())}", exact=True)).to_be_visible()
    chosen = on_map(page, "return [...map.chosen.keys()].filter((row) => map.chosen[row])")
    assert chosen == sorted(rows.tolist())


def winding(polygon: np.ndarray, points: np.ndarray) -> np.ndarray:
    """True inside a simple polygon: the angles to its corners add up to a full turn. An oracle unlike the code it judges."""
    total = np.zeros(len(points))
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        u, v = a - points, b - points
        total += np.arctan2(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0], (u * v).sum(axis=1))
    return np.abs(total) > np.pi


def in_units(page, corners: list[tuple[float, float]]) -> np.ndarray:
    """Window positions in map units."""
    frame = page.locator(".stage").bounding_box()
    screen = [(x - frame["x"] - 1, y - frame["y"] - 1) for x, y in corners]  # the frame of the stage is a pixel wide
    return np.array(on_map(page, "return arg.map(([x, y]) => map.points.toUnits(map.camera.toSteps(x, y)))", screen))


def circle(page, radius: float, dx: float = 0, dy: float = 0) -> list[tuple[float, float]]:
    frame = page.locator(".stage").bounding_box()
    x, y = frame["x"] + frame["width"] / 2 + dx, frame["y"] + frame["height"] / 2 + dy
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in np.linspace(0, 2 * math.pi, 40)]


def inside(polygon: np.ndarray, n: int = N) -> np.ndarray:
    return winding(polygon, point_buffers.drawn_points(data.point_buffer(n)))


def last_polygon(page) -> np.ndarray:
    return np.array(on_map(page, "return map.shapes.at(-1).polygon"))


def test_first_view_shows_all_points_at_one_scale(harness, browse):
    page = browse()
    open_map(page, harness)
    assert page.locator(".map").get_attribute("data-renderer") == "webgl2"
    screen = np.array(on_map(page, "return Array.from({ length: map.points.n }, (_, row) => map.screen(row))"))
    width, height = on_map(page, "return [map.camera.width, map.camera.height]")
    assert screen.min() >= 20 and (screen[:, 0] <= width - 20).all() and (screen[:, 1] <= height - 20).all()
    xy = data.positions(N)
    scale = np.ptp(screen, axis=0) / np.ptp(xy, axis=0)
    assert scale[0] == pytest.approx(scale[1], rel=1e-3)
    assert np.ptp(screen, axis=0).max() > 0.85 * min(width, height)
    order = np.argsort(xy[:, 1])[::100]
    assert (np.diff(screen[order, 1]) < 0.1).all(), "y points upwards"


def test_points_are_on_the_picture_in_their_colours(harness, browse):
    page = browse()
    open_map(page, harness)
    page.get_by_role("button", name="Density").blur()
    legend = data.column("tissue", N).legend
    row = int(np.argmin(data.positions(N)[:, 0]))  # the outermost, so nothing lies on it
    frame = page.locator(".stage").bounding_box()
    x, y = at(page, row)
    shot = page.locator(".stage").screenshot()
    pixel = Image.open(io.BytesIO(shot)).convert("RGB").getpixel((round(x - frame["x"]), round(y - frame["y"])))
    code = point_buffers.codes_of(data.column("tissue", N))[row]
    wanted = on_map(page, "return map.legend.colours[arg]", int(code))
    assert np.abs(np.array(pixel) - wanted).max() < 60, (pixel, wanted, legend["names"][code])


def test_lasso_selects_exactly_the_points_inside(harness, browse):
    page = browse()
    open_map(page, harness)
    page.get_by_role("button", name="Lasso").click()
    path = circle(page, 150, dx=-40)
    drawn = in_units(page, path)
    draw(page, path)
    polygon = last_polygon(page)
    rows = np.flatnonzero(inside(polygon))
    assert 100 < len(rows) < N
    expect_selected(page, rows)
    assert len(polygon) <= 48
    gap = np.abs(inside(polygon) ^ inside(drawn)).sum()
    assert gap <= 0.02 * len(rows), "the simplified shape holds what was circled"


def test_lasso_state_is_small_and_the_shape_stays_visible(harness, browse):
    page = browse()
    open_map(page, harness)
    page.keyboard.press("Tab")
    page.locator(".stage").focus()
    page.keyboard.press("l")
    draw(page, circle(page, 200))
    assert 100 < len(on_map(page, "return JSON.stringify(map.shapes)")) < 1024
    expect(page.locator(".overlay .shapes")).to_have_attribute("d", re.compile("(L[^L]+){5}"))
    page.keyboard.press("Escape")
    expect(page.get_by_text(re.compile("SELECTED 0 SHAPES 0"))).to_be_visible()


def test_box_then_add_then_subtract(harness, browse):
    page = browse()
    open_map(page, harness)
    page.get_by_role("button", name="Box").click()
    frame = page.locator(".stage").bounding_box()

    def corner(x: float, y: float) -> tuple[float, float]:
        return frame["x"] + x * frame["width"], frame["y"] + y * frame["height"]

    draw(page, [corner(0.1, 0.1), corner(0.3, 0.5), corner(0.5, 0.9)])
    expect(page.get_by_text(re.compile("SHAPES 1 "))).to_be_visible()
    first = inside(last_polygon(page))
    page.keyboard.down("Shift")
    draw(page, [corner(0.6, 0.1), corner(0.7, 0.5), corner(0.8, 0.9)])
    page.keyboard.up("Shift")
    expect(page.get_by_text(re.compile("SHAPES 2 "))).to_be_visible()
    second = inside(last_polygon(page))
    page.keyboard.down("Alt")
    draw(page, [corner(0.05, 0.4), corner(0.5, 0.5), corner(0.9, 0.6)])
    page.keyboard.up("Alt")
    expect(page.get_by_text(re.compile("SHAPES 3 "))).to_be_visible()
    third = inside(last_polygon(page))
    for part in (first, second, third):
        assert part.any()
    expect_selected(page, np.flatnonzero((first | second) & ~third))
    draw(page, [corner(0.4, 0.4), corner(0.5, 0.5), corner(0.6, 0.6)])
    expect(page.get_by_text(re.compile("SHAPES 1 "))).to_be_visible()


def test_a_tiny_shape_selects_nothing_and_says_why(harness, browse):
    page = browse()
    open_map(page, harness)
    page.get_by_role("button", name="Lasso").click()
    x, y = circle(page, 1)[0]
    draw(page, [(x, y), (x + 10, y + 1), (x + 20, y), (x + 8, y)])
    expect(page.locator(".map [role=status]")).to_contain_text("Too small")
    assert python_state(page)["shapes"] == "0"


def test_legend_toggles_isolates_and_a_lasso_leaves_hidden_classes_out(harness, browse):
    page = browse()
    open_map(page, harness)
    legend = data.column("tissue", N).legend
    codes = point_buffers.codes_of(data.column("tissue", N))
    debris = page.locator(".legend-line", has_text="debris")
    expect(debris).to_contain_text(f"{legend['counts'][legend['names'].index('debris')]:,}")
    debris.click()
    expect(debris).to_have_attribute("aria-pressed", "false")
    page.locator(".stage").focus()
    page.keyboard.press("s")
    hidden = codes == legend["names"].index("debris")
    expect_selected(page, np.flatnonzero(~hidden))
    page.get_by_role("button", name="Show all").click()
    expect(debris).to_have_attribute("aria-pressed", "true")
    stroma = page.locator(".legend-line", has_text="stroma")
    stroma.dblclick()
    assert page.locator(".legend-line[aria-pressed=true]").all_inner_texts()[0].startswith("stroma")
    expect(page.locator(".legend-line[aria-pressed=true]")).to_have_count(1)
    page.locator(".stage").focus()
    page.keyboard.press("s")
    expect_selected(page, np.flatnonzero(codes == legend["names"].index("stroma")))
    stroma.dblclick()
    expect(page.locator(".legend-line[aria-pressed=false]")).to_have_count(0)


def test_hover_shows_the_thumbnail_and_facts_as_text(harness, browse):
    page = browse()
    open_map(page, harness)
    row = int(np.argmin(data.positions(N)[:, 0]))
    page.mouse.move(*at(page, row))
    image = page.locator(".card img")
    expect(image).to_be_visible()
    expect(image).to_have_attribute("src", f"/api/thumb/{row}.jpg")
    expect(page.locator(".card dl")).to_contain_text(f"P{row % 7}")
    expect(page.locator(".card dl")).to_contain_text(data.HOSTILE if row % 2 else "S1")
    card, (x, y) = page.locator(".card").bounding_box(), at(page, row)
    assert not (card["x"] <= x <= card["x"] + card["width"] and card["y"] <= y <= card["y"] + card["height"])
    page.mouse.move(5, 5)
    expect(page.locator(".card")).to_be_hidden()


def test_click_picks_a_point_and_draws_lines_to_its_neighbours(harness, browse):
    page = browse()
    open_map(page, harness)
    row = int(np.argmin(data.positions(N)[:, 0]))
    page.mouse.click(*at(page, row))
    expect(page.get_by_text(re.compile(f"^PICKED {row} "))).to_be_visible()
    lines = page.locator(".overlay .links")
    expect(lines).to_have_attribute("d", re.compile("(M[^L]+L[^M]+){12}"))
    starts = {part.split("L")[0] for part in lines.get_attribute("d").split("M")[1:]}
    assert len(starts) == 1
    x, y = map(float, starts.pop().split())
    assert (x, y) == pytest.approx(on_map(page, "return map.screen(arg)", row), abs=0.1)
    ends = {tuple(map(float, part.split("L")[1].split())) for part in lines.get_attribute("d").split("M")[1:]}
    wanted = {tuple(round(v, 1) for v in on_map(page, "return map.screen(arg)", other)) for other in data.neighbours(row, N)}
    assert {tuple(round(v) for v in end) for end in ends} == {tuple(round(v) for v in end) for end in wanted}


def test_double_click_reports_the_patch_as_opened(harness, browse):
    page = browse()
    open_map(page, harness)
    row = int(np.argmin(data.positions(N)[:, 0]))
    page.mouse.dblclick(*at(page, row))
    expect(page.get_by_text(re.compile(f"PICKED {row} .* OPENED {row}"))).to_be_visible()


def test_zoom_keeps_what_is_under_the_pointer(harness, browse):
    page = browse()
    open_map(page, harness)
    row = int(np.argmax(data.positions(N)[:, 0]))
    x, y = at(page, row)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    wait_on_map(page, "map.camera.zoom() > 2")
    assert at(page, row) == pytest.approx((x, y), abs=4)  # the pointer is on whole pixels, and one is magnified
    page.mouse.move(x - 200, y)
    page.mouse.down()
    page.mouse.move(x - 150, y + 30, steps=4)
    page.mouse.up()
    assert at(page, row) == pytest.approx((x + 50, y + 30), abs=2)
    assert python_state(page)["picked"] == "None", "a drag is no click"


def test_pictures_of_groups_then_of_patches_without_overlap(harness, browse):
    page = browse()
    open_map(page, harness, medoids=1)
    expect(page.locator(".picture figcaption").first).to_be_visible()
    shown = on_map(page, "return [...map.pictures.shown.keys()]")
    assert set(shown) <= {row for row, _ in data.medoids(N)}
    free = "return [...map.pictures.shown.keys()].filter((row) => map.pictures.under(...map.screen(row), map) !== row)"
    assert on_map(page, free) == shown, "a group's picture hides the group"
    page.mouse.move(*at(page, 0))
    page.mouse.wheel(0, -1200)
    wait_on_map(page, "map.pictures.lift_px === 0 && map.pictures.shown.size > 3")
    boxes = [picture.bounding_box() for picture in page.locator(".picture").all()]
    assert 3 < len(boxes) <= 60
    for k, a in enumerate(boxes):
        for b in boxes[:k]:
            assert abs(a["x"] - b["x"]) >= a["width"] or abs(a["y"] - b["y"]) >= a["height"]
    page.locator(".stage").focus()
    page.keyboard.press("t")
    expect(page.locator(".picture")).to_have_count(0)


def test_query_and_hits_are_marked(harness, browse):
    page = browse()
    open_map(page, harness, query=1)
    x, y = in_screen(page, (2.0, 1.0))
    expect(page.locator(".overlay .query")).to_have_attribute("d", re.compile(f"^M{x - 10:.1f} {y:.1f}"))
    expect(page.locator(".overlay .hits")).to_have_attribute("d", re.compile("^(M[^M]+){12}$"))


def in_screen(page, position: tuple[float, float]) -> tuple[float, float]:
    return tuple(on_map(page, "return map.camera.toScreen(...map.points.toSteps(arg))", position))


def test_colouring_by_another_column_keeps_view_and_selection(harness, browse):
    page = browse()
    open_map(page, harness)
    page.locator(".stage").focus()
    page.keyboard.press("+")
    page.keyboard.press("s")
    expect(page.get_by_text(re.compile("SHAPES 1 "))).to_be_visible()
    before = on_map(page, "return [map.camera.place, map.selected]")
    page.get_by_role("button", name="colour by stain").click()
    expect(page.locator(".legend h2")).to_have_text("stain")
    expect(page.locator(".ramp-ends")).to_contain_text(f"{data.column('stain', N).legend['low']:.4g}")
    assert on_map(page, "return [map.camera.place, map.selected]") == before


def test_a_click_while_a_column_is_being_fetched_picks_the_patch_and_the_column_is_shown(harness, browse):
    page = browse()
    open_map(page, harness)
    held, open_gate = [], []
    page.route("**/column/stain-*", lambda route: route.continue_() if open_gate else held.append(route))
    page.get_by_role("button", name="colour by stain").click()
    idle(page)
    row = int(np.argmin(data.positions(N)[:, 0]))
    page.mouse.click(*at(page, row))
    expect(page.get_by_text(re.compile(f"^PICKED {row} "))).to_be_visible()
    idle(page)
    open_gate.append(True)
    for route in held:
        route.continue_()
    expect(page.locator(".legend h2")).to_have_text("stain")
    expect(page.locator(".overlay .links")).to_have_attribute("d", re.compile("^M"))
    assert on_map(page, "return map.picked") == row


def test_picked_patch_selection_and_view_are_the_same_after_a_visit_to_another_page(harness, browse):
    page = browse()
    open_map(page, harness)
    page.locator(".stage").focus()
    for key in ("+", "+", "n", "Enter", "s"):
        page.keyboard.press(key)
    expect(page.get_by_text(re.compile("SHAPES 1 "))).to_be_visible()
    idle(page)
    before, state = on_map(page, "return [map.camera.place, map.selected, map.picked]"), python_state(page)
    page.get_by_text("away", exact=True).click()
    page.locator(".grid[data-ready]").wait_for()
    page.get_by_text("away", exact=True).click()
    page.locator(".map[data-ready]").wait_for()
    idle(page)
    assert on_map(page, "return [map.camera.place, map.selected, map.picked]") == before
    assert python_state(page) == state


def test_a_selection_stays_when_colours_change_and_browser_and_server_extend_it_alike(harness, browse):
    page = browse()
    open_map(page, harness)
    codes = point_buffers.codes_of(data.column("tissue", N))
    debris = data.column("tissue", N).legend["names"].index("debris")
    page.locator(".legend-line", has_text="debris").click()
    page.get_by_role("button", name="Box").click()
    frame = page.locator(".stage").bounding_box()
    left, middle, right = (frame["x"] + share * frame["width"] for share in (0.05, 0.5, 0.95))
    top, bottom = frame["y"] + 10, frame["y"] + frame["height"] - 10
    draw(page, [(left, top), (middle, bottom)])
    expect(page.get_by_text(re.compile("SHAPES 1 "))).to_be_visible()
    first = inside(last_polygon(page)) & (codes != debris)
    expect_selected(page, np.flatnonzero(first))
    page.get_by_role("button", name="colour by stain").click()
    expect(page.locator(".legend h2")).to_have_text("stain")
    page.keyboard.down("Shift")
    draw(page, [(middle + 50, top), (right, bottom)])
    page.keyboard.up("Shift")
    expect(page.get_by_text(re.compile("SHAPES 2 "))).to_be_visible()
    both = first | inside(last_polygon(page))
    expect_selected(page, np.flatnonzero(both))
    page.get_by_text("away", exact=True).click()
    page.locator(".grid[data-ready]").wait_for()
    page.get_by_text("away", exact=True).click()
    page.locator(".map[data-ready]").wait_for()
    expect_selected(page, np.flatnonzero(both))


def test_python_can_select_a_group(harness, browse):
    page = browse()
    open_map(page, harness, column="stain", group=3)
    expect_selected(page, np.flatnonzero(point_buffers.codes_of(data.column("tissue", N)) == 3))
