"""Limits of request bodies: larger ones are refused with JSON before they are parsed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import CHANGING, make_collection, served
from starlette.testclient import TestClient

from explorer.app.api import limits

SEARCH = "/api/collections/small/search"
JSON = CHANGING | {"content-type": "application/json"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("limits")
    make_collection(folder / "home", per_class=3)
    return folder / "home"


@pytest.fixture
def client(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with served(home, monkeypatch) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"row": 1, "where": {"label": "' + b"x" * 31_000_000 + b'"}}', 413),
        (b'{"row": 1, "exclude_same": [' + b",".join([b'"patient"'] * 20_000) + b"]}", 422),
        (b'{"row": 1, "exclude_same": [' + b",".join([b'"patient"'] * 1000) + b"]}", 422),
        (b'{"row": 1, "where": ' + b"[" * 900 + b"]" * 900 + b"}", 422),
        (b'{"row": 1, "where": ' + b'{"a":' * 900 + b"1" + b"}" * 901, 422),
        (b"[" * 900, 422),
        (b"[]" * 20_000, 422),
        (b'"' + b'\\"' * 2_000_000, 422),  # never closed; looked at once
        (b'{"row": 1, "k": "' + b"\\\\" * 500_000 + b'"}', 422),
        (b'{"row": ' + b"9" * 5000 + b"}", 422),
        (b'{"row": 1, "where": {"label": "\\ud800"}}', 422),
        (b'{"row": 1, "encoder": "\\udfff"}', 422),
        (b'{"row": 1, "encoder": "\xff"}', 422),
        (b'{"row": 1', 422),
        (b'"', 422),
        (b'{"row": 1e999}', 422),
    ],
)
def test_bodies_that_are_too_large_too_deep_or_not_json_are_refused(client: TestClient, body: bytes, status: int) -> None:
    answer = client.post(SEARCH, content=body, headers=JSON)
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"] and 0 < len(answer.json()["error"]) <= 300


def test_calls_other_than_searches_have_a_smaller_body_limit(client: TestClient) -> None:
    answer = client.patch("/api/collections/small", content=b'{"name": "' + b"x" * 1_000_000 + b'"}', headers=JSON)
    assert answer.status_code == 413 and "1000 kB" in answer.json()["error"]


def test_brackets_and_commas_in_texts_do_not_count(client: TestClient) -> None:
    text = "[{" * 500 + "," * 20_000 + '\\"' + "]" * 50
    answer = client.post(SEARCH, content=json.dumps({"row": 1, "where": {"note": text}}), headers=JSON)
    assert (answer.status_code, answer.json()["hits"]) == (200, [])


def test_names_that_are_repeated_are_one(client: TestClient) -> None:
    once = client.post(SEARCH, json={"row": 1, "exclude_same": ["patient"]}, headers=CHANGING).json()
    often = client.post(SEARCH, json={"row": 1, "exclude_same": ["patient"] * 50}, headers=CHANGING).json()
    assert once["hits"] == often["hits"] and once["query"] == often["query"]
    facts = client.get("/api/collections/small/rows/0.json", params={"column": ["label"] * 50}).json()
    assert [name for name, _ in facts["fields"]] == ["label"]


@pytest.mark.parametrize("where", ["9" * 5000, '{"label": "\\ud800"}', "[" * 5000, "{", "[]", '{"label": ' + "9" * 5000 + "}"])
def test_filters_of_a_picture_search_are_json(client: TestClient, where: str) -> None:
    headers = CHANGING | {"content-type": "image/png"}
    answer = client.post(f"{SEARCH}/image", params={"where": where}, content=b"x", headers=headers)
    assert answer.status_code == 422 and answer.json()["error"]


def test_an_endless_address_is_refused(client: TestClient) -> None:
    answer = client.get("/api/collections/small/rows/0.json?" + "column=x&" * 2000)
    assert answer.status_code == 414 and len(answer.json()["error"]) <= 300
    assert len("column=x&" * 2000) > limits.MOST_QUERY_BYTES


@pytest.mark.parametrize("name", ["a%0Ab", "a%0D%0Ab", "%00", "%ED%A0%80", "a" * 5000, "%F0%9F"])
def test_unknown_names_with_odd_characters_get_a_json_not_found(client: TestClient, name: str) -> None:
    for path in (f"collections/{name}", f"jobs/{name}", f"uploads/{name}", f"collections/small/points/{name}.bin"):
        answer = client.get(f"/api/{path}")
        assert answer.status_code == 404 and len(answer.json()["error"]) <= 300


def test_a_body_may_arrive_in_several_chunks(client: TestClient) -> None:
    def pieces() -> Iterator[bytes]:
        yield from (b'{"row"', b": 1", b"}")

    assert client.post(SEARCH, content=pieces(), headers=JSON).status_code == 200


def test_answers_are_for_the_reader_s_own_browser_only(client: TestClient) -> None:
    for path in ("collections", "collections/small", "collections/small/items", "collections/small/rows/0.json", "jobs", "nothing"):
        assert client.get(f"/api/{path}").headers["cache-control"] == "private, no-cache"
