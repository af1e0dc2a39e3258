"""The documents on the page About: each opens from the files of the package, with and without a collection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import explorer
from explorer.app.about import documents
from explorer.app.shared import cache


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    cache.settings.cache_clear()
    yield
    cache.settings.cache_clear()


def show(**url_params: str) -> AppTest:
    test = AppTest.from_string("from explorer.app import frame\nframe.run('about')", default_timeout=60)
    for name, value in url_params.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception, test.exception
    return test


def shown(test: AppTest) -> list[str]:
    return [str(element.value) for element in test.markdown if str(element.value).startswith("### ")]


def test_every_document_has_a_title_and_every_title_a_document() -> None:
    files = {path.stem for path in (Path(explorer.__file__).parent / "docs").glob("*.md")}
    assert files == set(documents.TITLES)


@pytest.mark.parametrize("name", documents.TITLES)
def test_a_document_opens_by_its_url(name: str) -> None:
    (text,) = shown(show(document=name))
    assert text.startswith(f"### {documents.TITLES[name]}\n")
    assert "<!--" not in text
    assert ".md)" not in text


def test_no_document_is_open_at_first_and_an_unknown_one_is_none() -> None:
    assert shown(show()) == []
    assert shown(show(document="../../etc/passwd")) == []


def test_a_reader_opens_a_document_and_the_url_names_it() -> None:
    test = show()
    test.button_group(key="about/document").set_value("settings").run()
    (text,) = shown(test)
    assert "EXPLORER_HOME" in text
    assert test.query_params["document"] in ("settings", ["settings"])  # as one word or a list, by Streamlit's version


def test_links_stay_in_the_app_headings_go_below_those_of_the_page_and_code_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "api.md").write_text(
        "<!-- a remark -->\n# A\n\n```sh\n# code\n```\nSee [Settings](settings.md) and [timm](https://example.org/a.md).\n"
    )
    monkeypatch.setattr(documents, "files", lambda _: tmp_path)
    documents.text.cache_clear()
    assert documents.text("api", "lung & bone") == (
        "### A\n\n```sh\n# code\n```\nSee [Settings](about?collection=lung+%26+bone&document=settings) and [timm](https://example.org/a.md).\n"
    )
    documents.text.cache_clear()
