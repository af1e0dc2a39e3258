"""Query pictures on their way from the browser: kept in memory until the page takes them, never written to disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import CHANGING, make_collection, served
from starlette.testclient import TestClient

from explorer.app.shared import query_pictures
from explorer.errors import NotFound


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    make_collection(tmp_path / "home")
    with served(tmp_path / "home", monkeypatch) as client:
        client.headers.update(CHANGING)
        yield client


def announce(client: TestClient) -> str:
    return str(client.post("/api/queries").json()["upload_id"])


def test_a_picture_waits_in_memory_until_its_page_takes_it_once(client: TestClient, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    upload_id = announce(client)
    sent = client.put(f"/api/queries/{upload_id}", params={"name": "a b.png"}, content=b"bytes of a picture")
    assert (sent.status_code, sent.json()) == (200, {"bytes": 18})
    assert sorted(tmp_path.rglob("*")) == before, "nothing is written"
    assert query_pictures.take_received(upload_id) == ("a b.png", b"bytes of a picture")
    with pytest.raises(NotFound, match="no longer here"):
        query_pictures.take_received(upload_id)


def test_a_cancelled_picture_is_forgotten(client: TestClient) -> None:
    upload_id = announce(client)
    client.put(f"/api/queries/{upload_id}", params={"name": "x.png"}, content=b"x")
    assert client.delete(f"/api/queries/{upload_id}").status_code == 200
    assert client.delete(f"/api/queries/{upload_id}").status_code == 404


def test_pictures_that_were_not_announced_or_are_too_large_are_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.put("/api/queries/unknown", params={"name": "x.png"}, content=b"x").status_code == 404
    upload_id = announce(client)
    monkeypatch.setattr("explorer.app.api.parameters.MOST_FILE_BYTES", 1000)
    refused = client.put(f"/api/queries/{upload_id}", params={"name": "x.png"}, content=bytes(1001))
    assert refused.status_code == 413 and "make it smaller" in refused.json()["error"]
    assert query_pictures.take_received(upload_id) == ("", b""), "nothing of it was kept"


def test_files_that_wait_keep_to_their_bytes_and_the_oldest_go_first(client: TestClient) -> None:
    waiting = []
    for _ in range(8):
        waiting.append(announce(client))
        query_pictures.receive(waiting[-1], "x.png", bytes(20_000_000))
    assert query_pictures.waiting_bytes() <= query_pictures.MAX_WAITING_BYTES
    with pytest.raises(NotFound):
        query_pictures.take_received(waiting[0])
    assert len(query_pictures.take_received(waiting[-1])[1]) == 20_000_000
    for upload_id in waiting[2:-1]:
        query_pictures.take_received(upload_id)
