"""Downloads: resumed byte by byte while the file is the same one, https only, a token kept to its server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import Served, serving

from explorer.storage.download import discard, finish, is_safe, resume

CONTENT = bytes(range(256)) * 500


@pytest.fixture
def server() -> Iterator[Served]:
    with serving() as served:
        served.files["/file"] = CONTENT
        yield served


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / ".file.part"


def bring(server: Served, part: Path) -> tuple[int, int | None]:
    return list(resume(f"{server.url}/file", part))[-1]


def cut(server: Served, part: Path, after: int) -> None:
    server.cuts = [after, 0]
    with pytest.raises(OSError, match=f"cut after {after} of"):
        bring(server, part)
    server.asked.clear()


def test_a_cut_download_asks_for_the_rest_only(server: Served, part: Path) -> None:
    server.etag = '"one"'
    cut(server, part, 1000)
    assert bring(server, part) == (len(CONTENT), len(CONTENT))
    assert server.asked == [("/file", "bytes=1000-")]
    assert server.headers[-1]["If-Range"] == '"one"'
    finish(part, part.with_name("file"))
    assert [(p.name, p.read_bytes()) for p in part.parent.iterdir()] == [("file", CONTENT)]


def test_a_file_that_changed_on_the_server_is_fetched_from_its_start(server: Served, part: Path) -> None:
    server.etag = '"one"'
    cut(server, part, 1000)
    server.etag, server.files["/file"] = '"two"', CONTENT[::-1]
    bring(server, part)
    assert part.read_bytes() == CONTENT[::-1]


def test_a_part_from_another_address_is_not_resumed(server: Served, part: Path) -> None:
    cut(server, part, 1000)
    server.files["/other"] = CONTENT[::-1]
    list(resume(f"{server.url}/other", part))
    assert server.asked == [("/other", None)] and part.read_bytes() == CONTENT[::-1]


def test_a_part_without_a_record_is_not_resumed(server: Served, part: Path) -> None:
    part.write_bytes(b"leftover")
    bring(server, part)
    assert server.asked == [("/file", None)] and part.read_bytes() == CONTENT


def test_a_complete_part_is_not_downloaded_again(server: Served, part: Path) -> None:
    bring(server, part)
    server.asked.clear()
    assert bring(server, part) == (len(CONTENT), len(CONTENT))
    assert server.asked == [("/file", f"bytes={len(CONTENT)}-")] and part.read_bytes() == CONTENT
    discard(part)
    assert list(part.parent.iterdir()) == []


def test_a_token_is_not_sent_to_another_server(server: Served, part: Path) -> None:
    with serving() as other:
        other.files["/file"] = CONTENT
        server.send_on = f"{other.url}/file"
        list(resume(f"{server.url}/file", part, {"Authorization": "Bearer secret"}))
        assert server.headers[-1]["Authorization"] == "Bearer secret"
        assert "Authorization" not in other.headers[-1]
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.org/x", True), ("http://127.0.0.1:80/x", True), ("http://localhost/x", True), ("http://[::1]:80/x", True),
        ("http://example.org/x", False), ("ftp://localhost/x", False), ("file:///x", False), ("http://localhost.evil.example/x", False),
    ],
)  # fmt: skip
def test_only_https_and_this_machine_are_safe(url: str, safe: bool) -> None:
    assert is_safe(url) is safe
