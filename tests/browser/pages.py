"""Looking at the harness from a test."""

from __future__ import annotations

import re

from browser.helpers import idle

N = 2000


def open_map(page, url: str, **ask: object) -> None:
    """The map page, ready to be used; ``ask`` goes into the URL."""
    params = {"n": N, **ask}
    page.goto(f"{url}/?" + "&".join(f"{name}={value}" for name, value in params.items()))
    page.locator(f".map[data-ready='{params['n']}']").wait_for()
    idle(page)
    page.locator(".stage").scroll_into_view_if_needed()


def on_map(page, script: str, argument: object = None):
    """Run ``script`` with the widget as ``map`` and the argument as ``arg``."""
    return page.locator(".map").evaluate(f"(board, arg) => {{ const map = board.map; {script} }}", argument)


def wait_on_map(page, condition: str) -> None:
    """Wait until an expression about ``map``, the widget, is true."""
    page.wait_for_function(f"(board) => {{ const map = board.map; return {condition}; }}", arg=page.locator(".map").element_handle())


def at(page, row: int) -> tuple[float, float]:
    """Where a row lies in the window."""
    x, y = on_map(page, "return map.screen(arg)", row)
    frame = page.locator(".stage").bounding_box()
    return frame["x"] + 1 + x, frame["y"] + 1 + y  # the frame of the stage is a pixel wide


def python_state(page) -> dict[str, str]:
    """The map's state as Python knows it."""
    text = page.get_by_text(re.compile("^PICKED")).inner_text()
    names = ("picked", "selected", "shapes", "opened")
    found = re.fullmatch(r"PICKED (\S+) SELECTED (\d+) SHAPES (\d+) OPENED (\S+)", text).groups()
    return dict(zip(names, found, strict=True))


def draw(page, path: list[tuple[float, float]]) -> None:
    """Press, move along the path, let go."""
    page.mouse.move(*path[0])
    page.mouse.down()
    for spot in path[1:]:
        page.mouse.move(*spot)
    page.mouse.up()
