"""The commands select, selections, annotate, history, undo and name-group."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from served import make_collection

from explorer.cli import main
from explorer.collection import Collection


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    return make_collection(tmp_path / "home")


def call(collection: Collection, verb: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(collection.path.parent), verb, collection.name, *arguments], catch_exceptions=False)


def document(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refusal(result: Result) -> str:
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1 and len(result.stderr) < 300
    return result.stderr


def test_a_selection_is_saved_listed_replaced_removed_and_brought_back(collection: Collection) -> None:
    saved = call(collection, "select", "tumour", "--where", "label=TUM", "--row", "0", "--note", "as ingested")
    expected = sorted({0, *np.flatnonzero(collection.items["label"] == "TUM").tolist()})
    (selection,) = collection.annotations.selections()
    assert saved.stdout.strip() == selection.key and selection.rows.tolist() == expected
    (listed,) = document(call(collection, "selections", "--json"))
    assert (listed["title"], listed["n_rows"], listed["note"], listed["automatic"]) == ("tumour", 9, "as ingested", False)
    assert "tumour was replaced" in call(collection, "select", "tumour", "--row", "1").stderr
    assert document(call(collection, "selections", "--remove", "tumour", "--why", "done", "--json")) == []
    assert "no selection 'tumour'" in refusal(call(collection, "selections", "--remove", "tumour"))
    (back,) = document(call(collection, "selections", "--undo", "--json"))
    assert back["n_rows"] == 1
    (first,) = document(call(collection, "selections", "--undo", "--json"))
    assert first["n_rows"] == 9
    assert "tumour" in call(collection, "selections").stdout
    assert call(collection, "selections", "--undo", "--remove", "x").exit_code == 2


def test_rows_are_annotated_by_number_selection_and_condition(collection: Collection) -> None:
    collection.annotations.save_selection("odd", [4, 5])
    entry = document(call(collection, "annotate", "--rows", "1, 2,3", "--label", "mitosis", "--why", "seen at 40x", "--json"))
    assert (entry["id"], entry["kind"], entry["value"], entry["n_rows"], entry["why"]) == (2, "label", "mitosis", 3, "seen at 40x")
    assert call(collection, "annotate", "--selection", "odd", "--tag", "fold").stdout == "entry 3: tag fold of 2 rows\n"
    call(collection, "annotate", "--where", "label=TUM", "--decision", "accept")
    call(collection, "annotate", "--where", "label_by_people=mitosis", "--note", "again")
    table = collection.table()
    assert np.flatnonzero(table["label_by_people"].notna()).tolist() == [1, 2, 3]
    assert np.flatnonzero((table["tags_by_people"] == "fold").fillna(value=False)).tolist() == [4, 5]
    assert (table["decision_by_people"] == "accept").fillna(value=False).tolist() == (table["label"] == "TUM").tolist()
    assert np.flatnonzero(table["note_by_people"].notna()).tolist() == [1, 2, 3]
    found = document(call(collection, "search", "--row", "0", "-k", "24", "--where", "tags_by_people=fold", "--json"))
    assert {hit["row"] for hit in found["hits"]} == {4, 5}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rows", "1,x", "--label", "a"], "does not name rows"),
        (["--rows", "99", "--label", "a"], "Rows go from 0 to 23"),
        (["--rows", "9" * 30, "--label", "a"], "whole numbers"),
        (["--rows", ",", "--label", "a"], "No patches are given"),
        (["--selection", "gone", "--label", "a"], "no selection 'gone'"),
        (["--where", "label=NONE", "--label", "a"], "No patch has these values"),
        (["--where", "colour=red", "--label", "a"], "no column 'colour'"),
        (["--rows", "1", "--tag", "a;b"], "cannot be one"),
    ],
)
def test_invalid_annotations_are_refused_in_one_sentence_by_the_command(collection: Collection, arguments: list[str], words: str) -> None:
    assert words in refusal(call(collection, "annotate", *arguments))


@pytest.mark.parametrize("arguments", [["--label", "a"], ["--rows", "1"], ["--rows", "1", "--label", "a", "--note", "b"]])
def test_annotate_requires_one_choice_of_rows_and_one_value(collection: Collection, arguments: list[str]) -> None:
    assert call(collection, "annotate", *arguments).exit_code == 2


def test_the_history_lists_authors_and_values_and_undo_reverts_an_entry(collection: Collection) -> None:
    assert "has no annotations yet" in call(collection, "history").stderr
    assert "nothing to undo" in refusal(call(collection, "undo"))
    collection.annotations.add("label", "\x1b[31mred", [1, 2], who="ann", why="a reason")
    collection.annotations.add("note", "b", [3], who="bob")
    assert call(collection, "undo", "1", "--why", "wrong rows").stdout == "entry 3: undo of entry 1\n"
    entries = document(call(collection, "history", "--json"))
    assert [(one["id"], one["kind"], one["undoes"], one["in_effect"]) for one in entries] == [
        (3, "undo", 1, True), (2, "note", None, True), (1, "label", None, False),
    ]  # fmt: skip
    assert (entries[2]["who"], entries[2]["why"], entries[0]["why"]) == ("ann", "a reason", "wrong rows")
    shown = call(collection, "history").stdout
    assert "\x1b" not in shown and shown.splitlines()[3].endswith("undone")
    assert [one["id"] for one in document(call(collection, "history", "--limit", "1", "--before", "3", "--json"))] == [2]
    assert "undone already" in refusal(call(collection, "undo", "1"))
    for number in ("9", "9" * 30):
        assert f"no entry {number}" in refusal(call(collection, "undo", number))
    assert len(document(call(collection, "history", "--before", "9" * 30, "--limit", "9" * 30, "--json"))) == 3
    assert call(collection, "undo", "--redo").exit_code == 0
    assert collection.annotations.column("label").notna().sum() == 2
    assert call(collection, "undo", "1", "--redo").exit_code == 2


def test_a_group_is_named_from_the_command_line(collection: Collection) -> None:
    named = call(collection, "name-group", "2", "stroma")
    assert named.stdout.split() == ["2", "stroma"]
    assert collection.annotations.cluster_names(collection.embedding().clusterings()[0]) == {1: "stroma"}
    assert call(collection, "name-group", "2", "").stdout == ""
    assert "no group 9" in refusal(call(collection, "name-group", "9", "x"))
