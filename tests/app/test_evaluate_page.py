"""The page Evaluate: the same report as the file, and a measurement started as the command a person would type."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import MeanColour, write_patches
from streamlit.testing.v1 import AppTest

from explorer import pipeline, settings
from explorer.app import state, work
from explorer.collection import Collection
from explorer.errors import ArtifactMissing, CollectionMissing
from explorer.pipeline import Question
from explorer.sources import open_source


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    home = tmp_path / "home"
    monkeypatch.setenv("EXPLORER_HOME", str(home))
    state.settings.cache_clear()
    own = settings.read(home=home)
    folder = write_patches(tmp_path / "patches", per_class=6)
    (folder / "LYM").rename(folder / "<b>LYM<")
    collection = pipeline.ingest(open_source(folder), name="c", settings=own)
    pipeline.embed(collection, encoder=MeanColour(), settings=own)
    pipeline.index(collection)
    yield collection
    state.settings.cache_clear()


def show(**asked: str) -> AppTest:
    test = AppTest.from_string("from explorer.app import frame\nframe.run('evaluate')", default_timeout=60)
    for name, value in {"collection": "c", **asked}.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception, test.exception
    return test


def bodies(test: AppTest) -> str:
    return "\n".join(element.proto.body for element in test.get("html"))


def test_without_a_report_the_page_says_how_to_get_one(opened: Collection) -> None:
    test = show()
    assert "Nothing has been measured yet." in [heading.value for heading in test.header]
    assert not test.selectbox(key="evaluate/label").disabled


def test_a_report_is_shown_and_kept_in_the_address(opened: Collection) -> None:
    older = pipeline.evaluate(opened, Question("retrieval"))
    pipeline.evaluate(opened, Question("retrieval", seed=1))
    newest = pipeline.read_report(opened.artifacts("reports")[0])
    said = bodies(show())
    assert f"{newest['value']['value']:.3f}" in said
    assert "Leak possible" in said
    assert "&lt;b&gt;LYM&lt;" in said
    assert "<b>LYM" not in said
    shown = show(report=older.key)
    assert shown.selectbox(key="evaluate/shown/c").value == older.key
    assert pipeline.read_report(older)["results"]["retrieval"]["protocol"]["sha256"] in bodies(shown)


def test_a_measurement_is_the_command_a_person_would_type(opened: Collection) -> None:
    asked = work.Evaluate(name="c", protocol="leak", label="label", site="-s", encoder="mean-colour")
    assert asked.command() == [
        "evaluate", "--encoder", "mean-colour", "--label", "label", "--site", "-s", "--seed", "0", "--", "c", "leak"
    ]  # fmt: skip
    with pytest.raises(ArtifactMissing):
        work.Evaluate(name="c", protocol="knn", encoder="descriptor").command()
    with pytest.raises(CollectionMissing):
        work.Evaluate(name="c", protocol="knn", train="gone").command()


def test_the_button_starts_that_job(opened: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[work.Evaluate] = []
    monkeypatch.setattr(work, "start", started.append)
    test = show()
    test.radio(key="evaluate/protocol").set_value("leak").run()
    test.button(key="evaluate/start").click().run()
    assert not test.exception
    assert [(job.protocol, job.label, job.group, job.site, job.train) for job in started] == [("leak", "label", None, None, None)]
