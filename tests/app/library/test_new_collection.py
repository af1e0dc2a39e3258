"""The form for a new collection shows how the source was read and takes corrections; About shows them later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from picture_files import contents, write_folder
from streamlit.testing.v1 import AppTest

from explorer import pipeline, settings
from explorer.app.shared import cache, job_requests
from explorer.sources import open_source

TABLE = "file,label,doctor,patient\n1,A,D1,P1\n2,B,D2,unknown\n9,B,D2,P9\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("EXPLORER_HOME", str(home))
    monkeypatch.setenv("EXPLORER_ALLOWED_ROOTS", str(tmp_path))
    cache.settings.cache_clear()
    yield write_folder(tmp_path / "files", contents("1.png", "2.png", labels__csv=TABLE, cohort__csv="file,grade\n1,3\n2,4\n"))
    cache.settings.cache_clear()


def page(name: str, **asked: str) -> AppTest:
    test = AppTest.from_string(f"from explorer.app import frame\nframe.run({name!r})", default_timeout=60)
    for key, value in asked.items():
        test.query_params[key] = value
    return checked(test)


def checked(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception, test.exception
    return test


def words(test: AppTest) -> str:
    kinds = ("title", "header", "markdown", "caption", "text", "warning", "error")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(test, kind)).replace("\\", "")


def sheet(place: Path) -> AppTest:
    test = page("library")
    test.text_input(key="new/place").set_value(str(place))
    next(button for button in test.button if button.label == "Look there").click()
    return checked(test)


def test_the_form_shows_how_the_source_was_read(place: Path) -> None:
    shown = words(sheet(place))
    assert "2 pictures · 2 labels (A, B) · 1 patient." in shown
    assert "1 of 3 lines of labels.csv names no picture, such as '9' (nearest are" in shown
    assert "labels.csv: 3 lines. 2 matched, 1 names no picture." in shown


def test_corrections_are_read_again_and_reach_the_job(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[job_requests.Build] = []
    monkeypatch.setattr(job_requests, "start", started.append)
    test = sheet(place)
    test.selectbox(key="new/column-site").set_value("doctor")
    checked(test)
    test.checkbox(key="new/empty").uncheck()
    assert "2 pictures · 2 labels (A, B) · 2 patients · 2 sites." in words(checked(test))
    test.button(key="new/start").click()
    checked(test)
    (build,) = started
    assert build.options() == {"columns": {"site": "doctor"}, "empty": []}
    assert build.command()[-6:-2] == ["--option", 'columns={"site": "doctor"}', "--option", "empty=[]"]


def test_every_line_without_a_picture_is_shown_with_the_nearest_names_and_notes_speak_of_the_form(place: Path) -> None:
    test = sheet(place)
    (frame,) = (each.value for each in test.dataframe if "Nearest pictures" in each.value)
    assert frame.to_dict("records") == [{"Name in the table": "9", "Nearest pictures": "1.png, 2.png"}]
    shown = words(test)
    assert "--option" not in shown and "take the tick away" in shown and "Labels.csv" not in shown


def test_another_encoding_can_be_chosen(place: Path) -> None:
    (place / "labels.csv").write_bytes("file,label\n1,Größe\n2,Drüse\n".encode("mac_roman"))
    test = sheet(place)
    test.selectbox(key="new/encoding").set_value("cp1252")
    assert "(Grš§e, DrŸse)" in words(checked(test))
    test.selectbox(key="new/encoding").set_value("mac_roman")
    assert "(Größe, Drüse)" in words(checked(test))


def test_another_table_or_none_can_be_chosen_and_corrections_reset(place: Path) -> None:
    test = sheet(place)
    test.selectbox(key="new/which-table").set_value("none")
    assert "2 pictures · no labels. No patient is known" in words(checked(test))
    test.selectbox(key="new/which-table").set_value("cohort.csv")
    assert "cohort.csv: 2 lines. 2 matched." in words(checked(test))
    test.button(key="new/reset").click()
    assert "2 labels (A, B)" in words(checked(test))


def test_a_correction_that_cannot_be_read_can_be_taken_back(place: Path) -> None:
    test = sheet(place)
    test.selectbox(key="new/column-uri").set_value("doctor")
    assert "none of the 3 lines names a picture" in words(checked(test))
    test.button(key="new/reset").click()
    assert "2 labels (A, B)" in words(checked(test))


def test_about_shows_how_the_table_was_joined(place: Path) -> None:
    own = settings.read(home=cache.settings().home)
    pipeline.ingest(open_source(place), name="c", settings=own)
    shown = words(page("about", collection="c"))
    assert "Where labels come from" in shown and "1 of 3 lines of labels.csv names no picture, such as '9'" in shown


def test_what_nested_folders_are_is_guessed_and_can_be_corrected(place: Path) -> None:
    place = write_folder(place.parent / "nested", contents(*(f"P{number}/{label}/1.png" for number in range(3) for label in ("in", "out"))))
    test = sheet(place)
    shown = words(test)
    assert "2 labels (in, out) · 3 patients" in shown and "choose below what the folders are" in shown and "--option" not in shown
    test.selectbox(key="new/folders").set_value("label/patient")
    assert "3 labels (P0, P1, P2) · 2 patients" in words(checked(test))
    test.selectbox(key="new/folders").set_value("")
    assert "2 labels (in, out) · 3 patients" in words(checked(test))
