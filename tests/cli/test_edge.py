"""The edge of a process: one sentence whatever happens, output on any terminal, files for their owner only."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from fakes import write_patches

from explorer import pipeline, settings
from explorer.app.shared import uploads
from explorer.cli import edge, main
from explorer.cli.base import Commands
from explorer.errors import InputError
from explorer.sources import open_source


def failing(error: BaseException, *arguments: str, **environment: str) -> Result:
    """What a command does that raises ``error``."""

    @click.group(cls=Commands)
    @click.option("--debug", is_flag=True)
    def group(*, debug: bool) -> None:
        pass

    @group.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(group, [*arguments, "fail"], env=environment)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InputError("The file x is no picture; give another one."), "The file x is no picture; give another one."),
        (
            TypeError("unsupported operand"),
            "An error that was not expected (TypeError: unsupported operand); run it again as 'explorer --debug",
        ),
        (ValueError("first line\nsecond line"), "(ValueError: first line); run"),
        (RecursionError(), "(RecursionError); run"),
        (MemoryError(), "The memory of this machine is too small"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "The disk is full; make room"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "Permission denied (/x); check that place"),
        (KeyboardInterrupt(), "stopped; the same command goes on where it was."),
    ],
)
def test_every_error_is_one_short_sentence(error: BaseException, sentence: str) -> None:
    done = failing(error)
    assert done.exit_code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert done.stdout == "" and sentence in done.stderr
    assert done.stderr.startswith("explorer: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("error", [InputError("x" * 5000), ValueError("y" * 5000), OSError(5, "z" * 5000)])
def test_no_sentence_is_longer_than_300_characters(error: Exception) -> None:
    assert len(failing(error).stderr.strip()) <= len("explorer: ") + 300


@pytest.mark.parametrize("error", [InputError("x"), TypeError("x"), OSError(5, "x")])
def test_debug_lets_the_error_through(error: Exception) -> None:
    assert failing(error, "--debug").exception is error


def test_in_a_job_the_log_holds_the_traceback_and_ends_with_the_sentence(tmp_path: Path) -> None:
    done = failing(TypeError("odd"), EXPLORER_PROGRESS_FILE=str(tmp_path / "progress"))
    assert "Traceback" in done.stderr and done.stderr.splitlines()[-1].startswith("explorer: An error that was not expected")


def test_usage_errors_are_click_s_own() -> None:
    assert failing(click.UsageError("wrong use")).exit_code == 2
    assert failing(click.Abort()).exit_code == 1


def run(*arguments: str, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "explorer", *arguments]
    return subprocess.Popen(command, text=True, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload, no-any-return]


def test_output_survives_a_terminal_that_cannot_print_it(tmp_path: Path) -> None:
    process = run("--home", str(tmp_path), "show", "日本", stdout=subprocess.PIPE, env=os.environ | {"PYTHONIOENCODING": "latin-1"})
    _, stderr = process.communicate()
    assert process.returncode == 1 and "explorer: There is no collection" in stderr and "\\u65e5\\u672c" in stderr


def test_a_closed_output_pipe_is_no_error(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    process = run("--home", str(tmp_path), "encoders", stdout=write)
    os.close(write)
    _, stderr = process.communicate()
    assert stderr == "" and process.returncode == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_command_with_a_sentence(tmp_path: Path, number: signal.Signals, code: int) -> None:
    table = tmp_path / "endless.csv"
    os.mkfifo(table)
    process = run("--home", str(tmp_path / "home"), "ingest", "--name", "x", "--", str(table), stdout=subprocess.DEVNULL)
    writer = os.open(table, os.O_WRONLY)  # opens when the command reads
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    os.close(writer)
    assert (process.returncode, stderr.splitlines()[-1]) == (code, "explorer: stopped; the same command goes on where it was.")
    assert not (tmp_path / "home" / "x").exists()


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_files_of_a_home_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        patches = str(write_patches(tmp_path / "p", per_class=2))
        done = CliRunner().invoke(main, ["--home", str(tmp_path / "home"), "ingest", "--name", "c", "--", patches], catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        assert os.umask(0) == 0  # as it was
    finally:
        os.umask(before)
    held = [tmp_path / "home", *(tmp_path / "home").rglob("*")]
    assert len(held) > 4
    assert {(path.is_dir(), oct(path.stat().st_mode & 0o777)) for path in held} <= {(True, "0o700"), (False, "0o600")}


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_what_python_code_makes_in_a_home_is_closed_to_others_whatever_the_umask(tmp_path: Path) -> None:
    home, before = tmp_path / "deep" / "home", os.umask(0)
    try:
        pipeline.ingest(open_source(write_patches(tmp_path / "p", per_class=2)), name="c", settings=settings.read(home=home))
        uploads.begin(home)
    finally:
        os.umask(before)
    entered = [home.parent, home, home / "c", home / uploads.FOLDER, *(home / uploads.FOLDER).iterdir()]
    assert {oct(folder.stat().st_mode & 0o777) for folder in entered} == {"0o700"}
    assert {oct(file.stat().st_mode & 0o777) for file in home.glob(".*.lock")} == {"0o600"}


def test_a_removal_that_was_killed_is_finished_at_the_next_start(tmp_path: Path) -> None:
    gone = tmp_path / ".lung.0123abcd.removed" / "embeddings"
    gone.mkdir(parents=True)
    (gone / "vectors.npy").write_bytes(b"x")
    assert CliRunner().invoke(main, ["--home", str(tmp_path), "list"]).exit_code == 0
    assert list(tmp_path.glob(".lung*")) == []


def test_numba_gets_a_cache_where_it_would_have_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "before")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    edge.make_ready(tmp_path)
    monkeypatch.setattr(edge.os, "access", lambda *_: False)
    monkeypatch.setattr(edge, "user_cache_path", lambda _: Path("/proc/nohome/.cache"))
    os.environ.pop("NUMBA_CACHE_DIR", None)
    edge.make_ready(tmp_path)
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path.resolve() / ".cache" / "numba")


@pytest.mark.parametrize("name", ["CON", "nul", "Com1", "lpt9.old", "AUX.x"])
def test_names_that_windows_keeps_for_devices_are_refused(tmp_path: Path, name: str) -> None:
    patches = str(write_patches(tmp_path / "p", per_class=1))
    done = CliRunner().invoke(main, ["--home", str(tmp_path / "home"), "ingest", "--name", name, "--", patches])
    assert done.exit_code == 1 and "Windows keeps that name for a device" in done.stderr
