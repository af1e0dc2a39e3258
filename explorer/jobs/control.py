"""Start, stop, resume and remove jobs."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from .. import storage
from ..errors import Busy, Conflict, InputError
from .job import ASKED, CANCELLED, ENDED, FOLDER, LOCK, LOG, PID, PROGRESS, RECORD, STARTED, Job, find, jobs, tail, write_text

_STARTING = ".starting.lock"
_PATIENCE_S = 10.0
"""Seconds that a process has to stop on request before it is killed."""


def start(home: Path, command: Sequence[str], *, title: str, collection: str = "") -> Job:
    """Run ``explorer <command>`` in a process that outlives this one; ``collection`` is the name of the one it works on.

    Raises ``Busy`` where the same command is active already, ``InputError`` where it cannot be started.
    """
    now = datetime.now(UTC)
    path = home.resolve() / FOLDER / f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
    with storage.locked(path.parent / _STARTING, what="jobs", waiting=_nothing):  # of two that ask at once, one sees the other's
        if any(job.command == list(command) and job.is_active() for job in jobs(home)):
            raise Busy(f"{title!r} is being done already; wait for it or stop it.")
        storage.private_folder(path)
        asked = {"command": list(command), "title": title, "collection": collection, "created": now.isoformat(timespec="seconds")}
        storage.write_json(path / ASKED, asked)
        _run(home, path, title)
    return find(home, path.name)


def cancel(job: Job) -> None:
    """Stop a job that waits or runs; completed parts stay and are used by the next run of the same command.

    Returns when its process has ended. A job that ends by itself meanwhile keeps its result. Raises ``Conflict`` where it has
    ended.
    """
    if not job.is_active():
        raise Conflict(f"{job.title} is not running; there is nothing to stop.")
    pid, asked_s = int(storage.read_json(job.path / PID)), time.monotonic()
    with suppress(ProcessLookupError):  # it ended by itself just now
        os.kill(pid, signal.SIGTERM)
        while storage.is_held(job.path / LOCK) and time.monotonic() - asked_s < _PATIENCE_S:
            time.sleep(0.05)
        if storage.is_held(job.path / LOCK):
            os.kill(pid, signal.SIGKILL)
    with storage.locked(job.path / LOCK, what="job", waiting=_nothing):
        if job.state() != "done":
            write_text(job.path / ENDED, CANCELLED)


def resume(home: Path, job: Job) -> Job:
    """Run the command of an ended job again; it resumes. Raises ``Conflict`` for one that has not ended."""
    if job.is_active():
        raise Conflict(f"{job.title} is still running; wait for it or stop it first.")
    again = start(home, job.command, title=job.title, collection=job.collection)
    remove(job)
    return again


def remove(job: Job) -> None:
    """Delete the record and log of an ended job. Raises ``Conflict`` for one that has not ended."""
    if job.is_active():
        raise Conflict(f"{job.title} is still running; stop it first.")
    shutil.rmtree(job.path)


def requeue(home: Path) -> None:
    """Queue again the jobs that were waiting when the machine was switched off. Called when a server starts."""
    lost = [job for job in reversed(jobs(home)) if job.state() == "killed" and not (job.path / STARTED).exists()]
    for job in lost:
        with storage.locked(job.path.parent / _STARTING, what="jobs", waiting=_nothing):
            if job.state() == "killed":  # and not begun by another server meanwhile
                (job.path / RECORD).rename(job.path / ASKED)
                _run(home, job.path, job.title)


def _run(home: Path, path: Path, title: str) -> None:
    """Start the process of a job, and wait until it holds its lock."""
    runner = [sys.executable, "-m", "explorer.jobs", str(path), str(home.resolve())]
    environment = os.environ | {"EXPLORER_PROGRESS_FILE": str(path / PROGRESS), "PYTHONIOENCODING": "utf-8:backslashreplace"}
    with (path / LOG).open("ab") as log:
        process = subprocess.Popen(runner, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment)
    while (path / ASKED).exists():
        if process.poll() is not None:
            output = tail(path / LOG).strip()[-200:] or "its process ended at once"
            shutil.rmtree(path)
            raise InputError(f"{title} could not be started: {output}.")
        time.sleep(0.02)
    threading.Thread(target=process.wait, daemon=True).start()  # reaped when it ends


def _nothing() -> None:
    """Do nothing while waiting for a lock."""
