"""The leaderboard holds the numbers of the reports, each question on its own line; gaps are commands; encoders side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from fakes import CLASSES, MeanColour
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from explorer import pipeline, settings
from explorer.cli import main
from explorer.collection import Collection, open_collection
from explorer.errors import InputError
from explorer.evaluation import Estimate, OverlapReport, neighbour_overlap
from explorer.pipeline import Question, gaps, least_agreed, overlap, scores, shared_hits
from explorer.search import Facts, Hit, Query, SearchResult
from explorer.sources import open_source


class RedOnly(MeanColour):
    """Another encoder: sees the red channel only."""

    name = "red-only"

    def encode(self, batch: Any) -> Any:
        found = super().encode(batch)
        found[:, 4:] = 0.1
        return found


def make(home: Path, name: str, *, seed: int = 0) -> Collection:
    """Four patients from two sites, three classes, told by colour."""
    random = np.random.default_rng(seed)
    folder = home.parent / f"pictures-{name}"
    folder.mkdir(parents=True)
    rows = []
    for number in range(72):
        patient, label = number % 4, number // 4 % 3
        pixels = np.clip(150 + 30 * np.eye(3)[label] + 8 * patient + random.normal(0, 12, (16, 16, 3)), 0, 255).astype(np.uint8)
        Pillow.fromarray(pixels).save(folder / f"{number:02d}.png")
        rows.append({"file": f"{number:02d}.png", "label": CLASSES[label], "patient": f"p{patient}", "site": f"s{patient % 2}"})
    table = pd.DataFrame(rows)
    table["grade"] = random.permutation(table["label"])
    table.to_csv(folder / "labels.csv", index=False)
    own = settings.read(home=home, threads=1)
    collection = pipeline.ingest(open_source(folder), name=name, settings=own)
    for encoder in (MeanColour(), RedOnly()):
        pipeline.embed(collection, encoder=encoder, settings=own)
        pipeline.index(collection, encoder=encoder.name)
    return collection


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("compare") / "home"
    collection = make(home, "c")
    pipeline.evaluate(collection, Question("retrieval", encoder="mean-colour", seed=1))
    pipeline.evaluate(collection, Question("retrieval", encoder="mean-colour"))
    pipeline.evaluate(collection, Question("retrieval", encoder="red-only"))
    pipeline.evaluate(collection, Question("retrieval", label="grade", encoder="mean-colour"))
    pipeline.evaluate(collection, Question("knn", group="site", encoder="mean-colour"))
    pipeline.evaluate(collection, Question("site-bias", encoder="mean-colour"))
    return home


@pytest.fixture
def collection(home: Path) -> Collection:
    return open_collection("c", home=home)


def call(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), "compare", *arguments], catch_exceptions=False)


# -- the table


def test_every_number_equals_that_of_its_report(collection: Collection) -> None:
    found = scores([collection])
    documents = {made.key: pipeline.read_report(made) for made in collection.artifacts("reports")}
    for score in found:
        document = documents[score.report]
        assert (score.line.encoder, score.line.label, score.line.group) == (document.encoder, document.label, document.group)
        assert score.measure.protocol == document.protocol and score.seed == document.seed
    heads = {(each.line.label, each.line.encoder): each for each in found if each.measure.score == "MV@10"}
    for (label, encoder), each in heads.items():
        document = documents[each.report]
        assert (each.value, each.low, each.high) == (document.value.value, document.value.low, document.value.high), (label, encoder)
        assert each.chance == document.baselines[0].score.value
    headlines = {score.measure.score for score in found if score.measure.headline}
    assert headlines == {"MV@10", "mAP@10", "kNN, k = 5", "robustness index"}


def test_numbers_of_other_questions_stand_on_other_lines(collection: Collection) -> None:
    found = scores([collection])
    lines = {(each.line.encoder, each.line.label, each.line.group) for each in found}
    asked = {(encoder, "label", "patient") for encoder in ("mean-colour", "red-only")}
    assert lines == asked | {("mean-colour", "grade", "patient"), ("mean-colour", "label", "site")}
    assert {each.measure.site for each in found if each.measure.protocol == "site-bias"} == {"site"}
    assert len({(each.line, each.measure) for each in found}) == len(found), "one number a cell"


def test_of_several_seeds_the_newest_report_is_shown(collection: Collection) -> None:
    shown = {each.seed for each in scores([collection]) if each.line.encoder == "mean-colour" and each.measure.protocol == "retrieval"}
    assert shown == {0}


def test_an_older_embedding_by_the_same_encoder_is_another_line(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = make(home, "c")
    first = made.embedding("mean-colour")
    pipeline.evaluate(made, Question("retrieval", encoder="mean-colour"))
    own = settings.read(home=home, threads=1)
    pipeline.embed(made, encoder=MeanColour(version=2), settings=own)
    (line,) = {each.line for each in scores([made])}
    assert line.version == first.key[:8]
    assert gap_of(made, "mean-colour", "retrieval"), "the newer one is yet to be measured"


def gap_of(made: Collection, encoder: str, protocol: str) -> list[pipeline.Gap]:
    return [gap for gap in gaps([made], scores([made])) if (gap.line.encoder, gap.protocol) == (encoder, protocol)]


def test_the_command_of_a_missing_measurement_fills_the_gap(home: Path, tmp_path: Path) -> None:
    made = make(tmp_path / "home", "c")
    pipeline.evaluate(made, Question("site-bias", encoder="mean-colour"))
    missing = gaps([made], scores([made]))
    asked = {(gap.line.encoder, gap.protocol, gap.site) for gap in missing}
    first = {(encoder, protocol, None) for encoder in ("mean-colour", "red-only") for protocol in ("retrieval", "knn", "linear")}
    assert asked == {*first, ("red-only", "site-bias", "site")}
    for gap in missing:
        if gap.protocol != "linear":
            typed = CliRunner().invoke(main, ["--home", str(tmp_path / "home"), *gap.command()[1:]], catch_exceptions=False)
            assert typed.exit_code == 0, typed.stderr
    again = open_collection("c", home=tmp_path / "home")
    assert {gap.protocol for gap in gaps([again], scores([again]))} == {"linear"}


def test_without_labels_nothing_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "flat"
    folder.mkdir()
    for number in range(6):
        Pillow.fromarray(np.random.default_rng(number).integers(0, 255, (16, 16, 3), np.uint8)).save(folder / f"{number}.png")
    own = settings.read(home=tmp_path / "home", threads=1)
    made = pipeline.ingest(open_source(folder), name="flat", settings=own)
    pipeline.embed(made, encoder=MeanColour(), settings=own)
    assert gaps([made], scores([made])) == []


# -- neighbours


def test_overlap_is_of_the_stored_graphs_and_draws_patients(collection: Collection) -> None:
    found = overlap(collection, "mean-colour", "red-only", k=5)
    wanted = neighbour_overlap(collection.embedding("mean-colour").graph, collection.embedding("red-only").graph, k=5)
    assert found.per_row.tolist() == wanted.tolist()
    assert found.n_groups == 4 and "patients" in found.protocol["interval"]
    with pytest.raises(InputError, match="k is 31"):
        overlap(collection, "mean-colour", "red-only", k=31)


@given(shared=st.lists(st.integers(0, 3), min_size=2, max_size=40), n=st.integers(1, 45))
def test_least_agreed_rows_come_first_and_ties_are_sampled_evenly(shared: list[int], n: int) -> None:
    shares = (np.array(shared) / 3).astype(np.float32)
    report = OverlapReport(Estimate(0.0, 0.0, 0.0), 0.0, np.bincount(shared, minlength=4), shares, len(shared), 0, "", {})
    found = least_agreed(report, n)
    assert len(found) == len(set(found)) == min(n, len(shared))
    assert [shares[row] for row in found] == sorted(shares)[:n]


def test_shared_hits_are_those_of_more_than_one() -> None:
    def answer(*rows: int) -> SearchResult:
        return SearchResult("c", "e", "k", Query(), Facts(), [Hit(1, row, "", "", 0.5, None) for row in rows], 0.0)

    assert shared_hits([answer(1, 2, 3), answer(2, 3, 4), answer(3, 9)]) == {2: 2, 3: 3}
    assert shared_hits([answer(1, 2)]) == {}


# -- the command


def test_the_command_prints_table_overlap_and_answers(home: Path, collection: Collection, tmp_path: Path) -> None:
    files = ["--csv", str(tmp_path / "scores.csv"), "--per-row", str(tmp_path / "rows.csv")]
    result = call(home, "c", "--row", "3", "-k", "4", "--least", "2", *files, "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["scores"] == [score.to_json() for score in scores([collection])]
    assert len(pd.read_csv(tmp_path / "scores.csv")) == len(document["scores"])
    assert ["explorer", "evaluate", "c", "linear", "--label", "label", "--group", "patient", "--encoder", "red-only"] in [
        gap["command"] for gap in document["missing"]
    ]
    (agreement,) = document["overlap"]
    found = overlap(collection, *agreement["encoders"], k=4)
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert rows["share"].to_list() == pytest.approx(found.per_row.tolist()) and rows["id"].to_list() == collection.items["id"].to_list()
    assert agreement["mean"]["value"] == pytest.approx(found.mean.value) and "per_row" not in agreement
    assert [one["row"] for one in agreement["least_agreed"]] == least_agreed(found, 2)
    (query,) = document["query"]
    hits = {answer["encoder"]: [hit["row"] for hit in answer["hits"]] for answer in query["answers"]}
    assert hits == {name: [hit.row for hit in collection.search(row=3, k=4, encoder=name).hits] for name in ("red-only", "mean-colour")}
    both = set(hits["red-only"]) & set(hits["mean-colour"])
    assert {hit["row"] for answer in query["answers"] for hit in answer["hits"] if hit["shared"]} == both
    assert all(3 not in rows for rows in hits.values()), "a row does not answer its own query"


def test_the_compare_command_prints_readable_tables(home: Path) -> None:
    result = call(home, "c", "--row", "3")
    assert "MV@10" in result.stdout and "robustness index (site)" in result.stdout
    assert "overlap@10" in result.stdout and "agreed on least: rows" in result.stdout
    assert "explorer evaluate c linear --label label --group patient --encoder red-only" in result.stderr


def test_one_encoder_alone_gives_no_overlap_and_no_shared_hits(home: Path) -> None:
    document = json.loads(call(home, "c", "--encoder", "red-only", "--json").stdout)
    assert document["overlap"] == document["query"] == []
    assert {score["encoder"] for score in document["scores"]} == {gap["encoder"] for gap in document["missing"]} == {"red-only"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["gone"], 1, "no collection 'gone'"),
        (["c", "--encoder", "virchow"], 1, "no embedding by virchow"),
        (["c", "--image", "gone.png"], 1, "There is no file gone.png"),
        (["c", "--row", "99"], 1, "Row 99 is not in 'c'"),
        (["c", "--row", "1", "--row", "2", "--region", "0,0,1,1"], 2, "exactly one --row or --image"),
        ([], 2, "NAME"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(home: Path, arguments: list[str], code: int, said: str) -> None:
    result = call(home, *arguments)
    assert result.exit_code == code
    assert said in result.stderr


def test_an_encoder_without_neighbours_leaves_the_table(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = make(home, "c")
    pipeline.embed(made, encoder=MeanColour(version=2), settings=settings.read(home=home, threads=1))
    result = call(home, "c")
    assert result.exit_code == 0
    assert "run 'explorer index c --encoder mean-colour'" in result.stderr


def test_a_collections_own_split_is_another_column_than_folds(tmp_path: Path) -> None:
    home = tmp_path / "home"
    folded = make(home, "c")
    folder = tmp_path / "pictures-c"
    table = pd.read_csv(folder / "labels.csv")
    ways = {}
    for name, parts in (("tested", ("train", "train", "val", "test")), ("judged", ("train", "train", "train", "val"))):
        table.assign(split=[parts[number % 4] for number in range(len(table))]).to_csv(folder / "labels.csv", index=False)
        own = settings.read(home=home, threads=1)
        made = pipeline.ingest(open_source(folder), name=name, settings=own)
        pipeline.embed(made, encoder=MeanColour(), settings=own)
        pipeline.evaluate(made, Question("knn"))
        ways[name] = {score.measure.way for score in scores([made])}
    pipeline.evaluate(folded, Question("knn"))
    assert ways | {"c": {score.measure.way for score in scores([folded])}} == {
        "c": {""}, "tested": {"own split"}, "judged": {"own split, val judged"}
    }  # fmt: skip
