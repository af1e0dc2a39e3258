"""Who may speak to the server, and what every answer carries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import CHANGING, served
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from explorer.app.api.security import Guard

GETTING = ["health", "encoders", "collections", "collections/x", "jobs", "openapi.json", "collections/x/thumb/0.jpg"]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with served(tmp_path, monkeypatch, allowed_hosts="explorer.hospital.example, Other.Example") as client:
        yield client


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8501", "127.0.0.1:80", "[::1]:8501", "explorer.hospital.example", "OTHER.example:1"]
)
def test_names_of_this_server_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("path", GETTING)
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "[::1", "a b"]
)
def test_other_names_are_refused_everywhere(client: TestClient, host: str, path: str) -> None:
    answer = client.get(f"/api/{path}", headers={"host": host})
    assert answer.status_code == 403
    assert "does not answer to this name" in answer.json()["error"]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:9999", "http://localhost.evil.example", "https://", ""]
)
def test_calls_from_other_pages_change_nothing(client: TestClient, origin: str) -> None:
    for method, path in (
        ("POST", "uploads"),
        ("PUT", "uploads/x"),
        ("DELETE", "collections/x"),
        ("PATCH", "collections/x"),
        ("POST", "jobs"),
    ):
        answer = client.request(method, f"/api/{path}", headers=CHANGING | {"origin": origin})
        assert (answer.status_code, "another site" in answer.json()["error"]) == (403, True)


def test_the_app_s_own_pages_may_change_things(client: TestClient) -> None:
    assert client.post("/api/uploads", headers=CHANGING | {"origin": "http://localhost"}).status_code == 200
    behind_a_proxy = {"host": "explorer.hospital.example", "origin": "https://explorer.hospital.example"}
    assert client.post("/api/uploads", headers=CHANGING | behind_a_proxy).status_code == 200
    assert client.post("/api/uploads", headers=CHANGING).status_code == 200  # not a browser


@pytest.mark.parametrize("header", [{}, {"x-explorer": "0"}])
def test_calls_that_change_something_need_the_header(client: TestClient, header: dict[str, str]) -> None:
    for method, path in (("POST", "uploads"), ("PUT", "uploads/x?name=y"), ("DELETE", "uploads/x"), ("POST", "jobs"), ("POST", "nothing")):
        answer = client.request(method, f"/api/{path}", headers=header)
        assert (answer.status_code, "x-explorer" in answer.json()["error"]) == (403, True)


def test_answers_tell_browsers_not_to_guess_frame_or_fetch(client: TestClient) -> None:
    for path in ("health", "nothing", "openapi.json"):
        headers = client.get(f"/api/{path}").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nothing", 404),
        ("", 404),
        ("collections/", 404),
        ("docs", 404),
        ("redoc", 404),
        ("..%2f..%2fetc/passwd", 404),
        ("collections/..%2f..%2fetc%2fpasswd", 404),
        ("collections/%2e%2e/thumb/0.jpg", 404),
        ("web/0123/%2e%2e%2fserver.py", 404),
        ("collections/x/thumb/-1.jpg", 404),
        ("collections/x/thumb/zero.jpg", 422),
        ("health/more", 404),
    ],
)
def test_what_is_not_there_is_json_and_says_so(client: TestClient, path: str, status: int) -> None:
    answer = client.get(f"/api/{path}")
    assert answer.status_code == status
    assert set(answer.json()) == {"error"} and answer.json()["error"]


def test_a_wrong_method_is_said_to_be_one(client: TestClient) -> None:
    assert client.delete("/api/health", headers=CHANGING).status_code == 405


def test_everything_lies_below_the_base_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(tmp_path, monkeypatch, base_path="/atlas/x/") as client:
        assert client.get("/atlas/x/api/health").json()["status"] == "ok"
        assert client.get("/atlas/x/api/nothing").json()["error"]
        assert client.post("/atlas/x/api/uploads").status_code == 403
        assert client.get("/api/health").status_code == 404
        document = client.get("/atlas/x/api/openapi.json").json()
        assert document["servers"] == [{"url": "/atlas/x/api"}]


def test_websockets_are_guarded_too() -> None:
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")

    app = Starlette(routes=[WebSocketRoute("/stream", talk)], middleware=[Middleware(Guard, allowed_hosts=(), api_path="/api")])
    client = TestClient(app, base_url="http://localhost:8501")
    for headers in ({"host": "localhost:8501", "origin": "http://localhost:8501"}, {"host": "localhost:8501"}):
        with client.websocket_connect("/stream", headers=headers) as socket:
            assert socket.receive_text() == "hello"
    for headers in ({"host": "evil.example"}, {"host": "localhost:8501", "origin": "http://evil.example"}):
        with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/stream", headers=headers):
            pytest.fail("it was let in")
        assert refused.value.code == 1008


def test_the_document_names_every_route(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {
        "/health", "/encoders", "/collections", "/collections/{collection}", "/collections/{collection}/items",
        "/collections/{collection}/search", "/collections/{collection}/search/image", "/collections/{collection}/thumb/{row}.jpg",
        "/collections/{collection}/patch/{row}.jpg", "/collections/{collection}/rows/{row}.json",
        "/collections/{collection}/trust/{key}/{column}.bin", "/collections/{collection}/overlap.bin",
        "/collections/{collection}/points/{key}.bin", "/collections/{collection}/groups/{key}.bin",
        "/collections/{collection}/column.bin", "/uploads", "/uploads/{upload_id}", "/jobs", "/jobs/{job_id}", "/jobs/{job_id}/log",
        "/jobs/{job_id}/cancel", "/jobs/{job_id}/resume",
    } == set(paths)  # fmt: skip
