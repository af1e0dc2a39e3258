"""Result grid, crop, upload and patch viewer in a real browser."""

from __future__ import annotations

import base64
import io
import json
import re
import urllib.request

import pytest
from browser import data
from browser.helpers import idle
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def show(page, url: str, name: str, selector: str, **ask: object) -> None:
    page.goto(f"{url}/?show={name}" + "".join(f"&{key}={value}" for key, value in ask.items()))
    page.locator(f"{selector}[data-ready]").first.wait_for()
    idle(page)


def says(page, pattern: str) -> None:
    expect(page.get_by_text(re.compile(pattern))).to_be_visible()


# ---- result grid


def test_grid_shows_every_card_square_and_as_text(harness, browse):
    page = browse()
    show(page, harness, "grid", ".grid")
    expect(page.locator(".result")).to_have_count(48)
    expect(page.locator(".result .label").nth(1)).to_have_text(data.HOSTILE)
    first, second = (page.locator(".open").nth(k).bounding_box() for k in (0, 1))
    assert first["width"] == pytest.approx(first["height"], abs=1)
    assert second["x"] - first["x"] - first["width"] == pytest.approx(2, abs=0.6)
    expect(page.locator(".result img").first).to_have_js_property("complete", True)


def test_grid_reports_opened_liked_and_chosen_patches(harness, browse):
    page = browse()
    show(page, harness, "grid", ".grid")
    page.locator(".open").nth(3).click()
    says(page, "OPENED 3$")
    page.get_by_role("button", name="More like this").nth(2).click()
    says(page, re.escape("LIKED {2: 1}"))
    page.get_by_role("button", name="Less like this").nth(2).click()
    says(page, re.escape("LIKED {2: -1}"))
    page.get_by_role("button", name="Less like this").nth(2).click()
    says(page, re.escape("LIKED {} "))
    page.get_by_role("button", name="Choose").nth(5).click()
    says(page, re.escape("CHOSEN [5]"))
    expect(page.locator(".result").nth(5)).to_have_class(re.compile("is-chosen"))


def test_grid_by_keyboard(harness, browse):
    page = browse()
    show(page, harness, "grid", ".grid")
    page.locator(".open").first.focus()
    columns = page.locator(".grid").evaluate("grid => getComputedStyle(grid).gridTemplateColumns.split(' ').length")
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    row = 1 + columns
    assert page.locator(".open").nth(row).evaluate("button => button.matches(':focus')")
    page.keyboard.press("+")
    says(page, re.escape(f"LIKED {{{row}: 1}}"))
    page.keyboard.press(" ")
    says(page, re.escape(f"CHOSEN [{row}]"))
    page.keyboard.press("Enter")
    says(page, f"OPENED {row}$")
    page.keyboard.press("End")
    assert page.locator(".open").last.evaluate("button => button.matches(':focus')")
    assert page.locator(".open[tabindex='0']").count() == 1


# ---- crop


def test_crop_by_pointer(harness, browse):
    page = browse()
    show(page, harness, "crop", ".cropper")
    says(page, "BOX whole")
    expect(page.locator(".crop img")).to_have_js_property("complete", True)
    image = page.locator(".crop img").bounding_box()

    def drag(*spots: tuple[float, float]) -> None:
        x, y = spots[0]
        page.mouse.move(image["x"] + x * image["width"], image["y"] + y * image["height"])
        page.mouse.down()
        for x, y in spots[1:]:
            page.mouse.move(image["x"] + x * image["width"], image["y"] + y * image["height"], steps=3)
        page.mouse.up()

    def expect_box(*edges: float, within: float = 0.01) -> None:
        found: list[float] = []
        for _ in range(600):
            text = page.get_by_text(re.compile("^BOX ")).inner_text().removeprefix("BOX ")
            found = [] if text == "whole" else [float(edge) for edge in text.split()]
            if found == pytest.approx(edges, abs=within):
                return
            page.wait_for_timeout(100)
        assert found == pytest.approx(edges, abs=within)

    drag((0.25, 0.25), (0.5, 0.75))
    expect_box(0.25, 0.25, 0.5, 0.75)
    says(page, "^Region 5.. × 1... px")
    drag((0.3, 0.3), (0.4, 0.2))
    expect_box(0.35, 0.15, 0.6, 0.65)
    drag((0.6, 0.65), (0.9, 0.9))
    expect_box(0.35, 0.15, 0.9, 0.9, within=0.02)
    page.get_by_role("button", name="Whole picture").click()
    says(page, "BOX whole")


def test_crop_by_keyboard(harness, browse):
    page = browse()
    show(page, harness, "crop", ".cropper")
    page.locator(".crop").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    says(page, "BOX 0.270 0.250 0.770 0.770")
    page.keyboard.press("Escape")
    says(page, "BOX whole")


# ---- upload


def arrived(url: str) -> dict:
    with urllib.request.urlopen(f"{url}/api/uploads") as answer:
        return json.load(answer)


def upload_id(page) -> str:
    text = page.get_by_text(re.compile(r"UPLOAD Upload\(")).inner_text()
    return re.search(r"upload_id='(\w+)'", text)[1]


def test_files_are_sent_one_by_one_under_their_names(harness, browse):
    page = browse()
    show(page, harness, "upload", ".drop")
    names = ["a.png", data.HOSTILE.replace("/", "") + ".png", "ü & ä?.jpg"]
    page.locator("input[type=file]").first.set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": bytes(1000 + k)} for k, name in enumerate(names)]
    )
    says(page, r"files=3, bytes=3003\)")
    assert sorted(map(tuple, arrived(harness)[upload_id(page)])) == sorted((name, 1000 + k) for k, name in enumerate(names))
    expect(page.locator(".drop")).to_contain_text("3 files are here (3.0 kB).")
    page.get_by_role("button", name="Choose others").click()
    says(page, "UPLOAD None")


def test_a_folder_keeps_its_paths(harness, browse, tmp_path):
    (tmp_path / "set" / "deep").mkdir(parents=True)
    (tmp_path / "set" / "one.png").write_bytes(b"1")
    (tmp_path / "set" / "deep" / "two.png").write_bytes(b"22")
    page = browse()
    show(page, harness, "upload", ".drop")
    page.locator("input[webkitdirectory]").set_input_files(tmp_path / "set")
    says(page, r"files=2, bytes=3\)")
    assert {name for name, _ in arrived(harness)[upload_id(page)]} == {"set/one.png", "set/deep/two.png"}


def test_files_that_failed_are_named_and_can_be_sent_again(harness, browse):
    page = browse()
    show(page, harness, "upload", ".drop")
    page.locator("input[type=file]").first.set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": bytes(10)} for name in ("good.png", "broken.png")]
    )
    expect(page.get_by_role("alert")).to_have_text("1 file did not arrive.")
    expect(page.locator(".drop")).to_contain_text("broken.png: The disk is full.")
    page.faults.clear()  # the browser itself logs the 507
    page.get_by_role("button", name="Try again").click()
    says(page, r"files=2, bytes=20\)")


def test_files_above_the_limit_are_refused_before_they_are_sent(harness, browse):
    page = browse()
    show(page, harness, "upload", ".drop")
    file = {"name": "big.zip", "mimeType": "application/zip", "buffer": bytes(2_100_000)}
    page.locator("input[type=file]").first.set_input_files([file])
    expect(page.get_by_role("alert")).to_contain_text("2.1 MB, more than the 2.0 MB that fit")


def test_cancel_stops_the_upload_and_the_server_removes_what_arrived(harness, browse):
    page = browse()
    show(page, harness, "upload", ".drop")
    page.route("**/api/uploads/*?name=*", lambda route: None)  # never answered
    page.locator("input[type=file]").first.set_input_files([{"name": "slow.png", "mimeType": "image/png", "buffer": bytes(10)}])
    expect(page.locator(".drop progress")).to_be_visible()
    with page.expect_request(lambda request: request.method == "DELETE") as told:
        page.get_by_role("button", name="Cancel").click()
    assert told.value.headers["x-explorer"] == "1"
    expect(page.get_by_role("button", name="Choose files")).to_be_visible()
    says(page, "UPLOAD None")


def test_a_pasted_picture_is_sent(harness, browse):
    page = browse()
    show(page, harness, "upload", ".drop")
    out = io.BytesIO()
    Image.new("RGB", (4, 4), (200, 100, 150)).save(out, "PNG")
    page.evaluate(
        """text => {
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([bytes], "shot.png", { type: "image/png" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }""",
        base64.b64encode(out.getvalue()).decode(),
    )
    says(page, rf"files=1, bytes={len(out.getvalue())}\)")
    assert arrived(harness)[upload_id(page)][0][0] == "shot.png"


def test_dropped_files_are_sent(harness, browse):
    page = browse()
    show(page, harness, "upload", ".drop")
    page.locator(".drop").evaluate(
        """drop => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["12345"], "dropped.png", { type: "image/png" }));
          drop.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
        }"""
    )
    says(page, r"files=1, bytes=5\)")


# ---- patches


def test_two_patches_at_the_same_scale_with_bars_of_the_right_length(harness, browse):
    page = browse()
    show(page, harness, "patch", ".patches")
    expect(page.locator(".patch img").nth(1)).to_have_js_property("complete", True)
    expect(page.get_by_text("Shown at the same scale.")).to_be_visible()
    expect(page.locator(".patch .title").nth(1)).to_have_text(data.HOSTILE)
    for k in range(2):
        frame, bar = page.locator(".frame").nth(k).bounding_box(), page.locator(".bar").nth(k).bounding_box()
        assert css_px_per_um(page, k) == pytest.approx(frame["width"] / 256, rel=0.02), "both patches are 256 micrometres wide"
        assert frame["width"] == pytest.approx(frame["height"], abs=1), "tissue is never stretched"
        assert bar["y"] >= frame["y"] + frame["height"], "nor covered"


def css_px_per_um(page, k: int) -> float:
    length = float(re.match(r"([\d.]+) µm", page.locator(".length").nth(k).inner_text().strip())[1])
    return page.locator(".bar").nth(k).bounding_box()["width"] / length


def test_zooming_one_patch_zooms_both_about_the_pointer(harness, browse):
    page = browse()
    show(page, harness, "patch", ".patches")
    expect(page.locator(".patch img").nth(1)).to_have_js_property("complete", True)
    before = css_px_per_um(page, 0)
    frame = page.locator(".frame").first.bounding_box()
    x, y = frame["x"] + frame["width"] / 4, frame["y"] + frame["height"] / 2
    picture = page.locator(".patch img").first
    still = picture.evaluate("image => image.style.transform")
    page.mouse.move(x, y)
    page.mouse.wheel(0, -500)
    page.wait_for_function("([image, still]) => image.style.transform !== still", arg=[picture.element_handle(), still])
    zoom = css_px_per_um(page, 0) / before
    assert zoom == pytest.approx(2.226, rel=0.02) and css_px_per_um(page, 1) / before == pytest.approx(zoom, rel=0.02)
    image = picture.bounding_box()
    assert (x - image["x"]) / image["width"] == pytest.approx(0.25, abs=0.01), "what is under the pointer stays"
    page.locator(".frame").nth(1).focus()
    for key in ("ArrowRight", *["-"] * 5):
        page.keyboard.press(key)
    assert css_px_per_um(page, 1) == pytest.approx(before, rel=0.02)


def test_a_patch_of_unknown_scale_says_so(harness, browse):
    page = browse()
    show(page, harness, "patch", ".patches", unknown=1)
    expect(page.locator(".length").first).to_have_text("scale not known")
    expect(page.get_by_text("Not at the same scale: a pixel size is not known.")).to_be_visible()
    expect(page.locator(".length").nth(1)).to_contain_text("µm")
