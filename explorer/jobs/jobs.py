"""A command in its own process, with progress that survives whoever started it.

A job is a folder ``<home>/.jobs/<id>/``: ``job.json`` (the command), ``progress.jsonl`` (a line per report), ``log.txt``
(what the command printed), ``ended`` (its exit code, or that it was cancelled or killed) and ``lock``, held while the
process lives. The process writes ``job.json`` once it holds the lock, so that a job without an end whose lock is free was
killed. Running the same command again goes on where it was.
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
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from .. import storage
from ..errors import Busy, Conflict, InputError, NotFound
from ..types import Progress

FOLDER = ".jobs"
State = Literal["running", "done", "failed", "cancelled", "killed"]
ASKED, RECORD, PID, LOCK, ENDED, PROGRESS, LOG = "asked.json", "job.json", "pid", "lock", "ended", "progress.jsonl", "log.txt"
_TAIL_BYTES = 64 * 1024
_PATIENCE_S = 10.0
"""How long a process may take to stop when it is asked to, before it is made to."""
_probing = threading.Lock()
"""To look whether a lock is free one has to take it; two threads that look at once would each think it held."""


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

    @property
    def collection(self) -> str:
        """Name of the collection it works on."""
        return str(self.record["collection"])

    def state(self) -> State:
        """Where it stands."""
        if (end := self._end()) is not None:
            return end
        with _probing:
            try:
                with storage.locked(self.path / LOCK, what="job"):
                    if self._end() is None:
                        write_text(self.path / ENDED, "killed")
            except Busy:
                return "running"
        return self._end() or "killed"

    def _end(self) -> State | None:
        try:
            end = (self.path / ENDED).read_text()
        except FileNotFoundError:
            return None
        return "cancelled" if end == "cancelled" else "killed" if end == "killed" else "done" if end == "0" else "failed"

    def progress(self) -> Progress | None:
        """The last report."""
        lines = self._reports()
        return Progress(**{k: v for k, v in lines[-1].items() if k != "time_s"}) if lines else None

    def rate_per_s(self) -> float | None:
        """Units of the step in progress that were done per second of late; None where it cannot be told."""
        lines = self._reports()
        same = [line for line in lines if line["verb"] == lines[-1]["verb"]]
        if len(same) < 2:
            return None
        done, seconds = same[-1]["done"] - same[0]["done"], same[-1]["time_s"] - same[0]["time_s"]
        return done / seconds if done > 0 and seconds > 0 else None

    def seconds_left(self) -> float | None:
        """Time left for the step in progress at that rate; None where it cannot be told."""
        rate, last = self.rate_per_s(), self.progress()
        return (last.total - last.done) / rate if rate and last and last.total is not None else None

    def _reports(self) -> list[dict[str, Any]]:
        lines = _tail(self.path / PROGRESS).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]  # ends may be cut

    def log(self) -> str:
        """The end of what the command printed."""
        return _tail(self.path / LOG)

    def error(self) -> str:
        """The last sentence of a failed command."""
        lines = [line for line in self.log().splitlines() if line.startswith("explorer: ")]
        return lines[-1].removeprefix("explorer: ") if lines else "It ended without saying why; its log may tell."


def start(home: Path, command: Sequence[str], *, title: str, collection: str = "") -> Job:
    """Run ``explorer <command>`` in a process that outlives this one; ``collection`` is the name of the one it works on.

    Raises ``InputError`` where it cannot be started.
    """
    now = datetime.now(UTC)
    path = home.resolve() / FOLDER / f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
    path.mkdir(parents=True)
    asked = {"command": list(command), "title": title, "collection": collection, "created": now.isoformat(timespec="seconds")}
    storage.write_json(path / ASKED, asked)
    runner = [sys.executable, "-m", "explorer.jobs", str(path), str(home.resolve())]
    with (path / LOG).open("wb") as log:
        process = subprocess.Popen(runner, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    while (path / ASKED).exists():
        if process.poll() is not None:
            raise InputError(f"{title} could not be started: {_tail(path / LOG).strip()[-300:] or 'its process ended at once'}.")
        time.sleep(0.02)
    threading.Thread(target=process.wait, daemon=True).start()  # reaped when it ends
    return find(home, path.name)


def find(home: Path, job_id: str) -> Job:
    """The job of that id. Raises ``NotFound``."""
    path = home.resolve() / FOLDER / job_id
    if not job_id.replace("-", "").isalnum() or not (path / RECORD).is_file():
        raise NotFound(f"There is no job {job_id!r}; it may have been removed.")
    return Job(path, storage.read_json(path / RECORD))


def jobs(home: Path) -> list[Job]:
    """All jobs, newest first."""
    found = []
    for path in sorted((home.resolve() / FOLDER).glob(f"*/{RECORD}"), reverse=True):
        with suppress(FileNotFoundError):  # removed while we look
            found.append(Job(path.parent, storage.read_json(path)))
    return found


def cancel(job: Job) -> None:
    """Stop a running job; what it has done so far stays and is used by the next run of the same command.

    Returns when its process has ended. Raises ``Conflict`` where it is not running.
    """
    if job.state() != "running":
        raise Conflict(f"{job.title} is not running; there is nothing to stop.")
    pid = int(storage.read_json(job.path / PID))
    asked_s = time.monotonic()
    with suppress(ProcessLookupError):  # it ended by itself just now
        os.kill(pid, signal.SIGTERM)
        while _alive(job) and time.monotonic() - asked_s < _PATIENCE_S:
            time.sleep(0.05)
        if _alive(job):
            os.kill(pid, signal.SIGKILL)
    with storage.locked(job.path / LOCK, what="job", waiting=_nothing):
        if job._end() in (None, "killed"):
            write_text(job.path / ENDED, "cancelled")


def resume(home: Path, job: Job) -> Job:
    """Run the command of an ended job again; it goes on where it was. Raises ``Conflict`` for a running one."""
    if job.state() == "running":
        raise Conflict(f"{job.title} is still running; wait for it or stop it first.")
    again = start(home, job.command, title=job.title, collection=job.collection)
    remove(job)
    return again


def remove(job: Job) -> None:
    """Forget an ended job and its log. Raises ``Conflict`` for a running one."""
    if job.state() == "running":
        raise Conflict(f"{job.title} is still running; stop it first.")
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


def _alive(job: Job) -> bool:
    """Whether its process holds the lock."""
    with _probing:
        try:
            with storage.locked(job.path / LOCK, what="job"):
                return False
        except Busy:
            return True


def write_text(path: Path, text: str) -> None:
    """By rename: a reader sees all of it or nothing."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    part.write_text(text)
    part.replace(path)


def _nothing() -> None:
    """Waiting for a lock without saying so."""
