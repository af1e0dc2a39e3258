"""Progress bars on standard error, with rate and time left."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    from ..types import Progress

FILE_VARIABLE = "EXPLORER_PROGRESS_FILE"
"""Environment variable that a job sets to the file for progress lines."""
_FILE_INTERVAL_S = 0.25


class Bars:
    """A report function: one bar per verb; each note is printed once on a line of its own. In a job, lines are written to a file."""

    def __init__(self) -> None:
        file = os.environ.get(FILE_VARIABLE)
        self._file = Path(file) if file else None
        self._written_s = 0.0
        self._verb = ""
        self._bar: Any = None
        self._said: set[str] = set()

    def __call__(self, progress: Progress) -> None:
        if progress.note and progress.note not in self._said:
            self._said.add(progress.note)
            tqdm.write(f"{progress.verb}: {progress.note}", file=sys.stderr)
        if self._file is not None:
            self._write(self._file, progress)
        elif progress.total is not None or progress.done:
            self._draw(progress)

    def _write(self, file: Path, progress: Progress) -> None:
        from ..jobs import write_progress

        now_s = time.monotonic()
        if now_s - self._written_s >= _FILE_INTERVAL_S or progress.note or progress.done == progress.total or progress.verb != self._verb:
            self._written_s, self._verb = now_s, progress.verb
            write_progress(file, progress, time_s=now_s)

    def _draw(self, progress: Progress) -> None:
        if progress.verb != self._verb or self._bar is None:
            self.close()
            self._verb = progress.verb
            scale = progress.unit == "bytes"
            self._bar = tqdm(
                desc=progress.verb,
                total=progress.total,
                initial=progress.done,
                unit="B" if scale else f" {progress.unit}",
                unit_scale=scale,
                file=sys.stderr,
                dynamic_ncols=True,
                mininterval=0.2,
            )
        self._bar.total = progress.total
        self._bar.update(progress.done - self._bar.n)

    def close(self) -> None:
        """End the line of the last bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
