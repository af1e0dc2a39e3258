"""The history of annotations on the page About: listed as text, and an entry undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import make_collection
from streamlit.testing.v1 import AppTest

from explorer.app.shared import cache
from explorer.collection import Collection


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    collection = make_collection(tmp_path / "home")
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    cache.settings.cache_clear()
    yield collection
    cache.settings.cache_clear()


def about() -> AppTest:
    test = AppTest.from_string("from explorer.app import frame\nframe.run('about')", default_timeout=60)
    test.query_params["collection"] = "small"
    test.run()
    assert not test.exception, test.exception
    return test


def headings(test: AppTest) -> list[str]:
    return [element.value for element in test.header]


def test_a_collection_without_annotations_shows_no_history(small: Collection) -> None:
    assert "Annotations" not in headings(about())


def test_entries_are_listed_newest_first_and_one_is_undone(small: Collection) -> None:
    grouping = small.artifacts("clusters")[0]
    small.annotations.add("label", "<b>tumour</b>", [1, 2], who="ada", why="seen twice")
    small.annotations.save_selection("odd", [3, 4, 5], who="ada")
    small.annotations.name_clusters(grouping, {0: "stroma"}, who="bob")
    test = about()
    assert "Annotations" in headings(test)
    (table,) = (each.value for each in test.dataframe if "Who" in each.value)
    assert table["Number"].tolist() == [3, 2, 1]
    assert table["Who"].tolist() == ["bob", "ada", "ada"]
    assert table["What"].tolist() == ["cluster name", "selection", "label"]
    assert table["Of"].tolist() == [f"group 1 of grouping {grouping.key}", "odd", ""]
    assert table["Value"].tolist() == ["stroma", "", "<b>tumour</b>"]
    assert table["Why"].tolist() == ["", "", "seen twice"]
    test.selectbox(key="about/undo-entry").select_index(2).run()
    test.button(key="about/undo").click().run()
    assert not test.exception, test.exception
    assert small.annotations.column("label").isna().all()
    (table,) = (each.value for each in test.dataframe if "Who" in each.value)
    assert table["What"].tolist() == ["undo of 1", "cluster name", "selection", "label"]
    assert table["State"].tolist() == ["", "", "", "undone"]
    left = test.selectbox(key="about/undo-entry")
    assert [option.partition(":")[0] for option in left.options] == ["4", "3", "2"] and left.value == 4
