"""A command in its own process, with progress that survives whoever started it.

A job is a folder ``<home>/.jobs/<id>/``: ``job.json`` (the command), ``progress.jsonl`` (a line per report), ``log.txt``
(what the command printed), ``exit`` (its exit code, written last) and ``lock``, held while the process lives. A job
without an exit code whose lock is free was killed; running the same command again goes on where it was.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from . import storage
from .errors import Busy, InputError
from .types import Progress

FOLDER = ".jobs"
State = Literal["running", "done", "failed", "cancelled", "killed"]
_TAIL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one command."""

    path: Path
    record: Mapping[str, Any]

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def command(self) -> list[str]:
        """Arguments of ``explorer``."""
        return list(self.record["command"])

    @property
    def title(self) -> str:
        """What it does, in words."""
        return str(self.record["title"])

    def state(self) -> State:
        """Where it stands."""
        if (self.path / "cancelled").exists():
            return "cancelled"
        if (self.path / "exit").exists():
            return "done" if (self.path / "exit").read_text() == "0" else "failed"
        try:
            with storage.locked(self.path / "lock", what="job"):
                return "killed" if not (self.path / "exit").exists() else self.state()
        except Busy:
            return "running"

    def progress(self) -> Progress | None:
        """The last report."""
        lines = self._reports()
        return Progress(**{k: v for k, v in lines[-1].items() if k != "time_s"}) if lines else None

    def seconds_left(self) -> float | None:
        """Time left for the step in progress, from its rate so far; None where it cannot be told."""
        lines = self._reports()
        same = [line for line in lines if line["verb"] == lines[-1]["verb"]]
        if len(same) < 2 or not same[-1]["total"]:
            return None
        done, seconds = same[-1]["done"] - same[0]["done"], same[-1]["time_s"] - same[0]["time_s"]
        return (same[-1]["total"] - same[-1]["done"]) * seconds / done if done > 0 else None

    def _reports(self) -> list[dict[str, Any]]:
        lines = _tail(self.path / "progress.jsonl").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]  # ends may be cut

    def log(self) -> str:
        """The end of what the command printed."""
        return _tail(self.path / "log.txt")

    def error(self) -> str:
        """The last sentence of a failed command."""
        lines = [line for line in self.log().splitlines() if line.startswith("explorer: ")]
        return lines[-1].removeprefix("explorer: ") if lines else "It ended without saying why; its log may tell."


def start(home: Path, command: Sequence[str], *, title: str) -> Job:
    """Run ``explorer <command>`` in a process that outlives this one."""
    path = home / FOLDER / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    path.mkdir(parents=True)
    storage.write_json(
        path / "job.json", {"command": list(command), "title": title, "created": datetime.now(UTC).isoformat(timespec="seconds")}
    )
    runner = [sys.executable, "-m", "explorer.jobs", str(path.resolve()), str(home.resolve())]
    with (path / "log.txt").open("wb") as log:
        runner_process = subprocess.Popen(runner, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    while not (path / "pid").exists() and runner_process.poll() is None:  # from here on the lock tells whether it lives
        time.sleep(0.02)
    threading.Thread(target=runner_process.wait, daemon=True).start()  # reaped when it ends
    return find(home, path.name)


def find(home: Path, job_id: str) -> Job:
    """The job of that id. Raises ``InputError``."""
    path = home / FOLDER / job_id
    if not job_id.replace("-", "").isalnum() or not (path / "job.json").is_file():
        raise InputError(f"There is no job {job_id!r}; it may have been removed.")
    return Job(path, storage.read_json(path / "job.json"))


def jobs(home: Path) -> list[Job]:
    """All jobs, newest first."""
    folder = home / FOLDER
    names = sorted((p.name for p in folder.iterdir()), reverse=True) if folder.is_dir() else []
    return [find(home, name) for name in names if (folder / name / "job.json").is_file()]


def cancel(job: Job) -> None:
    """Stop a running job; what it has done so far stays and is used by the next run of the same command."""
    if job.state() != "running":
        raise InputError(f"{job.title} is not running; there is nothing to stop.")
    (job.path / "cancelled").touch()
    os.killpg(storage.read_json(job.path / "pid"), signal.SIGTERM)


def resume(home: Path, job: Job) -> Job:
    """Run the command of an ended job again; it goes on where it was."""
    if job.state() == "running":
        raise InputError(f"{job.title} is still running; wait for it or stop it first.")
    again = start(home, job.command, title=job.title)
    remove(job)
    return again


def remove(job: Job) -> None:
    """Forget an ended job and its log. Raises ``InputError`` for a running one."""
    if job.state() == "running":
        raise InputError(f"{job.title} is still running; stop it first.")
    shutil.rmtree(job.path)


def write_progress(path: Path, progress: Progress, *, time_s: float) -> None:
    """Add a line to a job's progress."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(progress) | {"time_s": time_s}) + "\n")


def _tail(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", errors="replace")


def _run(path: Path, home: Path) -> None:
    """The process of a job: hold the lock, run the command, write its exit code."""
    with storage.locked(path / "lock", what="job", waiting=lambda: None):
        storage.write_json(path / "pid", os.getpid())
        command = [sys.executable, "-m", "explorer", "--home", str(home), *storage.read_json(path / "job.json")["command"]]
        ended = subprocess.run(command, env=os.environ | {"EXPLORER_PROGRESS_FILE": str(path / "progress.jsonl")}, check=False)
        (path / "exit").write_text(str(ended.returncode))


if __name__ == "__main__":
    _run(Path(sys.argv[1]), Path(sys.argv[2]))
