"""The Python side of the widgets, without a browser: what is sent, what is kept, what comes back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from explorer.app.shared import assets


def sent(app: AppTest) -> dict[str, Any]:
    """What the one widget of the page was given."""
    (element,) = app.get("bidi_component")
    return json.loads(element.proto.json or element.proto.mixed.json)


def map_page() -> None:
    import streamlit as st

    from explorer.app import widgets
    from explorer.app.shared.selections import Shape

    if st.button("elsewhere"):
        widgets.set_map_state("map", picked=7, shapes=[Shape("replace", rows=(1, 2))])
    before = widgets.map_state("map")
    data = widgets.MapData(
        points="/api/points/p.bin",
        thumb="/api/thumb/{row}.jpg",
        column={"name": "tissue", "kind": "classes", "names": ["a"], "counts": [3], "none": None, "url": "/api/column/c.bin"},
        medoids=[(4, "<b>")],
        mark=None if before.picked is None else widgets.Mark(before.picked, [1, 2]),
    )
    seen = widgets.map_view("map", data)
    st.text(f"{seen.picked} {len(seen.shapes)} {seen.opened}")


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(map_page, default_timeout=60).run()


def test_map_sends_urls_and_text_only(app: AppTest) -> None:
    assert not app.exception
    data = sent(app)
    assert data["points"] == "/api/points/p.bin" and data["module"].startswith("/api/web/")
    assert data["medoids"] == [{"row": 4, "name": "<b>"}]
    assert data["mark"] is None and data["selection"] == {"revision": 0, "shapes": [], "columns": {}}
    assert app.text[0].value == "None 0 None"


def test_a_map_that_is_mounted_again_has_its_picked_patch_and_selection(app: AppTest) -> None:
    shape = {"mode": "replace", "polygon": [[0, 0], [1, 0], [1, 1]]}
    app.session_state["map/memory"] = {"picked": 5, "selection": {"shapes": [shape]}}
    app.run()
    assert app.text[0].value == "5 1 None"
    assert sent(app)["mark"] == {"row": 5, "neighbours": [1, 2]}
    assert sent(app)["selection"]["shapes"] == [shape]


def test_a_page_can_set_the_picked_patch_and_the_selection(app: AppTest) -> None:
    app.button[0].click().run()
    assert app.text[0].value == "7 1 None"
    assert sent(app)["selection"]["revision"] == 1
    assert sent(app)["selection"]["shapes"] == [{"mode": "replace", "rows": [1, 2]}]


def test_shapes_are_dropped_where_the_map_shows_other_points(app: AppTest) -> None:
    shape = {"mode": "replace", "polygon": [[0, 0], [1, 0], [1, 1]]}
    app.session_state["map/memory"] = {"picked": 5, "selection": {"shapes": [shape]}, "points": "/api/points/older.bin"}
    app.run()
    assert sent(app)["selection"]["shapes"] == [] and app.text[0].value == "5 0 None"


def linked_page() -> None:
    import streamlit as st

    from explorer.app import widgets
    from explorer.app.shared.selections import Shape
    from explorer.app.widgets import linked_maps

    if st.button("choose on the right"):
        widgets.set_map_state("right", picked=3, shapes=[Shape("replace", rows=(1, 2))])
    linked_maps.link_maps("left", "right")
    for key in ("left", "right"):
        widgets.map_view(key, widgets.MapData(points=f"/api/points/{key}.bin", thumb="/api/thumb/{row}.jpg"))
    st.text(f"{widgets.map_state('left')} {widgets.map_state('right')}")


def test_linked_maps_have_one_picked_patch_and_one_selection() -> None:
    shape = {"mode": "replace", "polygon": [[0, 0], [1, 0], [1, 1]]}
    app = AppTest.from_function(linked_page, default_timeout=60)
    app.session_state["left/memory"] = {"picked": 5, "selection": {"shapes": [shape]}}
    app.session_state["right/memory"] = {"picked": 9, "selection": {"shapes": [shape]}}
    app.run()
    left, right = links(app)
    assert left["name"] == right["name"] and (left["elsewhere"], right["elsewhere"]) == (False, True), "the first holds where both had one"
    assert app.session_state["right/memory"]["picked"] == 5
    app.button[0].click().run()
    left, right = links(app)
    assert (left["elsewhere"], right["elsewhere"]) == (True, False)
    assert app.session_state["left/memory"]["picked"] == 3 and app.session_state["left/memory"]["selection"] is None


def links(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(element.proto.json or element.proto.mixed.json)["link"] for element in app.get("bidi_component")]


def grid_page() -> None:
    import streamlit as st

    from explorer.app import widgets

    seen = widgets.result_grid("grid", [widgets.Card(3, "0.9", "<i>")], thumb="/api/thumb/{row}.jpg", feedback=True)
    st.text(f"{dict(seen.liked)} {seen.chosen} {seen.opened}")


def test_grid_state_has_whole_numbers_for_rows() -> None:
    app = AppTest.from_function(grid_page, default_timeout=60).run()
    app.session_state["grid/memory"] = {"liked": {"3": -1}, "chosen": [3]}
    app.run()
    assert app.text[0].value == "{3: -1} (3,) None"
    assert sent(app)["liked"] == {"3": -1}


def others_page() -> None:
    import streamlit as st

    from explorer.app import widgets

    box = widgets.crop("crop", "/api/patch/1.jpg", alt="query", side_px=(10, 20))
    came = widgets.upload("upload", url="/api/uploads", max_bytes=10, words="Drop here")
    widgets.patch("patch", [widgets.Picture("/api/patch/1.jpg", "query", 0.5, (224, 224))])
    st.text(f"{box} {came}")


def test_crop_and_upload_return_plain_values() -> None:
    app = AppTest.from_function(others_page, default_timeout=60).run()
    assert not app.exception and app.text[0].value == "None None"
    app.session_state["crop/memory"] = {"box": [0, 0, 0.5, 1]}
    app.session_state["upload/memory"] = {"done": {"upload_id": "u1", "n": 2, "bytes": 30}}
    app.run()
    assert app.text[0].value == "(0.0, 0.0, 0.5, 1.0) Upload(upload_id='u1', files=2, bytes=30)"


def every_widget_page() -> None:
    from explorer.app import widgets

    column = {
        "name": "tissue",
        "kind": "classes",
        "dtype": "uint8",
        "names": ["a"],
        "counts": [3],
        "none": None,
        "url": "/api/column/c.bin",
    }
    data = widgets.MapData(
        points="/api/points/p.bin",
        thumb="/api/thumb/{row}.jpg",
        column=column,
        columns={"tissue": column},
        medoids=[(4, "a")],
        mark=widgets.Mark(1, [2]),
        query=widgets.Query(0.0, 0.0),
    )
    widgets.map_view("map", data)
    widgets.result_grid("grid", [widgets.Card(3)], thumb="/api/thumb/{row}.jpg")
    widgets.crop("crop", "/api/patch/1.jpg", alt="query")
    widgets.upload("upload", url="/api/uploads", max_bytes=10, words="Drop here")
    widgets.patch("patch", [widgets.Picture("/api/patch/1.jpg", "query")])


def properties(module: str, name: str) -> set[str]:
    """Names of the properties that a module's JSDoc gives a type."""
    text = (assets.FOLDER / module).read_text(encoding="utf-8")
    inline = re.search(rf"@typedef {{{{(.*)}}}} {name}\b", text)
    if inline:
        return set(re.findall(r"(\w+):", inline[1]))
    listed = re.search(rf"@typedef {{object}} {name}\n(.*?)\*/", text, re.DOTALL)
    assert listed, f"{module} does not say what {name} is"
    return set(re.findall(r"@property {[^{}]*} (\w+)", listed[1]))


def test_every_widget_sends_what_its_module_documents() -> None:
    app = AppTest.from_function(every_widget_page, default_timeout=60).run()
    assert not app.exception
    elements = {}
    for element in app.get("bidi_component"):
        data = json.loads(element.proto.json or element.proto.mixed.json)
        elements[data.pop("module").rsplit("/", 2)[1]] = data
    assert elements["map"].keys() == properties("map/data.js", "MapData")
    for part, name in {"mark": "MarkData", "query": "QueryData", "selection": "SelectionData"}.items():
        assert elements["map"][part].keys() == properties("map/data.js", name)
    assert elements["map"]["medoids"][0].keys() == properties("map/data.js", "MedoidData")
    assert elements["map"]["column"].keys() == properties("map/columns.js", "ClassColumn")
    assert elements["grid"].keys() == properties("grid/grid.js", "GridData")
    assert elements["grid"]["cards"][0].keys() == properties("grid/grid.js", "CardData")
    assert elements["crop"].keys() == properties("crop/crop.js", "CropData")
    assert elements["upload"].keys() == properties("upload/upload.js", "UploadData")
    assert elements["patch"].keys() == properties("patch/patch.js", "PatchData")
    assert elements["patch"]["pictures"][0].keys() == properties("patch/patch.js", "PictureData")
