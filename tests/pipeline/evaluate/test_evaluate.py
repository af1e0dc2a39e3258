"""The verb ``evaluate``: its numbers, splits that keep patients apart, baselines, the HTML page and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from fakes import MeanColour
from PIL import Image as Pillow

from explorer import evaluation
from explorer import settings as settings_table
from explorer.cli import main
from explorer.collection import Collection, Embedding, open_collection
from explorer.errors import ArtifactMissing, InputError
from explorer.pipeline import Question, check_question, cluster, embed, evaluate, index, ingest, read_report
from explorer.pipeline.evaluate.protocols import shown
from explorer.pipeline.evaluate.protocols.retrieval import RETRIEVAL
from explorer.pipeline.evaluate.protocols.site_bias import SITE_BIAS
from explorer.pipeline.evaluate.splits import Part, split
from explorer.reports.document import EvaluationReport, to_json
from explorer.sources import open_source

HOSTILE = "<script>alert('x')</script>"
CLASSES = (HOSTILE, "STR & co", "LYM")


def make(home: Path, name: str, *, patients: range = range(6), seed: int = 0, drop: tuple[str, ...] = ()) -> Collection:
    """Pictures whose colour differs much between patients and little between classes; four of each class from each patient, two sites."""
    random = np.random.default_rng(seed)
    folder = home.parent / f"pictures-{name}"
    folder.mkdir()
    rows = []
    for patient in patients:
        tint = np.random.default_rng(1000 + patient).uniform(-35, 35, 3)
        for number, label in enumerate(CLASSES):
            for i in range(4):
                file = f"{patient}-{number}-{i}.png"
                colour = 150 + tint + 25 * np.eye(3)[number]
                pixels = np.clip(colour + random.normal(0, 3, (16, 16, 3)) + random.normal(0, 6, 3), 0, 255).astype(np.uint8)
                Pillow.fromarray(pixels).save(folder / file)
                rows.append({"file": file, "label": label, "patient": f"p{patient}", "slide": f"p{patient}-s{i % 2}"})
                rows[-1] |= {"site": f"site {patient % 2}", "one": "same", "gaps": "", "alone": "a" if patient else "b", "number": i}
    table = pd.DataFrame(rows).drop(columns=list(drop))
    table["shuffled"] = random.permutation(table["label"])
    table.to_csv(folder / "labels.csv", index=False)
    settings = settings_table.read(home=home, threads=1)
    collection = ingest(open_source(folder), name=name, settings=settings)
    embed(collection, encoder=MeanColour(), settings=settings)
    index(collection)
    return collection


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("evaluate") / "home"
    cluster(make(home, "c"), method="kmeans", n_clusters=3)
    make(home, "other", patients=range(4, 12), seed=1)
    make(home, "plain", drop=("patient", "slide", "site"))
    return home


@pytest.fixture
def collection(home: Path) -> Collection:
    return open_collection("c", home=home)


@pytest.fixture
def short_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.evaluation.probe.MAX_STEPS", 40)


def asked(collection: Collection, protocol: Any, **given: Any) -> EvaluationReport[Any]:
    train = given.pop("train", None)
    return read_report(evaluate(collection, Question(protocol, **given), train=train))


def call(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), "evaluate", "--no-baselines", *arguments], catch_exceptions=False)


# -- the numbers


def test_retrieval_equals_the_pure_function_with_patients_as_groups(collection: Collection) -> None:
    found = asked(collection, "retrieval")
    by_hand = evaluation.retrieval(np.array(collection.embedding().vectors), collection.items["label"], groups=collection.items["patient"])
    head = by_hand.at[-1]
    assert found.value.value == pytest.approx(head.scores["majority_vote"].value)
    assert found.value.low == pytest.approx(head.scores["majority_vote"].low)
    assert found.naive == pytest.approx(head.naive["majority_vote"])
    assert (found.baselines[0].name, found.baselines[0].score.value) == ("chance", pytest.approx(head.chance["majority_vote"]))
    assert (found.label, found.group, found.site) == ("label", "patient", None)
    assert found.results.retrieval.n_groups == 6
    assert found.naive > found.value.value + 0.1, "patches of one patient were made alike"
    assert "+0." in found.sentences[0]


def test_the_colour_baseline_is_measured_on_the_thumbnails(collection: Collection) -> None:
    from explorer.sources.images import decode

    colours = np.stack([evaluation.colour_histogram(decode(collection.thumbnail(row), name="t")) for row in range(collection.n)])
    by_hand = evaluation.retrieval(colours, collection.items["label"], groups=collection.items["patient"]).at[-1]
    baselines = {each.name: each.score for each in asked(collection, "retrieval").baselines}
    assert baselines["colour"].value == pytest.approx(by_hand.scores["majority_vote"].value)


def test_an_embedding_by_the_descriptor_becomes_a_baseline_of_a_new_report(tmp_path: Path) -> None:
    from explorer import encoders

    made = make(tmp_path / "home", "d", patients=range(4))
    without = asked(made, "retrieval", encoder="mean-colour")
    assert "descriptor" in without.baselines_missing
    embed(made, encoder=encoders.load("descriptor"), settings=settings_table.read(home=tmp_path / "home", threads=1))
    beside = asked(made, "retrieval", encoder="mean-colour")
    itself = asked(made, "retrieval", encoder="descriptor")
    baseline = next(each for each in beside.baselines if each.name == "descriptor")
    assert baseline.score.value == itself.value.value
    assert beside.value == without.value
    assert len(made.artifacts("reports")) == 3
    assert itself.results.index is None


def test_the_command_measures_the_baselines_that_need_no_weights(tmp_path: Path) -> None:
    made = make(tmp_path / "home", "a", patients=range(3))
    arguments = ["--home", str(tmp_path / "home"), "evaluate", "a", "retrieval", "--json"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    shown = json.loads(result.stdout)
    assert [each["name"] for each in shown["baselines"]] == ["chance", "colour", "descriptor", "random-vits16"]
    assert shown["baselines_missing"] == ["dino-vits16"]
    assert all(each["score"]["low"] <= each["score"]["value"] <= each["score"]["high"] for each in shown["baselines"][1:])
    assert (made.encoder_names(), len(made.artifacts("baselines"))) == (["mean-colour"], 3), "a baseline is no model of the collection"
    assert made.verify() == []
    created = {each.key: each.meta["created"] for each in made.artifacts("baselines")}
    asking = call(tmp_path / "home", "a", "knn", "--baselines", "--json", "--group", "slide")
    assert len(json.loads(asking.stdout)["baselines"]) == 4
    assert {each.key: each.meta["created"] for each in made.artifacts("baselines")} == created


def test_baselines_that_older_versions_kept_as_anchors_are_used(tmp_path: Path) -> None:
    from explorer import encoders

    made = make(tmp_path / "home", "a", patients=range(3))
    own = settings_table.read(home=tmp_path / "home", threads=1)
    embed(made, encoder=encoders.load("descriptor"), settings=own, kind="anchors")
    assert "descriptor" in [each.name for each in asked(made, "retrieval", encoder="mean-colour").baselines]


def test_colours_are_computed_once_for_a_collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.pipeline.evaluate import baselines

    made = make(tmp_path / "home", "c", patients=range(3))
    first = asked(made, "retrieval")
    monkeypatch.setattr(baselines, "colour_histogram", lambda _: pytest.fail("colours were computed again"))
    again = asked(made, "retrieval", seed=1)
    assert again.baselines[1].name == "colour" and again.baselines[1].score.value == first.baselines[1].score.value


def test_the_embedding_that_was_asked_about_is_measured_and_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older embedding by the same encoder, asked for by its key, while a newer one is there."""
    made = make(tmp_path / "home", "c", patients=range(3))
    older = made.embedding()
    settings = settings_table.read(home=tmp_path / "home", threads=1)
    newer = embed(made, encoder=MeanColour(version=2), settings=settings)
    index(made, encoder=newer.key)
    indexed: list[str] = []
    own_index = Embedding.index.fget  # type: ignore[attr-defined]

    def watched(self: Embedding) -> Any:
        indexed.append(self.key)
        return own_index(self)

    monkeypatch.setattr(Embedding, "index", property(watched))
    found = asked(made, "retrieval", encoder=older.key)
    assert found.recipe["embedding"] == older.key != newer.key
    assert set(indexed) == {older.key}
    assert found.hashes.vectors_sha256 == older.artifact.meta["files"]["vectors.npy"]["sha256"]


@pytest.mark.usefixtures("short_probe")
@pytest.mark.parametrize("protocol", ["retrieval", "knn", "linear", "site-bias"])
def test_every_protocol_computes_on_the_device_of_the_setting(
    collection: Collection, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    from explorer.evaluation import devices, neighbours, probe

    asked_for: list[str] = []

    def watched(name: str) -> Any:
        asked_for.append(name)
        return devices.computing_device(name)

    monkeypatch.setattr(neighbours, "computing_device", watched)
    monkeypatch.setattr(probe, "computing_device", watched)
    evaluate(collection, Question(protocol, seed=41), device="cpu")
    assert asked_for and set(asked_for) == {"cpu"}


def test_a_device_that_is_not_there_is_refused(collection: Collection) -> None:
    from explorer.errors import DeviceUnavailable

    with pytest.raises(DeviceUnavailable, match="cuda:99 is not on this machine"):
        evaluate(collection, Question("retrieval", seed=42), device="cuda:99")


def test_columns_that_cannot_be_measured_cost_no_baselines(home: Path) -> None:
    arguments = ["--home", str(home), "evaluate", "c", "retrieval", "--label", "one", "--baselines"]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert not (home / "c" / "baselines" / "x").exists() and len(open_collection("c", home=home).artifacts("baselines")) <= 1


def test_shuffled_labels_score_at_chance(collection: Collection) -> None:
    for protocol in ("retrieval", "knn"):
        found = asked(collection, protocol, label="shuffled")
        assert found.value.low - 0.1 <= found.baselines[0].score.value <= found.value.high + 0.1
        assert found.value.value < 0.6


@pytest.mark.usefixtures("short_probe")
@pytest.mark.parametrize("protocol", ["knn", "linear"])
def test_protocols_that_train_are_measured_with_and_without_patients_apart(collection: Collection, protocol: str) -> None:
    found = asked(collection, protocol)
    assert 0 <= found.value.low <= found.value.value <= found.value.high <= 1
    assert found.naive is not None
    assert "patients kept apart" in found.sentences[0]
    own = found.results if protocol == "linear" else found.results.knn
    assert own.n["train"] + own.n.get("val", 0) + own.n["test"] == collection.n
    assert np.sum(own.confusion if protocol == "linear" else own.knn[5].confusion) % own.n["test"] == 0


@pytest.mark.usefixtures("short_probe")
@pytest.mark.parametrize("protocol", ["knn", "linear"])
def test_another_collection_teaches_without_the_patients_that_are_tested(home: Path, collection: Collection, protocol: str) -> None:
    other = open_collection("other", home=home)
    found = asked(collection, protocol, train=other)
    shared = int(other.items["patient"].isin(collection.items["patient"]).sum())
    assert shared == 24
    assert found.split.left_out == {"same picture": 0, "same group": shared}
    own, naive = (each if protocol == "linear" else each.knn for each in (found.results, found.careless))
    assert own.n["test"] == collection.n
    assert own.n["train"] + own.n.get("val", 0) == other.n - shared
    assert naive.n["train"] + naive.n.get("val", 0) == other.n


def test_a_collection_that_shares_every_picture_cannot_teach(collection: Collection) -> None:
    with pytest.raises(InputError, match="Every row to learn from"):
        asked(collection, "knn", train=collection)


def test_site_bias_is_the_number_of_the_pure_function(collection: Collection) -> None:
    found = asked(collection, "site-bias")
    assert (found.label, found.group, found.site) == ("label", "patient", "site")
    by_hand = evaluation.site_bias(
        np.array(collection.embedding().vectors),
        collection.items["label"],
        sites=collection.items["site"],
        groups=collection.items["patient"],
    )
    assert found.value.value == pytest.approx(by_hand.robustness.value)
    assert found.sentences == (by_hand.sentence, by_hand.site_sentence, found.results.clusters.sentence)
    assert found.results.clusters.method == "kmeans"
    assert "ARI" in found.results.clusters.sentence
    by_patient = asked(collection, "site-bias", site="patient")
    assert by_patient.group is None, "a patient's own patches must be found where the patient is the site"
    assert by_patient.results.site_bias.n_groups == 0


def test_without_patients_slides_are_kept_apart_and_without_both_there_is_a_warning(home: Path, tmp_path: Path) -> None:
    plain = asked(open_collection("plain", home=home), "retrieval")
    assert (plain.group, plain.naive) == (None, None)
    assert "Leakage is possible" in plain.warnings[0]
    assert "Leakage is possible" in asked(open_collection("plain", home=home), "knn").warnings[0]
    slides = asked(make(tmp_path / "home", "s", patients=range(3), drop=("patient",)), "retrieval")
    assert slides.group == "slide"
    assert "Leakage is possible: two slides may be of one patient" in slides.sentences[0]


# -- splits


def part(label: list[Any], group: list[Any] | None) -> Part:
    group_column = None if group is None else pd.Series(group, dtype=object)
    return Part(pd.Series(label, dtype=object), group_column, None, pd.Series([str(i) for i in range(len(label))]))


def test_no_patient_is_in_two_parts_except_in_the_careless_comparison() -> None:
    random = np.random.default_rng(0)
    group = random.integers(0, 12, 300)
    label: list[Any] = random.choice(["a", "b"], 300).tolist()
    label[5] = None
    asked_of = part(label, [f"p{each}" for each in group])
    apart = split(asked_of, teacher=None, with_val=True, apart=True, seed=0)
    sides = [set(group[rows]) for rows in (apart.train, apart.val, apart.test)]
    assert all(sides)
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert sorted(np.concatenate([apart.train, apart.val, apart.test])) == [row for row in range(300) if row != 5]
    careless = split(asked_of, teacher=None, with_val=True, apart=False, seed=0)
    assert set(group[careless.train]) & set(group[careless.test])


def test_too_few_patients_for_a_split_are_named() -> None:
    with pytest.raises(InputError, match=r"1 class with 2 rows \('b'\) lies in fewer than the 2 groups"):
        split(part(["a", "a", "b", "b"], ["p", "q", "r", "r"]), teacher=None, with_val=False, apart=True, seed=0)


# -- what is kept


def test_a_report_is_an_artifact_like_all_others(collection: Collection) -> None:
    before = len(collection.artifacts("reports"))
    first = evaluate(collection, Question("retrieval", seed=7))
    again = evaluate(collection, Question("retrieval", group="patient", seed=7))
    assert (first.key, first.meta["created"]) == (again.key, again.meta["created"])
    assert len(collection.artifacts("reports")) == before + 1
    assert set(first.meta["files"]) == {"report.json", "report.html"}
    assert collection.verify() == []
    expected = {"embedding": collection.embedding().key, "protocol": "retrieval", "label": "label", "group": "patient", "seed": 7}
    assert {key: first.recipe[key] for key in expected} == expected
    facts = read_report(first).results.index
    assert facts.recall_at_10 == 1.0
    assert 0 <= facts.latency_ms["p50"] <= facts.latency_ms["p99"]


# -- the page


class Page(HTMLParser):
    """Collects what a browser would fetch or run, and checks that tags close in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.classes: set[str] = set()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.words = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.classes.update(*(str(value).split() for name, value in attrs if name == "class"))
        self.fetched += [str(value) for name, value in attrs if name in ("src", "href", "xlink:href", "data", "action")]
        self.fetched += [name for name, _ in attrs if name.startswith("on")]
        if tag not in ("meta", "img") and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.usefixtures("short_probe")
@pytest.mark.parametrize("protocol", ["retrieval", "knn", "linear", "site-bias"])
def test_the_page_stands_alone_and_says_everything(collection: Collection, protocol: str) -> None:
    artifact = evaluate(collection, Question(protocol, seed=3))  # type: ignore[arg-type]
    source = (artifact.path / "report.html").read_text(encoding="utf-8")
    found, page = read_report(artifact), Page(source)
    assert page.open == []
    assert all(each.startswith("data:image/jpeg;base64,") for each in page.fetched)
    assert len(page.fetched) == len(found.mistakes)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "url(" not in source
    assert "@import" not in source
    if protocol != "site-bias":
        assert HOSTILE in page.words
    for said in (
        f"{found.value.value:.3f}",
        f"{found.value.low:.3f} to {found.value.high:.3f}",
        found.hashes.vectors_sha256,
        found.hashes.items_sha256,
        found.versions["numpy"],
        "mean-colour · 72 rows · 6 different in patient",
        "Chance",
        "Colour histogram",
        "arXiv",
        *found.sentences,
        *[section.title for section in shown(found).sections],
    ):
        assert str(said) in page.words, said
    assert page.classes >= {"report", "scale", "score", "faint" if found.naive is not None else "score"}


# -- the command


def test_the_command_prints_the_document(home: Path, collection: Collection) -> None:
    document = json.loads(call(home, "c", "retrieval", "--label", "label", "--json").stdout)
    assert document["value"] == to_json(asked(collection, "retrieval"))["value"]
    assert Path(document["html"]).is_file()
    said = call(home, "c", "retrieval").stdout
    for words in ("MV@10 of 'label' in c", "mean-colour", "Nothing kept apart", "Chance", "Colour histogram", "report.html"):
        assert words in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["c", "retrieval", "--label", "organ"], "no column 'organ'; it has id, uri, label"),
        (["c", "retrieval", "--label", "one"], "has one class only ('same')"),
        (["c", "retrieval", "--label", "gaps"], "The label column is empty"),
        (["c", "retrieval", "--label", "alone"], "1 class with 12 rows ('b') lies in one patient only"),
        (["c", "retrieval", "--group", "ward"], "no column 'ward'"),
        (["c", "knn", "--label", "alone"], "1 class with 12 rows ('b') lies in fewer than the 2 groups"),
        (["c", "linear", "--label", "alone"], "1 class with 12 rows ('b') lies in fewer than the 3 groups"),
        (["c", "knn", "--label", "one"], "has one class only"),
        (["c", "knn", "--label", "gaps"], "The label column is empty"),
        (["c", "retrieval", "--site", "site"], "A site column is for site-bias"),
        (["c", "retrieval", "--train", "other"], "learns from no rows"),
        (["c", "knn", "--train", "nowhere"], "no collection 'nowhere'"),
        (["c", "site-bias", "--site", "ward"], "no column 'ward'"),
        (["c", "site-bias", "--site", "one"], "one class only"),
        (["plain", "site-bias"], "has no site, scanner, slide or patient column"),
        (["c", "retrieval", "--encoder", "descriptor"], "no embedding by descriptor"),
        (["c", "retrieval", "--leave-out", "gone"], "Column label has no class 'gone' to leave out"),
        (["c", "retrieval", "--leave-out", "LYM", "--leave-out", "STR & co"], "has one class only"),
        (["c", "retrieval", "--where", "number>=9"], "No row is left"),
        (["c", "retrieval", "-k", "72"], "fewer than k = 72"),
        (["c", "knn", "-k", "0"], "k is 0"),
        (["c", "linear", "-k", "5"], "looks at no neighbours"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence_and_never_a_number(home: Path, arguments: list[str], words: str) -> None:
    before = {each.name for each in home.glob("*/reports/[!.]*")}
    result = call(home, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    (said,) = [line for line in result.stderr.splitlines() if line.startswith("explorer: ")]
    assert words in said
    assert {each.name for each in home.glob("*/reports/[!.]*")} == before


def test_the_teacher_needs_the_same_encoder(home: Path, tmp_path: Path) -> None:
    other = make(tmp_path / "home", "v2", patients=range(8, 12))
    made = open_collection("plain", home=home)
    embed(made, encoder=MeanColour(version=2), settings=settings_table.read(home=home, threads=1))
    with pytest.raises(ArtifactMissing, match="explorer embed v2 --encoder mean-colour"):
        asked(made, "knn", train=other)


def test_rows_whose_patient_is_not_known_are_left_out_and_said(tmp_path: Path) -> None:
    made = make(tmp_path / "home", "gaps")
    made.items["patient"] = made.items["patient"].where(made.items["patient"] != "p0", None)
    for protocol in ("retrieval", "knn"):
        sentences = asked(made, protocol).sentences
        assert "12 rows with a label were left out, because their patient is not known." in sentences


def test_a_class_of_copies_is_refused_with_the_rows_that_are_left(tmp_path: Path) -> None:
    for label in "AB":
        (tmp_path / "p" / label).mkdir(parents=True)
        for row in range(6):
            tint = 90 if label == "A" else 90 + row
            Pillow.new("RGB", (16, 16), (tint, 50, 120)).save(tmp_path / "p" / label / f"{row}.png")
    settings = settings_table.read(home=tmp_path / "home", threads=1)
    made = ingest(open_source(tmp_path / "p"), name="c", settings=settings)
    embed(made, encoder=MeanColour(), settings=settings)
    with pytest.raises(InputError, match=r"of 12 rows with a label, 7 are left without exact copies") as caught:
        check_question(made, Question("knn"))
    assert len(str(caught.value)) < 300


def test_what_a_report_lacks_is_advised_with_the_whole_command(collection: Collection) -> None:
    found = asked(collection, "retrieval")
    without = replace(found, results=replace(found.results, index=None))
    assert f"explorer index {collection.name} --encoder mean-colour" in str(list(RETRIEVAL.sections(without)))
    found = asked(collection, "site-bias")
    without = replace(found, results=replace(found.results, clusters=None))
    assert f"explorer cluster {collection.name} --encoder mean-colour" in str(list(SITE_BIAS.sections(without)))


def test_evaluation_of_real_tissue_scores_above_the_colour_baseline(shared_data: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--home", str(tmp_path), "build", str(shared_data / "crc8_kather2016"), "--name", "kather"])
    assert result.exit_code == 0, result.stderr
    found = asked(open_collection("kather", home=tmp_path), "retrieval")
    assert found.value.low > found.baselines[0].score.value
    assert "Leakage is possible" in found.warnings[0]


def test_labels_given_by_people_are_evaluated_and_a_new_label_makes_a_new_report(tmp_path: Path) -> None:
    collection = make(tmp_path / "home", "c")
    half = collection.n // 2
    collection.annotations.add("label", "first", range(half))
    collection.annotations.add("label", "second", range(half, collection.n))
    collection.annotations.add("tag", "sure", range(0, collection.n, 2))
    question = Question("retrieval", label="label_by_people", where={"tags_by_people": "sure"}, k=1)
    artifact = evaluate(collection, question)
    report = read_report(artifact)
    assert report.label == "label_by_people"
    assert sorted(report.results.retrieval.classes) == ["first", "second"]
    assert report.results.retrieval.n + report.copies == collection.n // 2, "only rows with the tag"
    assert evaluate(collection, question).key == artifact.key
    collection.annotations.add("label", "second", [0])
    changed = evaluate(collection, question)
    assert changed.key != artifact.key
    assert read_report(changed).results.retrieval.class_sizes["second"] == report.results.retrieval.class_sizes["second"] + 1
    collection.annotations.undo()
    assert evaluate(collection, question).key == artifact.key, "the same labels again"
    collection.annotations.add("note", "not used", [1])
    assert evaluate(collection, question).key == artifact.key


def test_the_command_evaluates_rows_with_a_label_given_by_people(tmp_path: Path) -> None:
    collection = make(tmp_path / "home", "c")
    collection.annotations.add("decision", "accept", range(0, collection.n, 2))
    options = ["evaluate", "c", "retrieval", "--where", "decision_by_people=accept", "--no-baselines", "-k", "1", "--json"]
    result = CliRunner().invoke(main, ["--home", str(tmp_path / "home"), *options])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["selection"]["where"] == {"decision_by_people": "accept"}
