"""The page Evaluate: a report as charts and patches, and evaluations started as the command a person would type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fakes import MeanColour, write_patches
from streamlit.testing.v1 import AppTest

from explorer import pipeline, settings
from explorer.app.shared import cache, job_requests
from explorer.app.ui import score_charts
from explorer.collection import Collection
from explorer.errors import ArtifactMissing, CollectionMissing
from explorer.pipeline import Question
from explorer.sources import open_source


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    home = tmp_path / "home"
    monkeypatch.setenv("EXPLORER_HOME", str(home))
    monkeypatch.setattr("explorer.evaluation.probe.MAX_STEPS", 20)
    cache.settings.cache_clear()
    own = settings.read(home=home)
    folder = write_patches(tmp_path / "patches", per_class=20)
    (folder / "LYM").rename(folder / "<b>LYM<")
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    table = pd.DataFrame({"file": files, "patient": [f"P{i % 4}" for i in range(60)], "site": [f"S{i % 2}" for i in range(60)]})
    table["mixed"] = np.random.default_rng(0).permutation([f"m{i % 3}" for i in range(60)])
    table["alone"] = ["a" if i % 4 else "b" for i in range(60)]
    table.to_csv(folder / "labels.csv", index=False)
    collection = pipeline.ingest(open_source(folder), name="c", settings=own)
    pipeline.embed(collection, encoder=MeanColour(), settings=own)
    pipeline.index(collection)
    yield collection
    cache.settings.cache_clear()


def show(**asked: str) -> AppTest:
    test = AppTest.from_string("from explorer.app import frame\nframe.run('evaluate')", default_timeout=120)
    for name, value in {"collection": "c", **asked}.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception, test.exception
    return test


def said(test: AppTest) -> str:
    kinds = (test.markdown, test.caption, test.warning, test.text, test.header)
    return "\n".join([*(element.value for kind in kinds for element in kind), *(each.proto.body for each in test.get("html"))])


def charts(test: AppTest) -> dict[str, Any]:
    """Each chart's figure, by the last but one part of its key."""
    return {each.proto.id.rsplit("evaluate/", 1)[1].split("/")[0]: json.loads(each.proto.spec) for each in test.get("plotly_chart")}


def grid(test: AppTest) -> list[dict[str, Any]]:
    for each in test.get("bidi_component"):
        if "cards" in (data := json.loads(each.proto.json)):
            return list(data["cards"])
    return []


def test_without_a_report_the_page_offers_the_measurements(opened: Collection) -> None:
    test = show()
    assert "Nothing has been measured yet." in [heading.value for heading in test.header]
    assert test.radio(key="evaluate/protocol").options == ["Retrieval", "Nearest neighbours", "Linear probe", "Site bias"]
    assert test.selectbox(key="evaluate/label").options == ["label", "patient", "site", "mixed", "alone"]
    assert test.selectbox(key="evaluate/group").options[0] == "as usual: patient"
    assert "3 classes in 60 patches" in said(test).replace("\\", "")


def test_a_report_is_shown_and_kept_in_the_address(opened: Collection) -> None:
    older = pipeline.evaluate(opened, Question("retrieval", label="mixed"))
    pipeline.evaluate(opened, Question("retrieval", label="mixed", seed=1))
    newest = pipeline.read_report(opened.artifacts("reports")[0])
    shown = show()
    assert f"{newest.value.value:.3f}" in said(shown).replace("\\", "")
    assert f"{newest.naive:.3f}" in said(shown).replace("\\", "")
    asked = show(report=older.key)
    assert asked.selectbox(key="evaluate/shown/c/mean-colour").value == older.key
    assert pipeline.read_report(older).results.retrieval.protocol["sha256"] in said(asked)


@pytest.mark.parametrize(
    ("question", "drawn"),
    [
        (Question("retrieval", label="mixed"), {"line", "classes", "confusion", "k"}),
        (Question("knn", label="mixed"), {"line", "classes", "confusion", "k", "shots"}),
        (Question("linear", label="mixed"), {"line", "classes", "confusion"}),
        (Question("site-bias", label="mixed", site="site"), {"line", "site-bias", "kinds"}),
    ],
)
def test_each_protocol_has_its_charts_and_misclassified_patches(opened: Collection, question: Question, drawn: set[str]) -> None:
    document = pipeline.read_report(pipeline.evaluate(opened, question))
    test = show()
    found = charts(test)
    assert set(found) == drawn
    line = found["line"]
    assert line["data"][0]["x"] == [document.value.value]
    ticks = {each["text"] for each in line["layout"]["annotations"]}
    assert {
        f"Chance {document.baselines[0].score.value:.3f}",
        f"Colour histogram of the thumbnails {document.baselines[1].score.value:.3f}",
    } <= ticks
    wrong = [(each.row, each.truth, f"named {each.named}") for each in document.mistakes]
    assert [(card["row"], card["label"], card["patient"]) for card in grid(test)] == wrong
    assert bool(wrong) == (question.protocol != "site-bias")
    assert "<b>" not in json.dumps(found)


def test_labels_are_text_in_charts_and_tables(opened: Collection) -> None:
    pipeline.evaluate(opened, Question("retrieval"))
    test = show()
    assert "&lt;b&gt;LYM&lt;" in json.dumps(charts(test)["confusion"]["layout"])
    assert "&lt;b&gt;LYM&lt;" in said(test)
    assert "<b>LYM" not in said(test)


def test_chart_labels_are_shortened_and_escaped() -> None:
    assert score_charts.plain("x" * 60) == "x" * 43 + "…"
    assert score_charts.plain("<i>") == "&lt;i&gt;"


def test_a_measurement_starts_the_command_shown_beside_it(opened: Collection) -> None:
    asked = job_requests.Evaluate(
        name="c", protocol="leak", leave_out=("LYM",), where=("age>=50",), k=3, label="label", site="-s", encoder="mean-colour"
    )
    assert asked.command() == [
        "evaluate", "--leave-out", "LYM", "--where", "age>=50", "--encoder", "mean-colour", "--label", "label", "--site", "-s",
        "-k", "3", "--seed", "0", "--", "c", "site-bias",
    ]  # fmt: skip
    with pytest.raises(ArtifactMissing):
        job_requests.Evaluate(name="c", protocol="knn", encoder="descriptor").command()
    with pytest.raises(CollectionMissing):
        job_requests.Evaluate(name="c", protocol="knn", train="gone").command()


@pytest.mark.parametrize("protocol", ["retrieval", "knn", "linear", "site-bias"])
def test_the_button_starts_that_job(opened: Collection, monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    started: list[job_requests.Evaluate] = []
    monkeypatch.setattr(job_requests, "start", started.append)
    test = show(measure=protocol, label="mixed", group="patient", site="site")
    test.button(key="evaluate/start").click().run()
    assert not test.exception
    site = "site" if protocol == "site-bias" else None
    assert [(job.protocol, job.label, job.group, job.site, job.train) for job in started] == [(protocol, "mixed", "patient", site, None)]


@pytest.mark.parametrize(
    ("protocol", "label", "words"),
    [
        (
            "retrieval",
            "alone",
            "1 class with 15 rows ('b') lies in one patient only, so nothing of it could be found elsewhere",
        ),
        ("knn", "alone", "1 class with 15 rows ('b') lies in fewer than the 2 groups"),
        ("linear", "alone", "1 class with 15 rows ('b') lies in fewer than the 3 groups"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_runs(
    opened: Collection, monkeypatch: pytest.MonkeyPatch, protocol: str, label: str, words: str
) -> None:
    monkeypatch.setattr(job_requests, "start", lambda _: pytest.fail("a job was started"))
    test = show(measure=protocol, label=label)
    test.button(key="evaluate/start").click().run()
    assert words in said(test)


def test_a_new_report_is_shown_when_it_comes(opened: Collection) -> None:
    pipeline.evaluate(opened, Question("retrieval", label="mixed"))
    test = show()
    newer = pipeline.evaluate(opened, Question("retrieval"))
    test.run()
    assert not test.exception
    assert test.selectbox(key="evaluate/shown/c/mean-colour").value == newer.key


def test_labels_given_by_people_can_be_chosen_and_measured(opened: Collection) -> None:
    opened.annotations.add("label", "tumour", range(20))
    opened.annotations.add("label", "stroma", range(20, 60))
    test = show(label="label_by_people")
    assert test.selectbox(key="evaluate/label").value == "label_by_people"
    assert "2 classes in 60 patches" in said(test)
    pipeline.check_question(opened, Question("retrieval", label="label_by_people"))
