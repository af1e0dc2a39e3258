"""How rows are split: the collection's own split where it has one, else folds; copies and the order of rows change no number."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fakes import MeanColour
from hypothesis import given as drawn
from hypothesis import strategies as st
from PIL import Image as Pillow

from explorer import settings as settings_table
from explorer.collection import Collection
from explorer.errors import InputError
from explorer.evaluation.counted_rows import alike
from explorer.pipeline import Question, embed, evaluate, ingest, read_report
from explorer.pipeline.evaluate.measure import measure
from explorer.pipeline.evaluate.protocols.base import Protocol
from explorer.pipeline.evaluate.protocols.base import Question as AskedQuestion
from explorer.pipeline.evaluate.protocols.knn import KNN
from explorer.pipeline.evaluate.protocols.retrieval import RETRIEVAL
from explorer.pipeline.evaluate.splits import Part, own_split, split
from explorer.search import allowed_rows
from explorer.sources import open_source


def part(label: list[Any], *, group: list[Any] | None = None, given: list[Any] | None = None, pixels: list[str] | None = None) -> Part:
    def column(values: list[Any] | None) -> pd.Series | None:
        return None if values is None else pd.Series(values, dtype=object)

    words = column(given)
    return Part(
        pd.Series(label, dtype=object),
        column(group),
        None,
        pd.Series(pixels or [f"{i:03d}" for i in range(len(label))]),
        None if words is None else own_split(words),
    )


def rows(found: Any) -> list[list[int]]:
    return [each.tolist() for each in (found.train, found.val, found.test)]


# -- the collection's own split


@pytest.mark.parametrize(
    ("values", "known"),
    [
        (["train", "val", "test", None], ["train", "val", "test", None]),
        (["Training", " VALID ", "testing"], ["train", "val", "test"]),
        (["train", "test", "fold 3"], ["train", "test", None]),
        (["train", "train"], None),
        (["val", "test"], None),
        ([None, None], None),
    ],
)
def test_a_split_column_is_read_in_its_usual_spellings(values: list[Any], known: list[Any] | None) -> None:
    found = own_split(pd.Series(values, dtype=object))
    assert (found if found is None else [None if value != value else value for value in found]) == known


GIVEN = ["train"] * 6 + ["val"] * 4 + ["test"] * 4
LABEL = ["a", "b"] * 7


def test_all_three_parts_are_taken_as_they_are() -> None:
    found = split(part(LABEL, given=GIVEN), teacher=None, with_val=True, apart=True, seed=0)
    assert rows(found) == [[*range(6)], [6, 7, 8, 9], [10, 11, 12, 13]]
    assert (found.left_out, found.selected) == ({"same picture": 0}, False)
    assert "own split" in found.way and "test is judged" in found.way
    assert rows(split(part(LABEL, given=GIVEN), teacher=None, with_val=False, apart=True, seed=0)) == [[*range(6)], [], [10, 11, 12, 13]]


def test_without_test_rows_the_val_rows_are_judged_and_that_is_said() -> None:
    found = split(part(LABEL[:10], given=GIVEN[:10]), teacher=None, with_val=True, apart=True, seed=0)
    assert rows(found) == [[*range(6)], [6, 7, 8, 9], [6, 7, 8, 9]]
    assert found.selected


def test_without_val_rows_a_fold_of_the_train_rows_chooses() -> None:
    given = ["train"] * 10 + ["test"] * 4
    patients = [f"p{i // 2}" for i in range(14)]
    found = split(part(LABEL, given=given, group=patients), teacher=None, with_val=True, apart=True, seed=0)
    assert sorted([*found.train, *found.val]) == [*range(10)]
    assert not {patients[i] for i in found.train} & {patients[i] for i in found.val}
    assert found.test.tolist() == [10, 11, 12, 13]


def test_patients_and_pictures_of_test_rows_are_left_out_of_training() -> None:
    patients = [f"p{i}" for i in range(14)]
    patients[0] = "p10"
    pixels = [f"{i:03d}" for i in range(14)]
    pixels[1] = pixels[11]
    asked = part(LABEL, given=GIVEN, group=patients, pixels=pixels)
    found = split(asked, teacher=None, with_val=False, apart=True, seed=0)
    assert sorted(found.train) == [2, 3, 4, 5]
    assert found.left_out == {"same picture": 1, "same group": 1}
    assert sorted(split(asked, teacher=None, with_val=False, apart=False, seed=0).train) == [*range(6)]


def test_a_split_whose_rows_have_no_label_is_one_sentence() -> None:
    label = [None] * 6 + LABEL[6:]
    with pytest.raises(InputError, match="no labelled train rows"):
        split(part(label, given=GIVEN), teacher=None, with_val=False, apart=True, seed=0)


# -- copies and order


def test_copies_and_the_order_of_rows_change_no_split() -> None:
    random = np.random.default_rng(0)
    label, group = random.choice(["a", "b"], 60).tolist(), [f"p{i}" for i in random.integers(0, 9, 60)]
    order = random.permutation([*range(60), *range(0, 60, 2)])  # every second row is there twice
    whole = part(label, group=group)
    again = part([label[i] for i in order], group=[group[i] for i in order], pixels=[f"{i:03d}" for i in order])
    for asked in (True, False):
        one = split(whole, teacher=None, with_val=True, apart=asked, seed=0)
        other = split(again, teacher=None, with_val=True, apart=asked, seed=0)
        for name in ("train", "val", "test"):
            assert getattr(one, name).tolist() == [int(order[i]) for i in getattr(other, name)]


def test_without_patients_a_picture_and_its_copy_are_never_on_two_sides() -> None:
    pixels = [f"{i // 2:03d}" for i in range(80)]
    label = [("a", "b")[i // 2 % 2] for i in range(80)]
    found = split(part(label, pixels=pixels), teacher=None, with_val=True, apart=True, seed=0)
    sides = [{pixels[i] for i in getattr(found, name)} for name in ("train", "val", "test")]
    assert sum(len(side) for side in sides) == len(set().union(*sides)) == 40


@pytest.mark.parametrize("column", ["label", "group", "site", "split"])
def test_copies_that_differ_in_any_one_column_both_count(column: str) -> None:
    same = {name: pd.Series(["x", "x", "x"], dtype=object) for name in ("label", "group", "site", "split")}
    same[column] = pd.Series(["x", "y", "x"], dtype=object)
    rows = Part(**same, pixels=pd.Series(["p", "p", "p"])).counted()
    assert rows.tolist() == [0, 1]


@drawn(st.integers(0, 10_000))
def test_rows_alike_in_all_columns_are_counted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = [rng.integers(0, 3, 12) for _ in range(int(rng.integers(1, 4)))]
    keys = list(zip(*(column.tolist() for column in columns), strict=True))
    assert alike(*columns).tolist() == [keys.count(key) for key in keys]


def test_a_search_leaves_out_rows_that_share_any_of_the_columns() -> None:
    items = pd.DataFrame({"patient": ["p", "p", "q", "r"], "slide": ["s", "t", "s", "u"]})
    for columns in (("patient", "slide"), ("slide", "patient")):
        allowed = allowed_rows(items, exclude_same=columns, like=0)
        assert allowed is not None and np.flatnonzero(allowed).tolist() == [3]


# -- classes that cannot be on every side


def test_a_class_in_too_few_patients_is_left_out_of_every_side_and_named() -> None:
    label = [*["a", "b"] * 12, "rare", "rare"]
    group = [*(f"p{i // 2}" for i in range(24)), "p0", "p0"]
    found = split(part(label, group=group), teacher=None, with_val=True, apart=True, seed=0)
    assert found.classes_left_out == {"rare": 2}
    assert sorted([*found.train, *found.val, *found.test]) == [*range(24)]


def test_classes_to_judge_that_are_not_learnt_are_left_out_and_named() -> None:
    given = [*["train"] * 6, *["test"] * 6]
    label = [*["a", "b"] * 3, *["a", "b"] * 2, "new", "new"]
    found = split(part(label, given=given), teacher=None, with_val=False, apart=True, seed=0)
    assert found.classes_left_out == {"new": 2}
    assert found.test.tolist() == [6, 7, 8, 9]


@pytest.mark.parametrize("protocol", [RETRIEVAL, KNN], ids=lambda protocol: protocol.name)
def test_a_report_names_each_of_more_than_a_hundred_classes_that_are_left_out(protocol: Protocol[Any]) -> None:
    rare = [f"rare class number {number}" for number in range(120)]
    label = [*["a", "b"] * 12, *rare]
    group = [*(f"p{row // 2}" for row in range(24)), *(f"q{number}" for number in range(120))]
    vectors = np.random.default_rng(0).normal(size=(len(label), 4)).astype(np.float32)
    question = AskedQuestion(part(label, group=group), group_name="patient")
    finding = measure(protocol, question, vectors).finding
    assert dict(finding.left_out) == dict.fromkeys(rare, 1)
    (sentence,) = (each for each in finding.sentences if "left out" in each)
    assert sentence.startswith("120 classes with 120 rows (") and all(repr(name) in sentence for name in rare)


@pytest.mark.parametrize("n_classes", [2, 240])
def test_where_no_two_classes_can_be_split_all_are_counted_in_one_sentence(n_classes: int) -> None:
    label = [f"class {i:03d}" for i in range(n_classes)]
    with pytest.raises(InputError, match=f"{n_classes} classes with {n_classes} rows") as refused:
        split(part(label), teacher=None, with_val=False, apart=True, seed=0)
    assert len(str(refused.value)) < 300


# -- on a collection


def make(home: Path, name: str, order: np.ndarray, *, given: bool = False) -> Collection:
    """Pictures of three classes and six patients, named by their place in ``order`` so that rows lie in it."""
    folder = home.parent / name
    folder.mkdir(parents=True)
    table = []
    for place, number in enumerate(order):
        random = np.random.default_rng(int(number))
        patient, kind = number % 6, number % 3
        colour = 150 + 18 * np.eye(3)[kind] + np.random.default_rng(90 + patient).uniform(-12, 12, 3)
        pixels = np.clip(colour + random.normal(0, 4, (16, 16, 3)) + random.normal(0, 9, 3), 0, 255).astype(np.uint8)
        file = f"{place:03d}.png"
        Pillow.fromarray(pixels).save(folder / file)
        table.append({"file": file, "label": "abc"[random.integers(0, 3)] if random.random() < 0.2 else "abc"[kind]})
        table[-1] |= {"patient": f"p{number // 15}", "site": f"s{number % 2}"}
        table[-1] |= {"split": ("train", "train", "train", "val", "test", "test", "test")[number // 15]} if given else {}
    pd.DataFrame(table).to_csv(folder / "labels.csv", index=False)
    own = settings_table.read(home=home, threads=1)
    collection = ingest(open_source(folder), name=name, settings=own)
    embed(collection, encoder=MeanColour(), settings=own)
    return collection


def test_copies_and_the_order_of_rows_change_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.evaluation.probe.MAX_STEPS", 30)
    plain = make(tmp_path / "home", "plain", np.arange(90))
    order = np.random.default_rng(3).permutation([*range(90), *range(0, 90, 3)])
    mixed = make(tmp_path / "home", "mixed", order)
    for protocol in ("retrieval", "knn", "linear", "site-bias"):
        one, other = (read_report(evaluate(each, Question(protocol))) for each in (plain, mixed))  # type: ignore[arg-type]
        assert one.value == other.value, protocol
        assert repr(one.baselines) == repr(other.baselines)
        assert (one.copies, other.copies) == (0, 30)
        assert "120 labelled rows, 90 after leaving out exact copies, which count once." in other.sentences
        if protocol != "site-bias":
            pictures = [plain.items["sha256"].iloc[each.row] for each in one.mistakes]
            assert pictures == [mixed.items["sha256"].iloc[each.row] for each in other.mistakes]
            assert one.mistakes
            assert all(plain.items["label"].iloc[each.row] == each.truth != each.named for each in one.mistakes)


def test_site_bias_without_any_telling_neighbour_is_no_number(tmp_path: Path) -> None:
    """Four tight clouds, one for each class at each site: no neighbour differs in one of the two alone."""
    folder = tmp_path / "clouds"
    folder.mkdir()
    table = []
    for number in range(56):
        kind, site = number % 2, number // 2 % 2
        pixels = np.full((16, 16, 3), (60 + 120 * kind, 60 + 120 * site, 100), np.uint8)
        pixels[:8, :8, 2] += np.uint8(number)
        Pillow.fromarray(pixels).save(folder / f"{number:02d}.png")
        table.append({"file": f"{number:02d}.png", "label": "ab"[kind], "site": f"s{site}"})
    pd.DataFrame(table).to_csv(folder / "labels.csv", index=False)
    own = settings_table.read(home=tmp_path / "home", threads=1)
    collection = ingest(open_source(folder), name="clouds", settings=own)
    embed(collection, encoder=MeanColour(), settings=own)
    made = evaluate(collection, Question("site-bias"))
    found = read_report(made)
    assert not found.value.known and not found.value.has_interval
    assert "cannot be determined" in found.sentences[0]
    assert "nan" not in (made.path / "report.html").read_text(encoding="utf-8").lower()


@pytest.mark.parametrize("protocol", ["knn", "linear"])
def test_the_own_split_is_used_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: Any) -> None:
    monkeypatch.setattr("explorer.evaluation.probe.MAX_STEPS", 30)
    collection = make(tmp_path / "home", "c", np.arange(90), given=True)
    found = read_report(evaluate(collection, Question(protocol)))
    n = collection.items["split"].value_counts().to_dict()
    own = found.results.knn if protocol == "knn" else found.results
    assert own.n == {name: n[name] for name in (("train", "test") if protocol == "knn" else n)}
    assert found.naive is None
    assert any("own split" in sentence and "no patient is on both sides" in sentence for sentence in found.sentences)
    assert found.split.judged == "test"


@pytest.mark.parametrize("protocol", ["retrieval", "knn", "linear"])
def test_permuted_labels_of_real_tissue_score_at_chance_within_the_interval(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: Any
) -> None:
    monkeypatch.setattr("explorer.evaluation.probe.MAX_STEPS", 2500)
    table = pd.read_csv(shared_data / "oral_binary" / "labels.csv")
    own = settings_table.read(home=tmp_path / "home", threads=1)
    shutil.copytree(shared_data / "oral_binary", tmp_path / "oral")
    listing = tmp_path / "rows.csv"
    permuted = np.random.default_rng(1).permutation(table["label"])
    table.assign(file=[f"oral/{file}" for file in table["file"]], permuted=permuted).to_csv(listing, index=False)
    collection = ingest(open_source(listing, options={"columns": {"uri": "file"}}), name="c", settings=own)
    embed(collection, encoder=MeanColour(), settings=own)
    honest, blind = (read_report(evaluate(collection, Question(protocol, label=label))) for label in ("label", "permuted"))
    chance = blind.baselines[0].score.value
    assert blind.value.low <= chance <= blind.value.high
    assert blind.baselines[1].score.low <= chance <= blind.baselines[1].score.high
    assert honest.baselines[1].score.low > chance, "the true labels can be told by colour"
