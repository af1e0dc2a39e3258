"""One run of one command, as seen by other processes: state, progress, log.

A job is a folder ``<home>/.jobs/<id>/``. The caller writes ``asked.json`` (the command) and starts its process. The process
takes ``lock``, which it holds as long as it lives, and only then renames ``asked.json`` to ``job.json``, which makes the job
visible. It waits for its turn, writes ``started``, runs the command, and writes ``ended`` (its exit code). ``progress.jsonl``
gets a line per report and ``log.txt`` the output of the command. So a job without ``ended`` whose lock is free was killed.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from .. import storage
from ..errors import NotFound
from ..types import Progress

FOLDER = ".jobs"
ASKED, RECORD, PID, LOCK, STARTED, ENDED = "asked.json", "job.json", "pid", "lock", "started", "ended"
PROGRESS, LOG = "progress.jsonl", "log.txt"
State = Literal["waiting", "running", "done", "failed", "cancelled", "killed"]
CANCELLED = "cancelled"
_TAIL_BYTES = 64 * 1024
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


@dataclass(frozen=True, slots=True)
class Job:
    """A job: its folder and its record."""

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
        """Description of the job for people."""
        return str(self.record["title"])

    @property
    def collection(self) -> str:
        """Name of the collection it works on."""
        return str(self.record["collection"])

    def state(self) -> State:
        """The present state. Has no side effects."""
        end = self._end()
        if end is None:
            if storage.is_held(self.path / LOCK):
                return "running" if (self.path / STARTED).exists() else "waiting"
            end = self._end()  # it may have ended between the two looks
        if end is None:
            return "killed"
        return "cancelled" if end == CANCELLED else "done" if end == "0" else "failed"

    def is_active(self) -> bool:
        """Whether it runs or waits for its turn."""
        return self.state() in ("waiting", "running")

    def _end(self) -> str | None:
        try:
            return (self.path / ENDED).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def progress(self) -> Progress | None:
        """The last report."""
        lines = self._reports()
        return Progress(**{k: v for k, v in lines[-1].items() if k != "time_s"}) if lines else None

    def rate_per_s(self) -> float | None:
        """Recent units per second of the step in progress; None where unknown."""
        lines = self._reports()
        same = [line for line in lines if line["verb"] == lines[-1]["verb"]]
        if len(same) < 2:
            return None
        done, seconds = same[-1]["done"] - same[0]["done"], same[-1]["time_s"] - same[0]["time_s"]
        return done / seconds if done > 0 and seconds > 0 else None

    def seconds_left(self) -> float | None:
        """Estimated seconds until the step in progress ends; None where unknown."""
        rate, last = self.rate_per_s(), self.progress()
        return (last.total - last.done) / rate if rate and last and last.total is not None else None

    def _reports(self) -> list[dict[str, Any]]:
        lines = tail(self.path / PROGRESS).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]  # ends may be cut

    def log(self) -> str:
        """The end of the command's output."""
        return tail(self.path / LOG)

    def error(self) -> str:
        """The last sentence of a failed command."""
        lines = [line for line in self.log().splitlines() if line.startswith("explorer: ")]
        return lines[-1].removeprefix("explorer: ") if lines else "It ended without saying why; its log may tell."


def find(home: Path, job_id: str) -> Job:
    """The job of that id. Raises ``NotFound``."""
    path = home.resolve() / FOLDER / job_id
    if not _ID.fullmatch(job_id) or not (path / RECORD).is_file():
        raise NotFound(f"There is no job {job_id[:80]!r}; it may have been removed.")
    return Job(path, storage.read_json(path / RECORD))


def jobs(home: Path) -> list[Job]:
    """All jobs, newest first."""
    found = []
    for path in sorted((home.resolve() / FOLDER).glob(f"*/{RECORD}"), reverse=True):
        with suppress(FileNotFoundError):  # removed while we look
            found.append(Job(path.parent, storage.read_json(path)))
    return found


def waiting(home: Path) -> list[Job]:
    """The jobs that wait for their turn, in the order in which they will run."""
    return [job for job in reversed(jobs(home)) if job.state() == "waiting"]


def write_progress(path: Path, progress: Progress, *, time_s: float) -> None:
    """Append a line to a job's progress."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(progress) | {"time_s": time_s}) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file by rename, so that a reader sees all of it or nothing."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def tail(path: Path) -> str:
    """The end of a text file; empty where there is no file."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", errors="replace")
