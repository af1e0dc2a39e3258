"""Uploads: no file name becomes a path, no file is held in memory, and a complete upload can be built from."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import write_patches
from hypothesis import given
from hypothesis import strategies as st
from served import CHANGING, served
from starlette.testclient import TestClient

from explorer.app.shared import uploads
from explorer.errors import InputError, SourceError
from explorer.sources import open_source
from explorer.sources.folder_layout import leaves_root
from explorer.sources.uploads import NAMES

HOSTILE = [
    "<img src=x onerror=alert(1)>.png",
    "../../../etc/passwd.png",
    "/etc/cron.d/x.png",
    "C:\\Windows\\System32\\x.png",
    "..\\..\\x.png",
    "TUM/../../STR/x.png",
    "con.png",
    "nul",
    "a" * 3000 + ".png",
    "/".join(["deep"] * 300) + "/x.png",
    "new\nline\r\0nul.png",
    "zero\u200bwidth\u202egnp.exe.png",
    ".htaccess",
    "ünïcödé/日本.png",
    "' ; DROP TABLE items; --.png",
    "names.jsonl",
    ".explorer-upload.jsonl",
    "%2e%2e%2fx.png",
]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with served(tmp_path / "home", monkeypatch, max_upload_bytes="1000000") as client:
        yield client


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def begin(client: TestClient) -> str:
    answer = client.post("/api/uploads", headers=CHANGING)
    assert answer.status_code == 200
    return str(answer.json()["upload_id"])


def put(client: TestClient, upload_id: str, name: str, data: bytes) -> int:
    return client.put(f"/api/uploads/{upload_id}", params={"name": name}, content=data, headers=CHANGING).status_code


def send_folder(client: TestClient, folder: Path) -> str:
    upload_id = begin(client)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            assert put(client, upload_id, path.relative_to(folder.parent).as_posix(), path.read_bytes()) == 200
    return upload_id


def test_a_folder_that_was_sent_is_a_source_like_the_folder(client: TestClient, home: Path, tmp_path: Path) -> None:
    folder = write_patches(tmp_path / "my patches", per_class=2)
    (folder / "TUM" / "notes.txt").write_text("by hand")
    (folder / "labels.csv").write_text("file,patient\nTUM/tum-000.png,P1\n")
    there, here = open_source(uploads.find(home, send_folder(client, folder)).source()), open_source(folder)
    assert there.kind == "upload"
    assert [(f"my patches/{item.uri}", item.label, item.patient) for item in here.items()] == [
        (item.uri, item.label, item.patient) for item in there.items()
    ]
    assert [reject.reason for reject in there.rejects()] == [reject.reason for reject in here.rejects()]
    for near, far in zip(here.items(), there.items(), strict=True):
        assert (here.read(near.uri) == there.read(far.uri)).all()


def test_an_archive_that_was_sent_alone_is_the_source(client: TestClient, home: Path, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in write_patches(tmp_path / "p", per_class=1).rglob("*.png"):
            archive.write(path, path.relative_to(tmp_path / "p").as_posix())
    upload_id = begin(client)
    assert put(client, upload_id, "../Patches.ZIP", packed.getvalue()) == 200
    source = open_source(uploads.find(home, upload_id).source())
    assert (source.kind, {item.label for item in source.items()}) == ("zip", {"TUM", "STR", "LYM"})
    assert put(client, upload_id, "a.png", b"x") == 200
    with pytest.raises(InputError, match="bring it alone"):
        uploads.find(home, upload_id).source()


@pytest.mark.parametrize("name", HOSTILE)
def test_no_file_name_leads_outside_the_upload(client: TestClient, home: Path, tmp_path: Path, name: str) -> None:
    upload_id = begin(client)
    assert put(client, upload_id, name, b"content") == 200
    folder = home / uploads.FOLDER / upload_id
    (stored,) = (path for path in folder.iterdir() if path.name != NAMES)
    assert stored.read_bytes() == b"content"
    assert all(character in "0123456789abcdef" for character in stored.name)
    assert list(tmp_path.iterdir()) == [home]
    (shown,) = client.get(f"/api/uploads/{upload_id}").json()["names"]
    assert not leaves_root(shown) and len(shown) < 5000


def test_a_hostile_name_is_kept_as_text(client: TestClient) -> None:
    upload_id = begin(client)
    put(client, upload_id, f"cases/{HOSTILE[0]}", b"x")
    assert client.get(f"/api/uploads/{upload_id}").json()["names"] == [f"cases/{HOSTILE[0]}"]


@given(st.text(max_size=300))
def test_a_safe_name_stays_inside_and_is_safe_already(name: str) -> None:
    try:
        safe = uploads.safe_name(name)
    except InputError:
        return
    assert safe and not leaves_root(safe) and "\\" not in safe and "" not in safe.split("/")
    assert all(len(part) <= uploads.MOST_NAME for part in safe.split("/"))
    json.dumps(safe).encode()
    assert uploads.safe_name(safe) == safe


@pytest.mark.parametrize("name", ["", "/", "./", "\\"])
def test_a_file_needs_a_name(client: TestClient, name: str) -> None:
    assert put(client, begin(client), name, b"x") == 422


def test_a_file_sent_again_replaces_the_first(client: TestClient, home: Path) -> None:
    upload_id = begin(client)
    put(client, upload_id, "TUM/a.txt", b"first")
    put(client, upload_id, "TUM/a.txt", b"second")
    upload = uploads.find(home, upload_id)
    assert upload.names() == ["TUM/a.txt"]
    with pytest.raises(SourceError, match="no pictures"):
        open_source(upload.source()).items()


def test_too_large_uploads_are_refused_before_and_while_they_are_received(client: TestClient, home: Path) -> None:
    upload_id = begin(client)
    assert put(client, upload_id, "a.png", b"x" * 600_000) == 200
    assert put(client, upload_id, "b.png", b"x" * 600_000) == 413  # announced

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 50_000

    answer = client.put(f"/api/uploads/{upload_id}", params={"name": "c.png"}, content=endless(), headers=CHANGING)
    assert answer.status_code == 413 and "larger" in answer.json()["error"]  # not announced
    folder = home / uploads.FOLDER / upload_id
    assert sorted(path.stat().st_size for path in folder.iterdir() if path.name != NAMES) == [600_000]
    assert put(client, upload_id, "d.png", b"x" * 300_000) == 200  # what was refused does not count


def test_a_restart_of_the_server_forgets_no_byte_of_an_upload(client: TestClient) -> None:
    upload_id = begin(client)
    assert put(client, upload_id, "a.png", b"x" * 600_000) == 200
    uploads._arrived.clear()  # what a new process knows
    assert put(client, upload_id, "b.png", b"x" * 600_000) == 413
    assert put(client, upload_id, "c.png", b"x" * 300_000) == 200


def test_a_full_disk_is_said_to_be_full(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda path: usage(10**12, 10**12, 10**9))
    assert put(client, begin(client), "a.png", b"x" * 1000) == 507


@pytest.mark.parametrize("upload_id", ["nothing", "0" * 32, "..%2f..", "a" * 31, "../x"])
def test_an_unknown_upload_id_is_not_found(client: TestClient, upload_id: str) -> None:
    for method in ("PUT", "GET", "DELETE"):
        answer = client.request(method, f"/api/uploads/{upload_id}?name=x", headers=CHANGING)
        assert answer.status_code == 404


def test_uploads_are_not_listed_and_can_be_thrown_away(client: TestClient, home: Path) -> None:
    upload_id = begin(client)
    put(client, upload_id, "a.png", b"x")
    assert client.get("/api/uploads").status_code in (404, 405)
    assert client.delete(f"/api/uploads/{upload_id}", headers=CHANGING).status_code == 200
    assert not (home / uploads.FOLDER / upload_id).exists()
    assert put(client, upload_id, "b.png", b"x") == 404


def test_a_server_throws_away_old_uploads_when_it_starts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, young = uploads.begin(home), uploads.begin(home)
    os.utime(old.path, (time.time() - uploads.UNUSED_LIFE_S - 60,) * 2)
    (home / "broken").mkdir()
    (home / "broken" / "collection.json").write_text("{")  # its pictures might be among them
    with served(home, monkeypatch):
        assert old.path.exists()
    (home / "broken" / "collection.json").unlink()
    with served(home, monkeypatch):
        assert not old.path.exists() and young.path.exists()


def test_unused_uploads_are_deleted_after_a_day(home: Path, tmp_path: Path) -> None:
    old, used, young = (uploads.begin(home) for _ in range(3))
    for upload in (old, used):
        os.utime(upload.path, (time.time() - uploads.UNUSED_LIFE_S - 60,) * 2)
    uploads.remove_unused(home, used={used.path.resolve() / "0123.zip", tmp_path})
    assert [upload.path.exists() for upload in (old, used, young)] == [False, True, True]
    uploads.remove_orphan(home, used.path.resolve() / "0123.zip", used={used.path.resolve()})
    assert used.path.exists()
    uploads.remove_orphan(home, used.path.resolve() / "0123.zip", used=set())
    uploads.remove_orphan(home, tmp_path, used=set())
    assert not used.path.exists() and tmp_path.exists()
