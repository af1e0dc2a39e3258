"""``explorer demo --real``: real tissue and a real model, fetched from a server on this machine that holds miniatures of both."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import replicas
import timm
import torch
from click.testing import CliRunner, Result
from file_server import Served, serving

from explorer.app.shared import job_requests
from explorer.cli import main
from explorer.collection import open_collection
from explorer.encoders import spec
from explorer.sources.benchmark_table import BENCHMARKS

ZIP, WEIGHTS = "/crc/CRC-VAL-HE-7K.zip", "/kaiko-vits16/vits16.pth"
NAME = "crc-val-he-7k"


@pytest.fixture(scope="module")
def weight_file() -> bytes:
    torch.manual_seed(0)
    model = spec("kaiko-vits16")
    out = io.BytesIO()
    torch.save(timm.create_model(model.architecture, num_classes=0, **model.kwargs).state_dict(), out)
    return out.getvalue()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weight_file: bytes) -> Iterator[Served]:
    replicas.shrink(monkeypatch, "crc-val")
    data = replicas.zipped(replicas.crc(tmp_path / "made"), "CRC-VAL-HE-7K")
    known = BENCHMARKS["crc-val"]
    monkeypatch.setitem(BENCHMARKS, "crc-val", replace(known, remotes=(replace(known.remotes[0], md5=replicas.md5(data)),)))
    with serving() as served:
        served.files = {ZIP: data, WEIGHTS: weight_file}
        monkeypatch.setenv("EXPLORER_DATA_MIRROR", served.url)
        monkeypatch.setenv("EXPLORER_WEIGHTS_MIRROR", served.url)
        yield served


def call(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(tmp_path / "home"), "demo", "--real", *arguments], catch_exceptions=False)


def test_real_tissue_and_a_real_model_become_a_collection(server: Served, tmp_path: Path) -> None:
    result = call(tmp_path, "--accept-licence", "--json")
    assert result.exit_code == 0, result.stderr
    assert "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Name its authors." in result.stderr
    assert "Kaiko Non-Commercial Public License" in result.stderr and "not for commercial use" in result.stderr
    shown = json.loads(result.stdout)
    assert (shown["collection"], shown["rows"], len(shown["labels"])) == (NAME, 18, 9)
    assert {made["kind"] for made in shown["artifacts"]} == {"thumbnails", "embeddings", "neighbours", "projections", "clusters"}
    collection = open_collection(NAME, home=tmp_path / "home")
    assert collection.encoder_names() == ["kaiko-vits16"]
    assert set(collection.items["mpp"]) == {0.5}
    assert collection.image(0).shape == (16, 16, 3)
    assert [path for path, _ in server.asked] == [ZIP, WEIGHTS]
    again = call(tmp_path)
    assert again.exit_code == 0, again.stderr
    assert "Patches like row 0 (ADI)" in again.stdout and "synthetic" not in again.stdout
    assert len(server.asked) == 2, "what is here is neither fetched nor asked about again"


def test_the_app_embeds_it_by_another_model_with_the_same_command(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.app.shared import cache

    assert call(tmp_path, "--accept-licence").exit_code == 0
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    cache.settings.cache_clear()
    command = job_requests.Embed(name=NAME, encoder="descriptor").command()
    result = CliRunner().invoke(main, ["--home", str(tmp_path / "home"), *command], catch_exceptions=False)
    cache.settings.cache_clear()
    assert result.exit_code == 0, result.stderr
    assert sorted(open_collection(NAME, home=tmp_path / "home").encoder_names()) == ["descriptor", "kaiko-vits16"]


def test_nothing_is_fetched_before_the_licences_are_accepted(server: Served, tmp_path: Path) -> None:
    result = call(tmp_path)
    assert (result.exit_code, result.stdout, server.asked) == (1, "", [])
    (said,) = [line for line in result.stderr.splitlines() if line.startswith("explorer: ")]
    assert said == (
        "explorer: CRC-VAL-HE-7K (800 MB) and the weights of Kaiko ViT-S/16 (87 MB) have to be fetched under their licences; "
        "read these above and say --accept-licence."
    )


def test_a_user_can_decline_the_licences(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("explorer.cli.build"), "is_terminal", lambda: True)  # the package names the command "build"
    refused = CliRunner().invoke(main, ["--home", str(tmp_path / "home"), "demo", "--real"], input="n\n")
    assert (refused.exit_code, server.asked) == (1, [])
    assert "Fetch CRC-VAL-HE-7K (800 MB) and the weights of Kaiko ViT-S/16 (87 MB) under these licences?" in refused.output
    agreed = CliRunner().invoke(main, ["--home", str(tmp_path / "home"), "demo", "--real"], input="y\n")
    assert agreed.exit_code == 0, agreed.output


def test_a_killed_download_is_resumed(server: Served, tmp_path: Path) -> None:
    server.cuts = [700, 0]
    result = call(tmp_path, "--accept-licence")
    assert result.exit_code == 1
    assert "CRC-VAL-HE-7K.zip could not be fetched" in result.stderr and "run this again to go on" in result.stderr
    server.asked.clear()
    assert call(tmp_path, "--accept-licence").exit_code == 0
    assert server.asked == [(ZIP, "bytes=700-"), (WEIGHTS, None)]


def test_another_file_than_the_published_one_is_refused(server: Served, tmp_path: Path) -> None:
    server.files[ZIP] = server.files[ZIP][:-1] + b"?"
    result = call(tmp_path, "--accept-licence")
    assert result.exit_code == 1
    assert "is not the published file (md5" in result.stderr
    assert not (tmp_path / "home" / NAME).exists()


@pytest.mark.parametrize("gone", ["EXPLORER_DATA_MIRROR", "EXPLORER_WEIGHTS_MIRROR"])
def test_without_a_network_the_demo_fails_with_one_sentence(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    monkeypatch.setenv(gone, "http://127.0.0.1:9")
    result = call(tmp_path, "--accept-licence")
    assert (result.exit_code, result.stdout) == (1, "")
    (said,) = [line for line in result.stderr.splitlines() if line.startswith("explorer: ")]
    assert "could not be fetched" in said and "refused" in said
    assert "Traceback" not in result.stderr
