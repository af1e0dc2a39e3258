"""Saved selections and columns by people on the pages: shown, filtered by, removed, and brought back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from served import make_collection
from streamlit.testing.v1 import AppTest

from explorer.app.shared import cache
from explorer.app.shared.selections import Shape
from explorer.app.ui import map_views, url_state
from explorer.collection import Collection

TITLE = "odd <b>crypts</b> *"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    collection = make_collection(tmp_path / "home")
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    cache.settings.cache_clear()
    yield collection
    cache.settings.cache_clear()


def show(page: str, **asked: str) -> AppTest:
    test = AppTest.from_string(f"from explorer.app import frame\nframe.run({page!r})", default_timeout=60)
    for name, value in {"collection": "small", **asked}.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception, test.exception
    return test


def text(test: AppTest) -> str:
    return "\n".join(str(element.value) for kind in ("markdown", "caption", "header") for element in getattr(test, kind)).replace("\\", "")


def click(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click().run()
    assert not test.exception, test.exception
    return test


def address(small: Collection, *rows: int) -> dict[str, str]:
    """Of the map with these rows selected."""
    return {"map": small.embedding().map().key, "area": url_state.pack((Shape("replace", rows=rows),))}


def test_a_saved_selection_is_shown_removed_and_brought_back(small: Collection) -> None:
    saved = small.annotations.save_selection(TITLE, [3, 4], who="ann")
    test = show("map")
    assert [element.label for element in test.expander] == ["1 saved selection"] and TITLE in text(test)
    click(test, f"show-{saved.key}")
    assert test.query_params["of"] == f"saved-{saved.key}" or test.query_params["of"] == [f"saved-{saved.key}"]
    click(test, f"remove-{saved.key}")
    assert small.annotations.selections() == []
    assert small.annotations.history()[0].who == "local"
    assert f"{TITLE} was removed." in text(test)
    click(test, "map/undo")
    assert small.annotations.selections() == [saved]
    assert "was removed" not in text(test)


def test_a_selection_is_saved_under_the_name_that_is_typed(small: Collection) -> None:
    test = show("map", **address(small, 3, 4))
    test.text_input(key="map/save-name").set_value(TITLE)
    click(test, "map/save-now")
    (saved,) = small.annotations.selections()
    assert (saved.title, saved.rows.tolist(), saved.who) == (TITLE, [3, 4], "local")


def test_a_search_with_rows_no_address_can_hold_saves_them_marked_and_removable(small: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_views, "MOST_AREA", 0)
    test = show("map", **address(small, 3, 4))
    test.button(key="map/similar").click().run()
    (saved,) = small.annotations.selections()
    assert saved.automatic and saved.rows.tolist() == [3, 4]
    listed = show("map")
    assert "by a search" in text(listed)
    click(listed, f"remove-{saved.key}")
    assert small.annotations.selections() == []


def test_a_link_to_a_selection_that_was_removed_selects_nothing(small: Collection) -> None:
    saved = small.annotations.save_selection("odd", [3, 4])
    assert "2 patches" in text(show("map", of=f"saved-{saved.key}"))
    small.annotations.remove_selection("odd")
    assert "Nothing is selected." in text(show("map", of=f"saved-{saved.key}"))


def test_labels_and_tags_by_people_can_be_coloured_and_filtered_by_as_soon_as_there_are_some(small: Collection) -> None:
    key = f"map/where/{small.embedding().map().key}"
    test = show("map")
    assert "label_by_people" not in test.selectbox(key="map/colour/small").options
    small.annotations.add("label", "mitosis", [1])
    small.annotations.add("tag", "odd", [1, 2])
    small.annotations.add("tag", "fold", [2])
    test = show("map", colour="label_by_people")
    assert test.selectbox(key="map/colour/small").value == "label_by_people"
    assert test.multiselect(key=f"{key}/label_by_people").options == ["mitosis"]
    assert test.multiselect(key=f"{key}/tags_by_people").options == ["fold", "odd"]
    test.multiselect(key=f"{key}/tags_by_people").set_value(["odd"]).run()
    assert test.button(key="map/select").label == "Select 2 patches"
    found = show("search", patch="0", only=json.dumps({"label_by_people": ["mitosis"]}))
    found.segmented_control(key="search/how").set_value("Table").run()
    assert next(frame.value for frame in found.dataframe if "score" in frame.value.columns)["row"].tolist() == [1]
    assert np.flatnonzero(small.table()["label_by_people"].notna()).tolist() == [1]
