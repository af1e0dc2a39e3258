"""The process of a job: ``python -m explorer.jobs <folder of the job> <home>``."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

from .. import storage
from .jobs import ASKED, ENDED, LOCK, PID, PROGRESS, RECORD, write_text


def run(path: Path, home: Path) -> None:
    """Hold the lock, be the command, write its exit code."""
    with storage.locked(path / LOCK, what="job"):
        storage.write_json(path / PID, os.getpid())
        (path / ASKED).replace(path / RECORD)
        os.environ["EXPLORER_PROGRESS_FILE"] = str(path / PROGRESS)
        sys.argv = ["explorer", "--home", str(home), *storage.read_json(path / RECORD)["command"]]
        code: int | str | None = 1
        try:
            runpy.run_module("explorer", run_name="__main__")
        except SystemExit as ended:
            code = ended.code
        finally:
            write_text(path / ENDED, str(code or 0))


run(Path(sys.argv[1]), Path(sys.argv[2]))
