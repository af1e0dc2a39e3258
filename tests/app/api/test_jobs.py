"""Jobs as a browser starts, watches and stops them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import write_patches
from served import CHANGING, make_collection, served
from starlette.testclient import TestClient

from explorer import jobs

PATIENCE_S = 120.0


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    with served(tmp_path / "home", monkeypatch, allowed_roots=f"{tmp_path / 'allowed'}{os.pathsep}{tmp_path / 'too'}") as client:
        yield client


def start(client: TestClient, **asked: Any) -> Any:
    return client.post("/api/jobs", json=asked, headers=CHANGING)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)


def test_uploaded_patches_become_a_collection_and_are_deleted_with_it(client: TestClient, tmp_path: Path) -> None:
    upload_id = client.post("/api/uploads", headers=CHANGING).json()["upload_id"]
    hostile = "<img src=x onerror=alert(1)>.png"
    for path in write_patches(tmp_path / "crc", per_class=4).rglob("*.png"):
        name = path.relative_to(tmp_path).as_posix().replace("tum-000.png", hostile)
        client.put(f"/api/uploads/{upload_id}", params={"name": name}, content=path.read_bytes(), headers=CHANGING)
    answer = start(client, verb="build", name="crc", upload=upload_id)
    assert answer.status_code == 201
    job_id = answer.json()["id"]
    assert answer.json()["title"] == "Build crc" and answer.json()["collection"] == "crc"
    until(lambda: client.get(f"/api/jobs/{job_id}").json()["state"] not in ("waiting", "running"))
    job = client.get(f"/api/jobs/{job_id}").json()
    assert (job["state"], job["error"]) == ("done", None), client.get(f"/api/jobs/{job_id}/log").json()
    assert (job["done"], job["total"]) == (1, 1)
    found = client.get("/api/collections/crc").json()
    assert (found["rows"], found["source"], found["labels"]) == (12, "upload", {"TUM": 4, "STR": 4, "LYM": 4})
    rows = client.get("/api/collections/crc/items").json()["items"]
    assert f"crc/TUM/{hostile}" in [row["id"] for row in rows]
    whole = [answer, client.get("/api/jobs"), client.get(f"/api/jobs/{job_id}/log"), client.get("/api/collections/crc")]
    assert not any(str(tmp_path) in one.text or upload_id in one.text for one in whole)
    assert client.delete(f"/api/uploads/{upload_id}", headers=CHANGING).status_code == 409  # it is made from it
    assert client.delete(f"/api/jobs/{job_id}", headers=CHANGING).status_code == 200
    assert client.delete("/api/collections/crc", headers=CHANGING).status_code == 200
    assert client.get(f"/api/uploads/{upload_id}").status_code == 404


def test_a_job_is_watched_stopped_resumed_and_forgotten(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "allowed").mkdir()
    os.mkfifo(tmp_path / "allowed" / "endless.csv")  # reading it never ends
    asked = {"verb": "build", "name": "endless", "path": str(tmp_path / "allowed" / "endless.csv")}
    job = start(client, **asked).json()
    assert job["state"] in ("waiting", "running") and client.get("/api/jobs").json()[0]["id"] == job["id"]
    again = start(client, **asked)
    assert again.status_code == 409 and "already" in again.json()["error"]
    address = f"/api/jobs/{job['id']}"
    assert client.delete(address, headers=CHANGING).status_code == 409
    assert client.post(f"{address}/resume", headers=CHANGING).status_code == 409
    assert client.post(f"{address}/cancel", headers=CHANGING).json()["state"] == "cancelled"
    assert client.post(f"{address}/cancel", headers=CHANGING).status_code == 409
    resumed = client.post(f"{address}/resume", headers=CHANGING).json()
    assert resumed["state"] in ("waiting", "running") and client.get(address).status_code == 404
    address = f"/api/jobs/{resumed['id']}"
    client.post(f"{address}/cancel", headers=CHANGING)
    assert client.delete(address, headers=CHANGING).status_code == 200
    assert client.get("/api/jobs").json() == []


def test_a_failed_job_says_why_without_naming_places(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "allowed" / "empty").mkdir(parents=True)
    job = start(client, verb="build", name="none", path=str(tmp_path / "allowed" / "empty")).json()
    until(lambda: client.get(f"/api/jobs/{job['id']}").json()["state"] not in ("waiting", "running"))
    failed = client.get(f"/api/jobs/{job['id']}").json()
    assert failed["state"] == "failed" and failed["error"].startswith("Folder empty is empty")


@pytest.mark.parametrize(
    "path",
    [
        "/etc",
        "/",
        "relative",
        "~",
        "{root}/nowhere",
        "{root}/../too near",
        "{root}/.hidden",
        "{root}/link",
        "{root}/link/TUM",
        "{root}2",
        "{root}\0",
        "C:\\",
    ],
)
def test_only_what_lies_under_an_allowed_root_is_built_from(client: TestClient, tmp_path: Path, path: str) -> None:
    write_patches(tmp_path / "too near")
    write_patches(tmp_path / "allowed" / ".hidden")
    (tmp_path / "allowed" / "link").symlink_to(tmp_path / "too near")
    write_patches(tmp_path / "allowed2")
    answer = start(client, verb="build", name="x", path=path.format(root=tmp_path / "allowed"))
    assert answer.status_code == 422 and answer.json()["error"]
    assert client.get("/api/jobs").json() == []


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 422),
        ({"verb": "juggle", "name": "x"}, 422),
        ({"verb": "remove", "name": "small"}, 422),
        ({"verb": "build", "name": "x"}, 422),
        ({"verb": "build", "name": "x", "path": "/a", "upload": "b"}, 422),
        ({"verb": "build", "name": "x", "upload": "0" * 32}, 404),
        ({"verb": "build", "name": "../x", "path": "{allowed}"}, 422),
        ({"verb": "build", "name": "--help", "path": "{allowed}"}, 422),
        ({"verb": "build", "name": "x", "path": "{allowed}", "encoder": "nothing"}, 422),
        ({"verb": "build", "name": "small", "path": "{allowed}"}, 409),
        ({"verb": "build", "name": "x", "path": "{allowed}", "option": "root=/"}, 422),
        ({"verb": "embed", "name": "nothing", "encoder": "descriptor"}, 404),
        ({"verb": "embed", "name": "small", "encoder": "nothing"}, 422),
        ({"verb": "project", "name": "nothing"}, 404),
        ({"verb": "project", "name": "small", "encoder": "kaiko-vits16"}, 404),
        ({"verb": "project", "name": "small", "method": "tsne"}, 422),
        ({"verb": "project", "name": "small", "n_neighbors": 1}, 422),
        ({"verb": "cluster", "name": "small", "n_clusters": "many"}, 422),
        ({"verb": "cluster", "name": "small", "resolution": -1}, 422),
    ],
)
def test_requests_that_cannot_be_run_are_refused(client: TestClient, tmp_path: Path, asked: dict[str, Any], status: int) -> None:
    make_collection(tmp_path / "home", per_class=3)
    write_patches(tmp_path / "allowed")
    asked = {key: value.format(allowed=tmp_path / "allowed") for key, value in asked.items() if isinstance(value, str)} | {
        key: value for key, value in asked.items() if not isinstance(value, str)
    }
    answer = start(client, **asked)
    assert answer.status_code == status and answer.json()["error"]
    assert client.get("/api/jobs").json() == []


def test_project_and_cluster_jobs_make_another_map_and_clustering(client: TestClient, tmp_path: Path) -> None:
    make_collection(tmp_path / "home", per_class=6)
    asked = [
        {"verb": "project", "name": "small", "method": "umap", "n_neighbors": 5},
        {"verb": "cluster", "name": "small", "method": "kmeans", "n_clusters": 2},
    ]
    started = [start(client, **one).json()["id"] for one in asked]
    busy = client.delete("/api/collections/small", headers=CHANGING)
    assert busy.status_code == 409 and "running" in busy.json()["error"]
    until(lambda: all(client.get(f"/api/jobs/{job}").json()["state"] not in ("waiting", "running") for job in started))
    assert [client.get(f"/api/jobs/{job}").json()["error"] for job in started] == [None, None]
    made = client.get("/api/collections/small").json()["artifacts"]
    assert sum(artifact["kind"] == "projections" for artifact in made) == 2
    assert any(artifact["recipe"].get("n_clusters") == 2 for artifact in made)


@pytest.mark.parametrize("job_id", ["nothing", "..%2f..", "..", "%00"])
def test_an_unknown_job_id_is_not_found(client: TestClient, job_id: str) -> None:
    for method, rest in (("GET", ""), ("GET", "/log"), ("POST", "/cancel"), ("POST", "/resume"), ("DELETE", "")):
        assert client.request(method, f"/api/jobs/{job_id}{rest}", headers=CHANGING).status_code in (404, 405)


def test_a_job_that_embeds_by_another_encoder_builds_from_the_same_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.app.shared import job_requests

    collection = make_collection(tmp_path / "home", per_class=3)
    with served(tmp_path / "home", monkeypatch):
        command = job_requests.Embed(name="small", encoder="descriptor").command()
    made_from = collection.record["source"]
    asked = ["--name", "small", "--encoder", "descriptor", "--kind", made_from["kind"]]
    assert command == ["build", *asked, "--", made_from["uri"]]
    job = jobs.start(tmp_path / "home", command, title="again", collection="small")
    until(lambda: not job.is_active())
    assert job.state() == "done", job.log()
    collection.notice_changes()
    assert set(collection.encoder_names()) == {"descriptor", "mean-colour"}
