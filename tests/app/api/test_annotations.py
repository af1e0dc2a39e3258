"""Routes of annotations and saved selections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from served import CHANGING, make_collection, served
from starlette.testclient import TestClient

from explorer.app.shared import assets, cache, point_buffers, urls
from explorer.collection import Collection

HERE = "/api/collections/small"
HOSTILE = "<img src=x onerror=alert(1)> '; DROP TABLE entries; --"


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    make_collection(tmp_path / "home")
    with served(tmp_path / "home", monkeypatch) as client:
        client.headers.update(CHANGING)
        yield client


@pytest.fixture
def small(client: TestClient) -> Collection:
    return cache.collection("small")


def test_annotations_are_added_listed_and_taken_back(client: TestClient, small: Collection) -> None:
    assert client.get(f"{HERE}/annotations").json() == {"version": 0, "entries": []}
    added = client.post(f"{HERE}/annotations", json={"kind": "label", "value": HOSTILE, "rows": [1, 2], "why": "seen", "query_id": "q"})
    assert added.status_code == 201
    entry = added.json()
    assert {name: entry[name] for name in ("id", "kind", "value", "n_rows", "who", "why", "query_id", "in_effect")} == {
        "id": 1, "kind": "label", "value": HOSTILE, "n_rows": 2, "who": "local", "why": "seen", "query_id": "q", "in_effect": True,
    }  # fmt: skip
    assert dict(client.get(f"{HERE}/rows/1.json").json()["fields"])["label_by_people"] == HOSTILE
    assert client.get(f"{HERE}/items?offset=2&limit=1").json()["items"][0]["label_by_people"] == HOSTILE
    assert "label_by_people" in client.get(HERE).json()["columns"]
    hits = client.post(f"{HERE}/search", json={"row": 0, "k": 24, "where": {"label_by_people": HOSTILE}}).json()["hits"]
    assert {hit["row"] for hit in hits} == {1, 2}
    undo = client.post(f"{HERE}/annotations/1/undo", json={"why": "wrong"})
    assert undo.status_code == 201 and undo.json()["undoes"] == 1
    listed = client.get(f"{HERE}/annotations", params={"limit": 5}).json()
    assert (listed["version"], [one["in_effect"] for one in listed["entries"]]) == (2, [True, False])
    assert client.post(f"{HERE}/annotations/2/undo").status_code == 201, "undo of undo, without a reason"
    assert small.annotations.column("label").notna().sum() == 2


def test_selections_are_saved_read_and_removed(client: TestClient, small: Collection) -> None:
    saved = client.post(f"{HERE}/selections", json={"title": HOSTILE, "where": {"label": "TUM"}, "note": "n"})
    assert saved.status_code == 201
    key, rows = saved.json()["key"], np.flatnonzero(small.items["label"] == "TUM").tolist()
    assert client.get(f"{HERE}/selections/{key}").json()["rows"] == rows
    (listed,) = client.get(f"{HERE}/selections").json()
    assert (listed["title"], listed["n_rows"], listed["note"], listed["who"]) == (HOSTILE, 8, "n", "local")
    labelled = client.post(f"{HERE}/annotations", json={"kind": "tag", "value": "t", "selection": HOSTILE})
    assert labelled.json()["n_rows"] == 8
    removed = client.delete(f"{HERE}/selections/{key}")
    assert removed.status_code == 200 and client.get(f"{HERE}/selections").json() == []
    for answer in (client.get(f"{HERE}/selections/{key}"), client.delete(f"{HERE}/selections/{key}")):
        assert answer.status_code == 404 and "no such selection" in answer.json()["error"]
    client.post(f"{HERE}/annotations/{removed.json()['id']}/undo")
    assert client.get(f"{HERE}/selections").json() == [listed]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "label", "value": "a"}, "No patches are given"),
        ({"kind": "label", "value": "a", "rows": [24]}, "Rows go from 0 to 23"),
        ({"kind": "label", "value": "a", "rows": [10**30]}, "whole numbers"),
        ({"kind": "label", "value": "a", "rows": ["x"]}, "rows.0"),
        ({"kind": "undo", "value": "a", "rows": [1]}, "kind"),
        ({"kind": "tag", "value": "a;b", "rows": [1]}, "cannot be one"),
        ({"kind": "label", "value": "a" * 201, "rows": [1]}, "at most 200 letters"),
        ({"kind": "label", "value": "a\0", "rows": [1]}, "no text"),
        ({"kind": "label", "value": "a", "rows": [1], "who": "someone else"}, "who"),
        ({"kind": "label", "value": "a", "selection": "gone"}, "no selection"),
        ({"kind": "label", "value": "a", "where": {"gone": 1}}, "no column"),
    ],
)
def test_what_cannot_be_annotated_is_refused(client: TestClient, small: Collection, body: dict[str, object], words: str) -> None:
    answer = client.post(f"{HERE}/annotations", json=body)
    assert answer.status_code == 422 and words in answer.json()["error"]
    assert small.annotations.version == 0


def test_undo_of_what_is_not_there_is_refused(client: TestClient) -> None:
    for number in ("7", "0", "-1", "9" * 30):
        assert client.post(f"{HERE}/annotations/{number}/undo").status_code == 422
    assert client.get(f"{HERE}/annotations", params={"before": "9" * 30}).status_code == 200
    assert client.post("/api/collections/gone/annotations/7/undo").status_code == 404
    assert client.post(f"{HERE}/annotations/7/undo", headers={"x-explorer": "0"}).status_code == 403


def test_colours_of_a_label_by_people_follow_each_new_entry(client: TestClient, small: Collection) -> None:
    def colours() -> list[str]:
        address = urls.column(small, "label_by_people")
        answer = client.get(address)
        assert answer.headers["cache-control"] == assets.PRIVATE_IMMUTABLE, "the address names this state of the labels"
        column = cache.column(small, "label_by_people")
        assert answer.content == column.data
        return [column.legend["names"][code] for code in point_buffers.codes_of(column)]

    small.annotations.add("label", "a", [0])
    first, address = colours(), urls.column(small, "label_by_people")
    assert first == ["a", *["none"] * 23]
    Collection(small.path).annotations.add("label", "b", [1])
    assert urls.column(small, "label_by_people") != address
    assert colours() == ["a", "b", *["none"] * 22]
    assert client.get(address).headers["cache-control"] == "private, no-cache"
    small.annotations.undo()
    assert colours() == first


def test_groups_are_named_and_a_name_is_removed(client: TestClient, small: Collection) -> None:
    key = small.artifacts("clusters")[0].key
    assert client.get(f"{HERE}/groups/{key}/names").json() == {"names": {}}
    named = client.patch(f"{HERE}/groups/{key}/names", json={"names": {"0": HOSTILE, "1": "stroma"}})
    assert (named.status_code, named.json()) == (200, {"names": {"0": HOSTILE, "1": "stroma"}})
    assert client.patch(f"{HERE}/groups/{key}/names", json={"names": {"0": ""}}).json() == {"names": {"1": "stroma"}}
    assert small.annotations.cluster_names(small.artifacts("clusters")[0]) == {1: "stroma"}
    assert client.get(f"{HERE}/groups/{'0' * 16}/names").status_code == 404
    for names in ({"9999": "x"}, {"-1": "x"}, {"first": "x"}, ["x"]):
        refused = client.patch(f"{HERE}/groups/{key}/names", json={"names": names})
        assert refused.status_code == 422 and refused.json()["error"]
