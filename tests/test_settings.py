"""Settings: a value that would fail later is refused where it is read, in one sentence that names its variable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from explorer import settings
from explorer.errors import InputError


@pytest.mark.parametrize("name", ["thumbnail_px", "max_pixels", "threads", "batch_size", "jobs_at_once", "max_upload_bytes"])
@pytest.mark.parametrize("text", ["many", "-1", "1.5", "²", "1e3", str(10**40)])
def test_texts_that_are_no_whole_number_within_bounds_are_refused(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"EXPLORER_{name.upper()}", text)
    with pytest.raises(
        InputError, match=rf"^Setting EXPLORER_{name.upper()} is '.*', which is not a whole number from \d+ to \d+; use one"
    ):
        settings.read()


@pytest.mark.parametrize(("name", "value"), [("thumbnail_px", 15), ("thumbnail_px", 1025), ("max_pixels", 0), ("max_pixels", 10**13)])
def test_numbers_just_out_of_their_bounds_are_refused(name: str, value: int) -> None:
    with pytest.raises(InputError, match=f"EXPLORER_{name.upper()} is '{value}'"):
        settings.read(**{name: value})


def test_numbers_at_their_bounds_are_taken() -> None:
    assert settings.read(thumbnail_px=16).thumbnail_px == 16
    assert settings.read(thumbnail_px=1024).thumbnail_px == 1024
    assert settings.read(max_pixels=1).limits.max_pixels == 1


def test_zero_leaves_batch_size_and_threads_to_the_machine() -> None:
    assert settings.read().batch_size is None and settings.read(batch_size=7).batch_size == 7
    assert settings.read().threads == min(16, os.cpu_count() or 1) and settings.read(threads=3).threads == 3


def test_an_argument_counts_more_than_the_environment_and_an_empty_variable_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_THUMBNAIL_PX", "64")
    monkeypatch.setenv("EXPLORER_HOME", "")
    assert settings.read().thumbnail_px == 64
    assert settings.read(thumbnail_px=None).thumbnail_px == 64
    assert settings.read(thumbnail_px=32).thumbnail_px == 32
    assert settings.read().home == Path("indexes")


def test_lists_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EXPLORER_ALLOWED_HOSTS", " Lab.Example.org:8443, other ,")
    monkeypatch.setenv("EXPLORER_ALLOWED_ROOTS", f"{tmp_path}{os.pathsep}~{os.pathsep}")
    here = settings.read()
    assert here.allowed_hosts == ("lab.example.org:8443", "other")
    assert here.allowed_roots == (tmp_path.resolve(), Path.home().resolve())
    monkeypatch.delenv("EXPLORER_ALLOWED_ROOTS")
    assert settings.read().allowed_roots == (Path.cwd().resolve(), Path.home().resolve())


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^Setting EXPLORER_HOME is .*file', which is a file; give a folder\.$"):
        settings.read(home=tmp_path / "file")
    assert settings.read(home=tmp_path).home == tmp_path
    assert settings.read(home=tmp_path / "new").home == tmp_path / "new"


@pytest.mark.parametrize("name", ["weights_mirror", "data_mirror"])
@pytest.mark.parametrize(
    "address", ["foo", "ftp://host/weights", "/srv/weights", "http://mirror.example.org", "https://", "http://localhost.evil.example"]
)
def test_a_mirror_is_reached_by_https_or_on_this_machine(name: str, address: str) -> None:
    with pytest.raises(InputError, match=f"EXPLORER_{name.upper()} is '{address}'"):
        settings.read(**{name: address})
    assert getattr(settings.read(**{name: "https://mirror.example.org/x/"}), name) == "https://mirror.example.org/x"
    assert getattr(settings.read(**{name: "http://127.0.0.1:80/"}), name) == "http://127.0.0.1:80"


def test_the_device_is_read_again_when_its_variable_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    for device in ("cpu", "cuda:1", "cpu", "auto"):
        monkeypatch.setenv("EXPLORER_DEVICE", device)
        assert settings.device() == device
    monkeypatch.setenv("EXPLORER_DEVICE", "gpu")
    with pytest.raises(InputError, match="EXPLORER_DEVICE is 'gpu'"):
        settings.device()


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cpu:0", "CPU "])
def test_a_device_that_is_none_is_refused(device: str) -> None:
    with pytest.raises(InputError, match=r"EXPLORER_DEVICE.* use auto, cpu, cuda, cuda:1 or mps"):
        settings.read(device=device)


def test_an_unknown_precision_or_setting_is_named() -> None:
    with pytest.raises(InputError, match="EXPLORER_PRECISION is 'fp8', which cannot be used; it is for: auto, fp32 or bf16"):
        settings.read(precision="fp8")
    with pytest.raises(InputError, match="There is no setting 'colour'"):
        settings.read(colour="red")


def test_every_setting_says_what_it_is_for() -> None:
    assert all(row.help and row.variable == f"EXPLORER_{row.name.upper()}" for row in settings.TABLE)
    assert {row.variable: row.default for row in settings.TABLE}.items() >= {"EXPLORER_HOME": "indexes", "EXPLORER_THREADS": "0"}.items()
