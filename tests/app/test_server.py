"""The app in its own process: Streamlit's pages and our routes together, by the command people type."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from running import ROOT, Running, running
from served import CHANGING, make_collection

from explorer.app import server

BASE = "/atlas/x"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("running")
    make_collection(folder / "home", per_class=4)
    with running(folder / "home", "--base-path", BASE, log=folder / "log", path=BASE) as app:
        yield app


def test_pages_and_routes_lie_below_the_base_path(app: Running) -> None:
    page = httpx.get(app.url + "/")
    assert page.status_code == 200 and "<html" in page.text
    assert httpx.get(app.url + "/api/collections").json()[0]["name"] == "small"
    for path in ("/api", "/api/", "/api/nothing"):
        unknown = httpx.get(app.url + path)
        assert unknown.status_code == 404 and unknown.json()["error"]


@pytest.mark.parametrize("path", ["/", "/map", "/search?collection=small"])
def test_every_page_knows_where_its_server_is(app: Running, path: str) -> None:
    answer = httpx.get(app.url + path, headers={"accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 200 and answer.text.count(f'BACKEND_BASE_URL: window.location.origin + "{BASE}"') == 1
    assert int(answer.headers["content-length"]) == len(answer.content) and answer.text.rstrip().endswith("</html>")


def test_streamlit_s_own_routes_are_guarded(app: Running) -> None:
    for path in ("/", "/_stcore/health", "/_stcore/host-config"):
        assert httpx.get(app.url + path).status_code == 200
        assert httpx.get(app.url + path, headers={"host": "evil.example"}).status_code == 403
    upload = httpx.put(app.url + "/_stcore/upload_file/x/y", headers={"origin": "http://evil.example"})
    assert upload.status_code == 403 and "another site" in upload.json()["error"]


def test_pages_may_load_nothing_from_other_servers(app: Running) -> None:
    policy = httpx.get(app.url + "/").headers["content-security-policy"]
    assert "http" not in policy and "*" not in policy and "default-src 'self'" in policy


@pytest.mark.parametrize(
    "path", ["..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "collections/..%2f/thumb/0.jpg", "%5c%5cevil%5cshare"]
)
def test_no_path_leads_outside_the_served_files(app: Running, path: str) -> None:
    answer = httpx.get(f"{app.url}/api/{path}")
    assert answer.status_code in (400, 403, 404) and "root:" not in answer.text


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_memory_stays_flat_while_files_come_in(app: Running) -> None:
    def pieces(n_bytes: int) -> Iterator[bytes]:
        piece = bytes(64 * 1024)
        for _ in range(n_bytes // len(piece)):
            yield piece

    upload_id = httpx.post(app.url + "/api/uploads", headers=CHANGING).json()["upload_id"]
    before = app.memory_bytes
    for number in range(2):
        answer = httpx.put(
            f"{app.url}/api/uploads/{upload_id}",
            params={"name": f"{number}.png"},
            content=pieces(100_000_000),
            headers=CHANGING,
            timeout=120,
        )
        assert answer.status_code == 200
    assert app.memory_bytes - before < 100_000_000
    httpx.delete(f"{app.url}/api/uploads/{upload_id}", headers=CHANGING)


def test_importing_the_server_is_light() -> None:
    code = "import sys; from explorer.app import server; print(sorted({'torch', 'umap', 'faiss', 'timm', 'sklearn'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"


def test_a_checkout_and_the_command_use_the_same_theme() -> None:
    assert (ROOT / ".streamlit" / "config.toml").read_bytes() == (Path(server.__file__).parent / "ui" / "theme.toml").read_bytes()


def test_every_option_is_one_of_streamlit_s() -> None:
    from streamlit import config

    assert set(server.config()) <= set(config.get_config_options())
    assert server.config()["browser.gatherUsageStats"] is False
    assert server.config()["server.address"] == "localhost"
    colours = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]
    assert {"light", "dark"} <= set(colours)


def test_a_busy_port_is_passed_over(app: Running, tmp_path: Path) -> None:
    import socket
    from contextlib import closing

    from explorer.cli.app import _free_port

    with closing(socket.socket()) as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert _free_port("localhost", port) > port


def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_head() -> None:
    import socket
    from contextlib import closing

    from streamlit.web.server.starlette import starlette_server

    server.answer_at_once()
    with closing(starlette_server._bind_socket("127.0.0.1", 0, 1)) as listening:
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_of_another_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import socket

    from explorer.cli.app import _free_port
    from explorer.errors import InputError

    def bind(self: socket.socket, address: object) -> None:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(socket.socket, "bind", bind)
    with pytest.raises(InputError, match=r"'127\.0\.0\.9' is no address of this machine .*--host"):
        _free_port("127.0.0.9", 8501)


def test_the_app_says_that_it_has_stopped_when_it_is_terminated(tmp_path: Path) -> None:
    with running(tmp_path / "home", log=tmp_path / "log") as served:
        pass
    text = (tmp_path / "log").read_text()
    assert "The explorer has stopped; jobs that were started go on." in text and "same command" not in text
    assert served.process.returncode == 0
