"""The process of a job: ``python -m explorer.jobs <folder of the job> <home>``. It waits for its turn and runs the command."""

from __future__ import annotations

import os
import runpy
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .. import settings, storage
from ..errors import Busy
from .job import ASKED, ENDED, LOCK, PID, RECORD, STARTED, waiting, write_text

_LOOK_S = 0.2


def run(path: Path, home: Path) -> None:
    """Hold the job's lock, wait, run the command, write its exit code."""
    with storage.locked(path / LOCK, what="job", waiting=lambda: None):  # somebody may be looking at it just now
        storage.write_json(path / PID, os.getpid())
        (path / ASKED).replace(path / RECORD)
        with _turn(path, home):
            write_text(path / STARTED, "")
            sys.argv = ["explorer", "--home", str(home), *storage.read_json(path / RECORD)["command"]]
            code: int | str | None = 1
            try:
                runpy.run_module("explorer", run_name="__main__")
            except SystemExit as ended:
                code = ended.code
            finally:
                write_text(path / ENDED, str(code or 0))


@contextmanager
def _turn(path: Path, home: Path) -> Iterator[None]:
    """Hold one of the places for running jobs, in the order in which jobs were requested."""
    places = [path.parent / f".place-{number}.lock" for number in range(settings.read().jobs_at_once)]
    with ExitStack() as held:
        while not (_is_first(path, home) and _take_one(places, held)):
            time.sleep(_LOOK_S)
        yield


def _is_first(path: Path, home: Path) -> bool:
    return next((job.id for job in waiting(home)), path.name) >= path.name


def _take_one(places: list[Path], held: ExitStack) -> bool:
    for place in places:
        try:
            held.enter_context(storage.locked(place, what="jobs"))
        except Busy:
            continue
        return True
    return False


run(Path(sys.argv[1]), Path(sys.argv[2]))
