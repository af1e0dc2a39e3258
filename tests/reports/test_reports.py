"""Evaluation reports: the same after JSON, hostile names stay text, and a new protocol in one place reaches every reader."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from evaluation_reports import format_4, site_bias_report
from fakes import MeanColour, write_patches
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer import pipeline
from explorer import settings as settings_table
from explorer.cli import main
from explorer.collection import Collection
from explorer.errors import ArtifactDamaged
from explorer.evaluation import Estimate, FewShotReport, KnnReport, Mistake, RetrievalReport
from explorer.evaluation.knn import Scores, Shot
from explorer.evaluation.retrieval import RetrievalAt
from explorer.pipeline import PROTOCOLS, Question
from explorer.pipeline.evaluate.protocols import shown
from explorer.pipeline.evaluate.protocols.base import Column, Finding, IndexFacts, Protocol, Subject
from explorer.pipeline.evaluate.protocols.base import Question as Columns
from explorer.pipeline.evaluate.protocols.knn import KnnResults
from explorer.pipeline.evaluate.protocols.retrieval import RetrievalResults
from explorer.pipeline.evaluate.protocols.site_bias import ClusterResults
from explorer.reports.document import Baseline, EvaluationReport, SplitFacts, read, to_json
from explorer.reports.html import report_details, report_html
from explorer.reports.sections import Bars, Confusion, Curves, Section, Shown, facts, table
from explorer.sources import open_source

HOSTILE = "<img src=x onerror=alert(1)>\"'</style><script>alert(2)</script>{{ 7*7 }}"

# -- the same after JSON

names = st.text(max_size=6)
numbers = st.floats(allow_infinity=False, width=64) | st.just(math.nan)
estimates = st.builds(Estimate, numbers, numbers, numbers)
counts = st.lists(st.lists(st.integers(0, 99), max_size=3).map(tuple), max_size=3).map(tuple)
protocols = st.dictionaries(
    names, names | st.integers(-9, 9) | st.booleans() | st.lists(st.integers(0, 9), max_size=3).map(tuple), max_size=3
)
by_name = st.dictionaries(names, estimates, max_size=2)
some_rows = st.dictionaries(names, st.integers(0, 99), max_size=2)
scores = st.builds(Scores, estimates, by_name, counts)
classes = st.lists(names, max_size=3).map(tuple)
at_k = st.builds(RetrievalAt, st.integers(1, 9), by_name, st.dictionaries(names, numbers, max_size=2), by_name,
                 st.dictionaries(names, numbers, max_size=2), st.dictionaries(names, by_name, max_size=2), counts)  # fmt: skip
retrieval_results = st.builds(
    RetrievalResults,
    st.builds(RetrievalReport, at=st.lists(at_k, max_size=2).map(tuple), classes=classes, class_sizes=some_rows, dropped=some_rows,
              protocol=protocols, sentence=names, seconds=numbers, left_out=some_rows, reduced=names),
    st.none() | st.builds(IndexFacts, names, numbers, st.dictionaries(names, numbers, max_size=2), st.integers(0, 9)),
)  # fmt: skip
knn_results = st.builds(
    KnnResults,
    st.builds(KnnReport, knn=st.dictionaries(st.integers(1, 50), scores, max_size=3), prototype=scores, chance=numbers, classes=classes,
              n=some_rows, dropped=some_rows, n_groups=st.integers(0, 9), protocol=protocols),
    st.builds(FewShotReport, curve=st.lists(st.builds(Shot, st.integers(1, 9), estimates, st.lists(numbers, max_size=2).map(tuple)),
              max_size=2).map(tuple), left_out=names, chance=numbers, classes=classes, n=some_rows, dropped=some_rows, protocol=protocols),
)  # fmt: skip


def report(**given: Any) -> EvaluationReport[Any]:
    base = site_bias_report(follows="site", sentence="s", label="label", site="site", value=0.2)
    return replace(base, **given)


@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")  # the type checker samples items of lists
@settings(max_examples=60)
@given(st.data(), estimates, st.lists(names, max_size=2).map(tuple), st.none() | st.builds(SplitFacts, names, some_rows, names))
def test_a_report_is_the_same_after_json(data: st.DataObject, value: Estimate, words: tuple[str, ...], split: SplitFacts | None) -> None:
    results, kind = data.draw(st.sampled_from([(retrieval_results, RetrievalResults), (knn_results, KnnResults)]))
    made = report(
        results=data.draw(results),
        careless=data.draw(st.none() | results),
        value=value,
        sentences=words,
        split=split,
        baselines=tuple(Baseline(word, word, value) for word in words),
        mistakes=tuple(Mistake(3, word, word, 0.5) for word in words),
    )
    again = read(json.loads(json.dumps(to_json(made), allow_nan=False)), kind, where="here")
    assert repr(again) == repr(made)
    assert type(again.results) is kind


@pytest.mark.parametrize("value", [0.25, None])
def test_a_report_of_format_4_is_read(value: float | None) -> None:
    made = site_bias_report(follows="site", sentence="Neighbours follow the site.", label="label", site="site", value=value)
    old = format_4(made)
    old["sentences"] = ["Leak possible: no patients.", *old["sentences"]]
    found = read(old, type(made.results), where="here")
    assert repr(replace(found, format=5, warnings=())) == repr(made)
    assert found.warnings == ("Leak possible: no patients.",)


@pytest.mark.parametrize("change", [{"value": 3}, {"results": None}, {"baselines": [{}]}, {"seed": "x"}])
def test_a_damaged_report_is_one_sentence(change: dict[str, Any]) -> None:
    document = to_json(report()) | change
    with pytest.raises(ArtifactDamaged, match=r"^here is not a report .* evaluate again\.$"):
        read(document, type(report().results), where="here")


# -- hostile names


def hostile_sections() -> tuple[Section, ...]:
    score = {HOSTILE: Estimate(0.5, 0.4, 0.6), "unknown" + HOSTILE: Estimate(math.nan)}
    return (
        Bars("bars", HOSTILE, score, 0.5, HOSTILE),
        Confusion("confusion", HOSTILE, (HOSTILE, "b"), ((1, 2), (3, 4)), HOSTILE),
        Curves(
            "curves",
            HOSTILE,
            HOSTILE,
            {HOSTILE: ((1, Estimate(0.5)), (10, Estimate(0.6, 0.5, 0.7)))},
            0.3,
            {HOSTILE + "2": ((1, 0.2),)},
            HOSTILE,
        ),
        table("table", HOSTILE, [HOSTILE, HOSTILE], [[HOSTILE, HOSTILE]], note=HOSTILE),
        facts("facts", HOSTILE, {HOSTILE: HOSTILE}),
    )


def test_hostile_names_stay_text_in_the_page() -> None:
    made = report(
        collection=HOSTILE, encoder=HOSTILE, train=HOSTILE, label=HOSTILE, group=HOSTILE, groups=3, site=HOSTILE, score=HOSTILE,
        sentences=(HOSTILE,), warnings=(HOSTILE,), baselines=(Baseline(HOSTILE, HOSTILE, Estimate(0.5)),), baselines_missing=(HOSTILE,),
        mistakes=(Mistake(0, HOSTILE, HOSTILE, 0.5),), left_out={HOSTILE: 3}, versions={HOSTILE: HOSTILE}, naive=0.7,
        split=SplitFacts(HOSTILE, {HOSTILE: 1}),
    )  # fmt: skip
    made = replace(made, selection=replace(made.selection, where={HOSTILE: HOSTILE}, leave_out=(HOSTILE,)))
    view = Shown(HOSTILE, HOSTILE, (HOSTILE,), hostile_sections())
    for page in (report_html(made, view, {0: b"jpeg"}), report_details(made, view)):
        assert "<script" not in page and "<img src=x" not in page and "49" not in page.split("<h2>")[0].split("</style>")[1][:200]
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
        assert "{{ 7*7 }}" in page
        assert page.count("</style>") == 1


def test_every_kind_of_section_has_a_template() -> None:
    kinds = {each.kind for each in hostile_sections()}
    folder = Path(pipeline.__file__).parents[1] / "reports" / "templates" / "sections"
    assert {path.stem for path in folder.glob("*.html")} == kinds == {each.kind for each in Section.__subclasses__()}


# -- a protocol in one place


def toy_run(question: Columns, subject: Subject) -> Finding[ClusterResults]:
    """The share of rows of the largest class."""
    share = float(question.part.label.value_counts(normalize=True).max())
    zero = Estimate(0.0, 0.0, 0.0)
    found = ClusterResults(Estimate(share), zero, zero, "A toy sentence.", len(subject.vectors), 0, {}, {}, "toy")
    return Finding("Toy share", Estimate(share, share / 2, 1.0), 0.25, found, sentences=("A toy sentence.",))


TOY = Protocol(
    name="toy",
    title="Toy protocol",
    asks="How large is the largest class?",
    explained="The share of the largest class.",
    run=toy_run,
    results=ClusterResults,
    sections=lambda report: [
        Bars("toy", "Toy bars", {HOSTILE: report.results.ari_label}),
        facts("more", "Toy facts", {"n": report.results.n}),
    ],
    columns=lambda report: [Column("toy share", report.value, 0.25, headline=True, help="A toy.")],
    asked_first=True,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reports")
    folder = write_patches(root / "patches", per_class=6)
    own = settings_table.read(home=root / "home", threads=1)
    collection = pipeline.ingest(open_source(folder), name="c", settings=own)
    pipeline.embed(collection, encoder=MeanColour(), settings=own)
    return root / "home"


def test_a_protocol_added_to_the_table_reaches_every_reader(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROTOCOLS, "toy", TOY)
    call = ["--home", str(home), "evaluate", "c", "toy", "--no-baselines"]
    result = CliRunner().invoke(main, call, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    assert "Toy share of 'label' in c" in result.stdout and "A toy sentence." in result.stdout
    collection = Collection(home / "c")
    (artifact,) = pipeline.reports(collection, protocol="toy")
    found = pipeline.read_report(artifact)
    assert type(found.results) is ClusterResults and found.value.value == pytest.approx(1 / 3)
    assert [each.name for each in found.baselines] == ["chance", "colour"]
    page = (artifact.path / "report.html").read_text(encoding="utf-8")
    assert "Toy protocol: label in c" in page and "Toy bars" in page and "&lt;img src=x" in page
    (score,) = [each for each in pipeline.scores([collection]) if each.measure.protocol == "toy"]
    assert (score.measure.title, score.value, score.chance, score.measure.headline) == ("toy share", pytest.approx(1 / 3), 0.25, True)
    assert "toy" not in {gap.protocol for gap in pipeline.gaps([collection], pipeline.scores([collection]))}
    assert shown(found).title == "Toy protocol"
    assert "toy" in CliRunner().invoke(main, ["evaluate", "--help"]).stdout


def test_the_old_name_of_site_bias_is_understood_but_not_offered(home: Path) -> None:
    result = CliRunner().invoke(main, ["--home", str(home), "evaluate", "c", "leak"])
    assert "has no site, scanner, slide or patient column" in result.stderr
    shown_help = CliRunner().invoke(main, ["evaluate", "--help"]).stdout
    assert "site-bias" in shown_help and "leak" not in shown_help.replace("--leave-out", "")
    unknown = CliRunner().invoke(main, ["--home", str(home), "evaluate", "c", "nonsense"])
    assert unknown.exit_code == 2 and "choose one of retrieval, knn, linear, site-bias" in " ".join(unknown.stderr.split())


# -- small and lopsided data


def tiny(root: Path, labels: list[str], *, same: set[int] = frozenset(), patients: list[str] | None = None) -> Path:  # type: ignore[assignment]
    """A collection ``t`` with these labels; rows in ``same`` are copies of the first of them. Returns its home."""
    from PIL import Image

    folder = root / "tiny"
    folder.mkdir()
    for i, _ in enumerate(labels):
        picture = np.random.default_rng(min(same) if i in same else i).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(picture).save(folder / f"{i:03d}.png")
    columns: dict[str, Any] = {"file": [f"{i:03d}.png" for i in range(len(labels))], "label": labels}
    pd.DataFrame(columns | ({"patient": patients} if patients else {})).to_csv(folder / "labels.csv", index=False)
    own = settings_table.read(home=root / "home", threads=1)
    collection = pipeline.ingest(open_source(folder), name="t", settings=own)
    pipeline.embed(collection, encoder=MeanColour(), settings=own)
    return root / "home"


def evaluated(home: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["--home", str(home), "evaluate", "t", *arguments, "--no-baselines"], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("protocol", ["retrieval", "knn"])
def test_five_pictures_are_evaluated_with_a_smaller_k_and_that_is_said(tmp_path: Path, protocol: str) -> None:
    home = tiny(tmp_path, ["a", "a", "b", "b", "b"])
    assert "so k is" in evaluated(home, protocol)
    assert "so k is" not in evaluated(home, protocol, "-k", "1")


@pytest.mark.parametrize("protocol", ["retrieval", "knn", "linear"])
def test_a_rare_class_is_left_out_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    monkeypatch.setattr("explorer.evaluation.probe.MAX_STEPS", 20)
    home = tiny(tmp_path, [*["a"] * 8, *["b"] * 8, "rare", "rarer"])
    said = evaluated(home, protocol)
    assert "2 classes with 2 rows ('rare', 'rarer') were left out, because too few rows hold them." in said
    artifact = pipeline.reports(Collection(home / "t"))[0]
    assert pipeline.read_report(artifact).left_out == {"rare": 1, "rarer": 1}
    assert "Left out, class rare" in (artifact.path / "report.html").read_text(encoding="utf-8")


def test_classes_and_rows_are_left_out_on_request_and_stand_on_lines_of_their_own(tmp_path: Path) -> None:
    home = tiny(tmp_path, [*["a"] * 6, *["b"] * 6, *["c"] * 6], patients=[f"p{i % 3}" for i in range(18)])
    evaluated(home, "retrieval")
    evaluated(home, "retrieval", "--leave-out", "c")
    said = evaluated(home, "retrieval", "--where", "label=a", "--where", "label=b")
    collection = Collection(home / "t")
    rows = {score.line.rows: score.value for score in pipeline.scores([collection]) if score.measure.score == "MV@3"}
    assert set(rows) == {(), ("--leave-out", "c"), ("--where", "label=a", "--where", "label=b")}
    assert rows["--leave-out", "c"] == rows["--where", "label=a", "--where", "label=b"], "the same rows by two ways"
    assert "MV@" in said
    assert all(mistake.truth in "ab" for mistake in pipeline.read_report(pipeline.reports(collection)[0]).mistakes)
    for mistake in pipeline.read_report(pipeline.reports(collection)[0]).mistakes:
        assert collection.items["label"].iloc[mistake.row] == mistake.truth


def test_copies_that_count_once_are_said(tmp_path: Path) -> None:
    home = tiny(tmp_path, [*["a"] * 12, *["b"] * 12], same=set(range(2, 12)))
    assert "24 labelled rows, 15 after leaving out exact copies, which count once." in evaluated(home, "retrieval")


def test_an_evaluation_of_one_class_names_why(tmp_path: Path) -> None:
    home = tiny(tmp_path, ["a", *["b"] * 8])
    result = CliRunner().invoke(main, ["--home", str(home), "evaluate", "t", "knn"])
    assert result.exit_code == 1
    assert "1 class with 1 row ('a') lies in fewer than the 2 rows" in result.stderr
    assert len(result.stderr) < 300


def test_a_question_with_other_rows_is_another_report(tmp_path: Path) -> None:
    home = tiny(tmp_path, [*["a"] * 6, *["b"] * 6, *["c"] * 6])
    collection = Collection(home / "t")
    others = ({}, {"leave_out": ("c",)}, {"where": {"label": ["a", "b"]}}, {"k": 2})
    questions = [Question("retrieval", **given) for given in others]  # type: ignore[arg-type]
    assert len({pipeline.evaluate(collection, question).key for question in questions}) == 4
