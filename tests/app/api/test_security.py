"""Access control of the server, and the headers of every response."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import CHANGING, served
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from explorer.app.api import access
from explorer.app.api.access import Token
from explorer.app.api.security import Guard

HERE, ELSEWHERE = ("127.0.0.1", 50000), ("192.0.2.7", 50000)
GETTING = ["health", "encoders", "collections", "collections/x", "jobs", "openapi.json", "collections/x/thumb/0.jpg"]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with served(tmp_path, monkeypatch, allowed_hosts="explorer.hospital.example, Other.Example, ported.example:8443") as client:
        yield client


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client on another machine, that calls the server by its address."""
    with served(tmp_path, monkeypatch, peer=ELSEWHERE[0], allowed_hosts="explorer.hospital.example") as client:
        client.base_url = "http://192.0.2.1:8501"
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def routes(client: TestClient, **headers: str) -> list[tuple[str, str]]:
    """Method and path of every route of the OpenAPI document, with something in the place of each parameter."""
    paths = client.get("/api/openapi.json", headers=headers).json()["paths"]
    return [(method.upper(), "/api" + re.sub(r"{\w+}", "1", path)) for path, methods in paths.items() for method in methods]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8501", "127.0.0.1:80", "[::1]:8501", "explorer.hospital.example", "OTHER.example:1"]
)
def test_requests_to_names_of_this_server_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("path", GETTING)
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "[::1", "a b"]
)
def test_requests_to_other_host_names_are_refused_on_every_path(client: TestClient, host: str, path: str) -> None:
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


def test_responses_have_headers_against_sniffing_framing_and_loading(client: TestClient) -> None:
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
        ("collections/x/thumb/zero.jpg", 404),
        ("health/more", 404),
    ],
)
def test_an_unknown_address_gives_a_json_404(client: TestClient, path: str, status: int) -> None:
    answer = client.get(f"/api/{path}")
    assert answer.status_code == status
    assert set(answer.json()) == {"error"} and answer.json()["error"]


def test_a_wrong_method_gives_a_json_405(client: TestClient) -> None:
    assert client.delete("/api/health", headers=CHANGING).status_code == 405


def test_everything_lies_below_the_base_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(tmp_path, monkeypatch, base_path="/atlas/x/") as client:
        assert client.get("/atlas/x/api/health").json()["status"] == "ok"
        assert client.get("/atlas/x/api/nothing").json()["error"]
        assert client.post("/atlas/x/api/uploads").status_code == 403
        assert client.get("/api/health").status_code == 404
        document = client.get("/atlas/x/api/openapi.json").json()
        assert document["servers"] == [{"url": "/atlas/x/api"}]


def test_websockets_are_guarded_too(tmp_path: Path) -> None:
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")

    guard = Middleware(Guard, token=Token(tmp_path), api_path="/api", allowed_hosts=("lab.example.org",))
    app = Starlette(routes=[WebSocketRoute("/stream", talk)], middleware=[guard])
    client = TestClient(app, base_url="http://localhost:8501", client=HERE)
    behind_a_proxy = {"host": "lab.example.org", "origin": "https://lab.example.org:8443"}
    for headers in ({"host": "localhost:8501", "origin": "http://localhost:8501"}, {"host": "localhost:8501"}, behind_a_proxy):
        with client.websocket_connect("/stream", headers=headers) as socket:
            assert socket.receive_text() == "hello"
    for headers in ({"host": "evil.example"}, {"host": "localhost:8501", "origin": "http://evil.example"}):
        with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/stream", headers=headers):
            pytest.fail("it was let in")
        assert refused.value.code == 1008
    for token, outcome in (("", 1008), ("wrong", 1008), (Token(tmp_path).value(), "hello")):
        elsewhere = TestClient(app, base_url="http://192.0.2.1:8501", client=ELSEWHERE)
        headers = {"host": "192.0.2.1:8501"} | (bearer(token) if token else {})
        if outcome == "hello":
            with elsewhere.websocket_connect("/stream", headers=headers) as socket:
                assert socket.receive_text() == outcome
        else:
            with pytest.raises(WebSocketDisconnect) as refused, elsewhere.websocket_connect("/stream", headers=headers):
                pytest.fail("it was let in")
            assert refused.value.code == outcome


def test_the_document_names_every_route(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {
        "/health", "/encoders", "/collections", "/collections/{collection}", "/collections/{collection}/items",
        "/collections/{collection}/search", "/collections/{collection}/search/image", "/collections/{collection}/thumb/{row}.jpg",
        "/collections/{collection}/patch/{row}.jpg", "/collections/{collection}/rows/{row}.json",
        "/collections/{collection}/trust/{key}/{column}.bin", "/collections/{collection}/overlap.bin",
        "/collections/{collection}/points/{key}.bin", "/collections/{collection}/groups/{key}.bin",
        "/collections/{collection}/groups/{key}/names",
        "/collections/{collection}/column.bin", "/uploads", "/uploads/{upload_id}", "/jobs", "/jobs/{job_id}", "/jobs/{job_id}/log",
        "/jobs/{job_id}/cancel", "/jobs/{job_id}/resume",
        "/collections/{collection}/annotations", "/collections/{collection}/annotations/{entry_id}/undo",
        "/collections/{collection}/selections", "/collections/{collection}/selections/{key}",
    } == set(paths)  # fmt: skip


# --- from other machines ----------------------------------------------------------------------------------------------

PAGES = ["/", "/map", "/search", "/_stcore/health", "/_stcore/host-config", "/api", "/api/openapi.json", "/nothing"]


def test_every_route_and_page_needs_the_token_from_another_machine(elsewhere: TestClient, tmp_path: Path) -> None:
    token = Token(tmp_path).value()
    everything = routes(elsewhere, **bearer(token)) + [("GET", page) for page in PAGES]
    assert len(everything) > 30
    for method, path in everything:
        for headers in ({}, {"cookie": f"{Token(tmp_path).cookie_name()}=in.forged.signature"}):
            answer = elsewhere.request(method, path, headers=CHANGING | headers)
            assert (answer.status_code, "token" in answer.json()["error"]) == (401, True), (method, path)
        assert elsewhere.request(method, path, headers=CHANGING | bearer(token)).status_code not in (401, 403, 429), (method, path)


def test_a_wrong_token_opens_no_route(elsewhere: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MOST_WRONG", 10**6)
    token = Token(tmp_path).value()
    for method, path in routes(elsewhere, **bearer(token)) + [("GET", page) for page in PAGES]:
        for wrong in (token[:-1], token + "x", token.swapcase(), "Bearer", "é"):
            headers = {**CHANGING, "authorization": f"Bearer {wrong}".encode()}
            assert elsewhere.request(method, path, headers=headers).status_code == 401, (method, path)


@pytest.mark.parametrize("host", ["localhost", "localhost:8501", "127.0.0.1:8501", "[::1]:8501", "explorer.hospital.example"])
def test_a_localhost_host_header_from_another_machine_still_needs_the_token(elsewhere: TestClient, tmp_path: Path, host: str) -> None:
    assert elsewhere.get("/api/health", headers={"host": host}).status_code == 401
    with_token = bearer(Token(tmp_path).value())  # as from a container, whose peer is its gateway
    assert elsewhere.get("/api/health", headers={"host": host} | with_token).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "0.0.0.0"])
def test_an_unknown_name_is_refused_even_with_the_token(elsewhere: TestClient, tmp_path: Path, host: str) -> None:
    for headers in ({}, bearer(Token(tmp_path).value())):
        assert elsewhere.get("/api/health", headers={"host": host} | headers).status_code == 403


@pytest.mark.parametrize("forwarding", ["x-forwarded-for", "x-real-ip", "forwarded"])
def test_forwarding_headers_are_ignored_by_default(client: TestClient, elsewhere: TestClient, forwarding: str, tmp_path: Path) -> None:
    assert elsewhere.get("/api/health", headers={forwarding: "127.0.0.1"}).status_code == 401
    forged = {"host": "localhost", "x-forwarded-host": "localhost", forwarding: "127.0.0.1"}
    assert elsewhere.get("/api/health", headers=forged).status_code == 401
    through_a_proxy = {"host": "localhost", forwarding: "203.0.113.5"}  # that calls itself localhost
    assert client.get("/api/health", headers=through_a_proxy).status_code == 401


def test_the_link_is_answered_by_a_cookie_and_the_token_leaves_the_address(elsewhere: TestClient, tmp_path: Path) -> None:
    token = Token(tmp_path)
    answer = elsewhere.get(f"/map?collection=a%26b&token={token.value()}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/map?collection=a%26b")
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/")) and token.value() not in cookie
    assert "Secure" not in cookie
    assert elsewhere.get("/api/health").status_code == 200
    assert elsewhere.post("/api/uploads", headers=CHANGING | {"origin": "http://192.0.2.1:8501"}).status_code == 200
    assert elsewhere.post("/api/uploads", headers=CHANGING | {"origin": "http://evil.example"}).status_code == 403
    token.renew()
    assert elsewhere.get("/api/health").status_code == 401


def test_a_link_leads_to_this_server_only(elsewhere: TestClient, tmp_path: Path) -> None:
    answer = elsewhere.get(f"http://192.0.2.1:8501//evil.example/?token={Token(tmp_path).value()}")
    assert answer.headers["location"] == "/evil.example/"


def test_a_browser_without_the_token_is_asked_for_it(elsewhere: TestClient) -> None:
    answer = elsewhere.get("/map?x=%22%3E", headers={"accept": "text/html"})
    assert answer.status_code == 401 and 'name="token"' in answer.text and 'action="/map"' in answer.text


def test_wrong_tokens_are_slowed_down(elsewhere: TestClient, tmp_path: Path) -> None:
    right = bearer(Token(tmp_path).value())
    assert elsewhere.get("/api/health", headers=right).status_code == 200
    for _ in range(access.MOST_WRONG):
        assert elsewhere.get("/api/health?token=guess").status_code == 401
    assert elsewhere.get("/api/health", headers=right).status_code == 429
    came_in_before = {"cookie": f"{Token(tmp_path).cookie_name()}={Token(tmp_path).cookie()}"}
    assert elsewhere.get("/api/health", headers=came_in_before).status_code == 200


def test_the_token_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    token = Token(tmp_path)
    assert len(token.value()) >= 43 and Token(tmp_path).value() == token.value()
    assert token.path.stat().st_mode & 0o777 == 0o600
    assert token.matches(token.value()) and not token.matches("") and not token.matches(token.value() + "é")
    old, cookie = token.value(), token.cookie()
    assert token.signed(cookie) and not token.signed(cookie[:-1]) and not token.signed("")
    assert token.renew() != old and not token.matches(old) and not token.signed(cookie)


def test_a_cookie_ends_after_a_month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    token, now_s = Token(tmp_path), time.time()
    cookie = token.cookie()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now_s + access.COOKIE_LIFE_S + 5)
    assert not token.signed(cookie)


# --- behind a proxy ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("ported.example", "https://ported.example:8443", 200),  # the proxy loses the port on the way
        ("ported.example:8443", "https://ported.example:8443", 200),
        ("ported.example", "https://ported.example:9999", 403),
        ("ported.example", "https://ported.example.evil:8443", 403),
        ("explorer.hospital.example", "https://explorer.hospital.example:8443", 200),
        ("explorer.hospital.example", "https://ported.example:8443", 403),
        ("localhost", "https://ported.example:8443", 403),
        ("localhost", "ftp://localhost", 403),
    ],
)
def test_a_proxy_may_have_a_port_of_its_own(client: TestClient, host: str, origin: str, status: int) -> None:
    answer = client.post("/api/uploads", headers=CHANGING | {"host": host, "origin": origin})
    assert answer.status_code == status
    assert status == 200 or "EXPLORER_ALLOWED_HOSTS" in answer.json()["error"]


def test_a_trusted_proxy_says_who_calls_and_by_which_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"host": "127.0.0.1:8501", "x-forwarded-host": "lab.example.org:8443", "x-forwarded-proto": "https"}
    with served(tmp_path, monkeypatch, allowed_hosts="lab.example.org", trusted_proxies="127.0.0.1, 10.0.0.0/8") as client:
        outside = told | {"x-forwarded-for": "127.0.0.1, 203.0.113.5, 10.1.2.3"}  # the first was sent by the caller
        assert client.get("/api/health", headers=outside).status_code == 401
        link = client.get(f"/?token={Token(tmp_path).value()}", headers=outside)
        assert link.status_code == 303 and "Secure" in link.headers["set-cookie"]
        changing = CHANGING | {"origin": "https://lab.example.org:8443"}
        assert client.post("/api/uploads", headers=outside | changing | bearer(Token(tmp_path).value())).status_code == 200
        other_name = outside | {"x-forwarded-host": "evil.example"} | bearer(Token(tmp_path).value())
        assert client.get("/api/health", headers=other_name).status_code == 403
        assert client.get("/api/health").status_code == 200  # this machine itself
