"""What people say of rows: a replay against a plain model, columns like any other, selections, names, and their older forms."""

from __future__ import annotations

import getpass
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fakes import MeanColour, write_patches
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from explorer import pipeline, settings
from explorer.collection import Collection, list_collections, open_collection
from explorer.collection.annotations import COLUMNS, FILE, MOST_LETTERS, Annotations
from explorer.errors import ArtifactDamaged, CollectionMissing, InputError
from explorer.search import allowed_rows
from explorer.sources import open_source

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
HOSTILE = "<script>alert(1)</script> '; DROP TABLE entries; -- ü 中 \u202e"
N = 6


class JournalAgainstModel(RuleBasedStateMachine):
    """Two handles of one journal, used in turn, against a list of (kind, about, value, rows, undoes)."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.handles = [Annotations(Path(self.folder.name), n=N) for _ in range(2)]
        self.entries: list[tuple[str, str, str, list[int], int | None]] = []

    def teardown(self) -> None:
        self.folder.cleanup()

    def in_effect(self) -> list[int]:
        """Ids, by the definition: an entry is in effect unless an undo in effect names it."""

        def holds(number: int) -> bool:
            later = [other for other in range(number + 1, len(self.entries) + 1) if self.entries[other - 1][4] == number]
            return not any(holds(other) for other in later)

        return [number for number in range(1, len(self.entries) + 1) if holds(number)]

    @rule(
        by=some.integers(0, 1),
        kind=some.sampled_from(["label", "note", "decision", "tag", "untag"]),
        value=some.sampled_from(["a", "b", ""]),
        rows=some.sets(some.integers(0, N - 1), min_size=1),
    )
    def annotate(self, by: int, kind: Any, value: str, rows: set[int]) -> None:
        if kind in ("tag", "untag") and not value:
            with pytest.raises(InputError):
                self.handles[by].add(kind, value, rows)
            return
        assert self.handles[by].add(kind, value, rows, who="ann").id == len(self.entries) + 1
        self.entries.append((kind, "", value, sorted(rows), None))

    @rule(by=some.integers(0, 1), title=some.sampled_from(["s", "t"]), rows=some.sets(some.integers(0, N - 1), min_size=1))
    def save(self, by: int, title: str, rows: set[int]) -> None:
        self.handles[by].save_selection(title, rows)
        self.entries.append(("selection", title, "", sorted(rows), None))

    @rule(by=some.integers(0, 1), title=some.sampled_from(["s", "t"]))
    def remove(self, by: int, title: str) -> None:
        if title in self.selections():
            self.handles[by].remove_selection(title)
            self.entries.append(("removed selection", title, "", [], None))
        else:
            with pytest.raises(InputError, match="no selection"):
                self.handles[by].remove_selection(title)

    @precondition(lambda self: self.entries)
    @rule(by=some.integers(0, 1), draw=some.data())
    def undo_one(self, by: int, draw: some.DataObject) -> None:
        number = draw.draw(some.integers(1, len(self.entries)))
        if number in self.in_effect():
            self.handles[by].undo(number)
            self.entries.append(("undo", "", "", [], number))
        else:
            with pytest.raises(InputError, match="undone already"):
                self.handles[by].undo(number)

    @rule(by=some.integers(0, 1))
    def undo_newest(self, by: int) -> None:
        statements = [number for number in self.in_effect() if self.entries[number - 1][0] != "undo"]
        if statements:
            assert self.handles[by].undo().undoes == statements[-1]
            self.entries.append(("undo", "", "", [], statements[-1]))
        else:
            with pytest.raises(InputError, match="to undo"):
                self.handles[by].undo()

    @rule(by=some.integers(0, 1))
    def redo(self, by: int) -> None:
        undos = [
            number
            for number in self.in_effect()
            if (target := self.entries[number - 1][4]) is not None and self.entries[target - 1][0] != "undo"
        ]
        if undos:
            assert self.handles[by].redo().undoes == undos[-1]
            self.entries.append(("undo", "", "", [], undos[-1]))
        else:
            with pytest.raises(InputError):
                self.handles[by].redo()

    def selections(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for kind, about, _, rows, _ in self.statements():
            if kind in ("selection", "removed selection"):
                found.pop(about, None)
            if kind == "selection":
                found[about] = rows
        return found

    def statements(self) -> Iterator[tuple[str, str, str, list[int], int | None]]:
        return (self.entries[number - 1] for number in self.in_effect())

    @invariant()
    def every_handle_sees_the_state_of_the_model(self) -> None:
        values: dict[str, list[str | None]] = {kind: [None] * N for kind in ("label", "note", "decision")}
        tags: list[set[str]] = [set() for _ in range(N)]
        for kind, _, value, rows, _ in self.statements():
            for row in rows:
                if kind in values:
                    values[kind][row] = value or None
                elif kind == "tag":
                    tags[row].add(value)
                elif kind == "untag":
                    tags[row].discard(value)
        values["tag"] = ["; ".join(sorted(row)) or None for row in tags]
        for handle in (*self.handles, Annotations(Path(self.folder.name), n=N)):
            assert handle.version == len(self.entries)
            for kind, expected in values.items():
                column = handle.column(kind)
                assert column.astype(object).where(column.notna(), None).tolist() == expected
            found = handle.selections()
            assert {one.title: one.rows.tolist() for one in found} == self.selections()
            assert [one.title for one in found] == list(self.selections())[::-1], "newest first"


TestJournalAgainstModel = JournalAgainstModel.TestCase
TestJournalAgainstModel.settings = hypothesis_settings(max_examples=15, stateful_step_count=12, deadline=None)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("annotations")
    own = settings.read(home=folder / "home")
    collection = pipeline.ingest(open_source(write_patches(folder / "patches")), name="classes", settings=own)
    pipeline.embed(collection, encoder=MeanColour(), settings=own)
    pipeline.index(collection)
    pipeline.project(collection, method="pca")
    pipeline.cluster(collection, method="kmeans", n_clusters=3)
    return collection.path


@pytest.fixture
def collection(built: Path, tmp_path: Path) -> Collection:
    return Collection(shutil.copytree(built, tmp_path / "home" / "classes"))


# -- rows


def test_a_collection_without_annotations_has_no_journal_and_no_further_columns(collection: Collection) -> None:
    assert collection.table() is collection.table()
    assert list(collection.table().columns) == list(collection.items.columns)
    assert collection.annotations.selections() == [] and collection.annotations.history() == []
    assert collection.verify() == []
    assert not (collection.path / FILE).exists()


def test_labels_by_people_are_a_column_like_any_other(collection: Collection, tmp_path: Path) -> None:
    collection.annotations.add("label", "mitosis", [3, 5])
    collection.annotations.add("label", "debris", [5, 7])
    assert list(collection.table().columns) == [*collection.items.columns, "label_by_people"]
    expected = {3: "mitosis", 5: "debris", 7: "debris"}
    assert collection.table()["label_by_people"].dropna().to_dict() == expected
    assert collection.embedding().described()["label_by_people"].dropna().to_dict() == expected
    assert "label_by_people" not in collection.items.columns, "what was ingested stays apart from what people say"
    assert {hit.row for hit in collection.search(row=0, k=24, where={"label_by_people": "debris"}).hits} == {5, 7}
    for name, read in (("t.csv", pd.read_csv), ("t.parquet", pd.read_parquet)):
        pipeline.export(collection, tmp_path / name)
        assert read(tmp_path / name)["label_by_people"].dropna().to_dict() == expected  # type: ignore[operator]
    pipeline.export(collection, tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz", allow_pickle=False) as file:
        assert file["column_label_by_people"][[3, 4]].tolist() == ["mitosis", ""]


def test_a_new_entry_of_another_process_is_noticed_and_undo_takes_the_column_away(collection: Collection) -> None:
    other = Collection(collection.path)
    assert "decision_by_people" not in collection.table()
    other.annotations.add("decision", "reject", [1])
    assert collection.table()["decision_by_people"].dropna().to_dict() == {1: "reject"}
    other.annotations.undo()
    assert "decision_by_people" not in collection.table()
    other.annotations.redo()
    other.annotations.add("decision", "", [1])
    assert "decision_by_people" not in collection.table()


def test_a_filter_by_a_tag_finds_rows_that_have_others_too(collection: Collection) -> None:
    collection.annotations.add("tag", "odd", [1, 2])
    collection.annotations.add("tag", "fold", [2, 3])
    table = collection.table()
    assert table["tags_by_people"].dropna().to_dict() == {1: "odd", 2: "fold; odd", 3: "fold"}
    for wanted, rows in (("odd", [1, 2]), (["fold"], [2, 3]), ("fold; odd", [2]), (["odd", "fold"], [1, 2, 3]), ("o", [])):
        allowed = allowed_rows(table, where={"tags_by_people": wanted})
        assert allowed is not None and np.flatnonzero(allowed).tolist() == rows


def test_a_user_column_with_the_name_of_an_annotation_column_is_kept(collection: Collection) -> None:
    collection.annotations.add("label", "mitosis", [0])
    theirs = collection.items.assign(label_by_people="theirs")
    both = collection.annotations.beside(theirs)
    assert both["label_by_people"].unique().tolist() == ["theirs"]
    assert both["label_by_people_"].dropna().to_dict() == {0: "mitosis"}


def test_hostile_texts_are_stored_unchanged_and_defused_in_csv(collection: Collection, tmp_path: Path) -> None:
    collection.annotations.add("note", HOSTILE, [0], who="<b>ann</b>", why=HOSTILE, query_id="q/1")
    collection.annotations.add("label", "=1+1", [1])
    entry = collection.annotations.history()[1]
    assert (entry.value, entry.who, entry.why, entry.query_id) == (HOSTILE, "<b>ann</b>", HOSTILE, "q/1")
    assert collection.annotations.column("note")[0] == HOSTILE
    pipeline.export(collection, tmp_path / "t.csv")
    assert pd.read_csv(tmp_path / "t.csv")["label_by_people"][1] == "'=1+1"


@pytest.mark.parametrize(
    ("kind", "value", "rows", "words"),
    [
        ("label", "a", [], "No patches are selected"),
        ("label", "a", [-1], "Rows go from 0 to 23"),
        ("label", "a", [0, 24], "Rows go from 0 to 23"),
        ("label", "a", [True], "whole numbers"),
        ("label", "a" * (MOST_LETTERS + 1), [0], "at most 200 letters"),
        ("label", "a\0b", [0], "no text"),
        ("label", "\udce4", [0], "no text"),
        ("tag", " ", [0], "at least one letter"),
        ("tag", "a; b", [0], "at least one letter"),
        ("verdict", "a", [0], "no annotation of kind 'verdict'"),
    ],
)
def test_invalid_annotations_are_refused_in_one_sentence(collection: Collection, kind: Any, value: str, rows: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        collection.annotations.add(kind, value, rows)
    assert len(str(refusal.value)) < 300
    assert not (collection.path / FILE).exists()


def test_the_author_is_the_user_of_the_system_by_default(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    assert collection.annotations.add("label", "a", [0]).who == "ann"

    def nobody() -> str:
        raise OSError("no user of that number")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert collection.annotations.add("label", "a", [0]).who == "unknown"
    assert collection.annotations.add("label", "a", [0], who="bob").who == "bob"


# -- selections


def test_a_selection_has_its_rows_in_order_and_once(collection: Collection) -> None:
    saved = collection.annotations.save_selection(" odd\tcrypts ", [7, 3, 7], note="ask about these")
    assert (saved.title, saved.n_rows, saved.note, saved.rows.tolist()) == ("odd crypts", 2, "ask about these", [3, 7])
    assert collection.annotations.selections() == [saved]
    assert collection.annotations.selection("odd  crypts") == saved
    assert not collection.verify()


def test_a_selection_saved_again_replaces_the_one_before_until_undo(collection: Collection) -> None:
    annotations = collection.annotations
    first = annotations.save_selection("odd", [1])
    second = annotations.save_selection("odd", [2, 3])
    assert annotations.selections() == [second] and first.key != second.key
    annotations.undo()
    assert annotations.selections() == [first]
    annotations.remove_selection("odd", why="not odd at all")
    assert annotations.selections() == []
    assert annotations.history(limit=1)[0].why == "not odd at all"
    annotations.undo()
    assert annotations.selection("odd").rows.tolist() == [1]


def test_selections_saved_automatically_by_a_search_are_marked_and_saved_once(collection: Collection) -> None:
    saved = collection.annotations.save_automatic_selection([4, 2])
    again = collection.annotations.save_automatic_selection(np.array([2, 4]))
    assert saved == again and saved.automatic and saved.title.startswith("Searched with 2 patches")
    assert len(collection.annotations.history()) == 1
    collection.annotations.remove_selection(saved.title)
    assert collection.annotations.selections() == []


@pytest.mark.parametrize(("rows", "title"), [([], "a"), ([1], " "), ([-1], "a"), ([24], "a"), ([1], "a" * 201)])
def test_invalid_selections_are_refused(collection: Collection, rows: list[int], title: str) -> None:
    with pytest.raises(InputError):
        collection.annotations.save_selection(title, rows)


def test_rows_can_be_given_by_number_selection_and_condition(collection: Collection) -> None:
    collection.annotations.save_selection("odd", [1, 2])
    tumour = np.flatnonzero(collection.items["label"] == "TUM")
    assert pipeline.meant_rows(collection, rows=[5], selection="odd").tolist() == [1, 2, 5]
    assert pipeline.meant_rows(collection, where={"label": "TUM"}).tolist() == tumour.tolist()
    for question, words in (
        ({}, "No patches are given"),
        ({"where": {"label": "x"}}, "No patch has"),
        ({"selection": "x"}, "no selection"),
    ):
        with pytest.raises(InputError, match=words):
            pipeline.meant_rows(collection, **question)  # type: ignore[arg-type]


# -- names of clusters


def test_names_of_clusters_can_be_given_removed_and_undone(collection: Collection) -> None:
    (clusters,) = collection.embedding().clusterings()
    annotations = collection.annotations
    assert annotations.cluster_names(clusters) == {}
    annotations.name_clusters(clusters, {0: "crypts", 2: " stroma "})
    assert annotations.name_clusters(clusters, {0: ""}) == {2: "stroma"}
    assert Collection(collection.path).annotations.cluster_names(clusters) == {2: "stroma"}
    annotations.undo()
    assert annotations.cluster_names(clusters) == {0: "crypts", 2: "stroma"}
    before = annotations.version
    annotations.name_clusters(clusters, {0: "crypts"})
    assert annotations.version == before, "the name it has is no news"
    assert not collection.verify(), "a published clustering is never edited"
    with pytest.raises(InputError, match="no group 9"):
        annotations.name_clusters(clusters, {8: "x"})


# -- the form before the journal


@pytest.fixture
def old(tmp_path: Path) -> Collection:
    """A collection with two selections of one name, one that a search saved, and names of clusters, as they were kept before."""
    shutil.copytree(FIXTURES / "format-1", tmp_path / "old")
    return Collection(shutil.copytree(FIXTURES / "before-the-journal", tmp_path / "old", dirs_exist_ok=True))


def test_selections_of_the_old_form_are_read_removed_and_undone(old: Collection) -> None:
    found = {one.title: (one.rows.tolist(), one.note, one.automatic) for one in old.annotations.selections()}
    assert found == {
        "Searched with": (list(range(9)), "", True),
        "odd crypts (2)": ([1, 2, 5], "", False),
        "odd crypts": ([3, 7], "ask about these", False),
    }
    assert next(iter(found)) == "Searched with", "newest first"
    assert {one.key for one in old.annotations.selections()} == {path.name for path in (old.path / "selections").iterdir()}
    assert not (old.path / FILE).exists()
    old.annotations.remove_selection("odd crypts")
    assert [one.title for one in old.annotations.selections()] == ["Searched with", "odd crypts (2)"]
    old.annotations.undo()
    assert {one.title for one in Collection(old.path).annotations.selections()} == set(found)
    assert old.verify() == []


def test_names_of_the_old_form_are_read_and_new_ones_come_before_them(old: Collection) -> None:
    (clusters,) = old.embedding().clusterings()
    assert old.annotations.cluster_names(clusters) == {0: "stroma", 1: "<b>glands</b>"}
    assert old.annotations.name_clusters(clusters, {0: "", 1: "glands"}) == {1: "glands"}
    old.annotations.undo()
    old.annotations.undo()
    assert old.annotations.cluster_names(clusters) == {0: "stroma", 1: "<b>glands</b>"}


# -- the collection


def test_verify_names_a_damaged_journal_and_reading_it_raises(collection: Collection) -> None:
    collection.annotations.add("label", "a", [0])
    assert collection.verify() == []
    (collection.path / FILE).write_bytes(b"no database at all, but long enough to be looked at")
    (fault,) = collection.verify()
    assert FILE in fault
    with pytest.raises(ArtifactDamaged):
        collection.table()


def test_annotations_go_with_a_renamed_collection_and_not_into_the_old_folder(collection: Collection) -> None:
    collection.annotations.add("label", "a", [0])
    renamed = pipeline.rename(collection, "other")
    assert renamed.table()["label_by_people"].dropna().to_dict() == {0: "a"}
    with pytest.raises(CollectionMissing, match="renamed or deleted"):
        collection.annotations.add("label", "b", [0])
    assert open_collection("other", home=renamed.path.parent).verify() == []


def test_a_removed_collection_takes_its_annotations_with_it(collection: Collection) -> None:
    collection.annotations.add("label", "a", [0])
    pipeline.remove(collection)
    assert list_collections(collection.path.parent) == []
    assert [path for path in collection.path.parent.iterdir() if path.is_dir()] == []


def test_every_kind_of_column_has_a_name_of_its_own() -> None:
    assert len(set(COLUMNS.values())) == len(COLUMNS)
