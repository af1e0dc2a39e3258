"""Single modules of the browser's side, called in the browser and judged in Python."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from explorer.app.shared import assets, point_buffers
from explorer.app.shared.selections import Shape, select

pytestmark = pytest.mark.browser


@pytest.fixture
def call(harness, browse):
    """``call(module, script, argument)``: run ``script`` with the module as ``m`` and the argument as ``arg``."""
    page = browse()
    page.goto(f"{harness}/api/uploads")  # a page without the app: the modules need none

    def run(module: str, script: str, argument: object = None):
        body = f"async ([url, arg]) => {{ const m = await import(url); {script} }}"
        return page.evaluate(body, [assets.address("/api", module), argument])

    return run


def test_the_drawing_order_is_a_fair_permutation(call):
    for n in (0, 1, 2, 3, 6, 100, 997, 10_000):
        order = np.array(call("map/points.js", "return [...m.drawingOrder(arg)]", n), dtype=int)
        assert sorted(order) == list(range(n))
    first = np.sort(order[: n // 10])
    assert np.diff(first).max() <= 2.7 * n / len(first), "any first part is spread over all rows"


def test_browser_and_server_select_the_same_rows_to_the_last_one(call):
    rng = np.random.default_rng(3)
    xy = np.concatenate([rng.normal(0, 3, (4000, 2)), rng.integers(-5, 5, (1000, 2))]).astype(np.float32)
    packed = point_buffers.pack_points(xy)
    drawn = point_buffers.drawn_points(packed)
    codes = rng.integers(0, 5, len(xy)).astype(np.uint8)
    cases = []
    for k in range(40):
        corners = rng.uniform(-6, 6, (int(rng.integers(3, 20)), 2))
        if k % 2:  # corners on points: edges pass exactly through some
            corners = drawn[rng.integers(0, len(drawn), len(corners))]
        polygon = tuple((float(x), float(y)) for x, y in corners)
        hidden = (1, 3) if k % 3 == 0 else ()
        rows = (0, 7, 4999) if k % 5 == 0 else ()
        cases.append([Shape("replace", polygon, rows=rows, column="c", hidden=hidden), Shape("subtract" if k % 4 else "add", polygon[:3])])
    script = """
      const points = new m.Points(Uint8Array.from(atob(arg.points), (c) => c.charCodeAt(0)).buffer);
      const { SpatialGrid } = await import(url.replace("points.js", "spatial.js"));
      const { select } = await import(url.replace("points.js", "lasso.js"));
      const grid = new SpatialGrid(points);
      const codes = () => Uint8Array.from(arg.codes);
      return arg.cases.map((shapes) => [...select(shapes, points, grid, codes).entries()].filter(([, on]) => on).map(([row]) => row));
    """
    argument = {
        "points": base64.b64encode(packed).decode(),
        "codes": codes.tolist(),
        "cases": [[shape.as_json() for shape in shapes] for shapes in cases],
    }
    found = call("map/points.js", script, argument)
    for shapes, rows in zip(cases, found, strict=True):
        assert rows == np.flatnonzero(select(shapes, drawn, {"c": codes})).tolist()
    assert sum(map(len, found)) > 10_000


def test_grid_finds_the_nearest_of_the_wanted_points(call):
    rng = np.random.default_rng(4)
    packed = point_buffers.pack_points(rng.normal(0, 3, (3000, 2)).astype(np.float32))
    steps = np.frombuffer(packed, "<u2", offset=32).reshape(-1, 2).astype(float)
    spots = rng.uniform(0, 65535, (200, 2))
    script = """
      const points = new m.Points(Uint8Array.from(atob(arg.points), (c) => c.charCodeAt(0)).buffer);
      const { SpatialGrid } = await import(url.replace("points.js", "spatial.js"));
      const grid = new SpatialGrid(points);
      return arg.spots.map(([x, y]) => grid.nearest(x, y, 2000, (row) => row % 3 !== 0));
    """
    found = call("map/points.js", script, {"points": base64.b64encode(packed).decode(), "spots": spots.tolist()})
    for spot, row in zip(spots, found, strict=True):
        distance = np.hypot(*(steps - spot).T)
        distance[::3] = np.inf
        assert row == (distance.argmin() if distance.min() <= 2000 else -1)


def test_a_simplified_path_stays_near_the_drawn_one(call):
    rng = np.random.default_rng(5)
    angles = np.linspace(0, 2 * np.pi, 400)
    radius = 200 + 20 * np.sin(5 * angles) + rng.normal(0, 0.5, 400)
    path = np.stack([300 + radius * np.cos(angles), 300 + radius * np.sin(angles)], axis=1)
    corners = np.array(call("map/lasso.js", "return m.simplify(arg)", path.tolist()))
    assert 12 < len(corners) <= 48
    ends = np.stack([corners[:-1], corners[1:]], axis=1)
    off = []
    for point in path:
        along = ends[:, 1] - ends[:, 0]
        t = (((point - ends[:, 0]) * along).sum(axis=1) / (along**2).sum(axis=1)).clip(0, 1)
        off.append(np.hypot(*(ends[:, 0] + t[:, None] * along - point).T).min())
    assert max(off) < 4


def test_class_colours_differ_also_for_deuteranopes(call):
    colours = np.array(call("map/palette.js", "return m.classes(32)"))
    assert colours[:3].tolist() == [[0, 114, 178], [230, 159, 0], [0, 158, 115]], "Okabe and Ito first"
    linear = np.where(colours / 255 <= 0.04045, colours / 255 / 12.92, ((colours / 255 + 0.055) / 1.055) ** 2.4)
    weak = linear @ np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]).T
    for seen, least in ((linear, 0.02), (weak, 0.006)):
        apart = np.linalg.norm(seen[:, None] - seen[None], axis=2) + np.eye(32)
        assert apart.min() > least
    many = np.array(call("map/palette.js", "return m.classes(1000)"))
    assert many.shape == (1000, 3) and many.min() >= 0 and many.max() <= 255


def test_lightness_rises_along_the_ramp(call):
    ramp = np.array(call("map/palette.js", "return m.ramp(255)")) / 255
    linear = np.where(ramp <= 0.04045, ramp / 12.92, ((ramp + 0.055) / 1.055) ** 2.4)
    lightness = np.cbrt(linear @ [0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > -1e-3).all() and lightness[-1] - lightness[0] > 0.45
