"""Progress drawn as a bar with rate and time left, on standard error."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from ..types import Progress


class Bars:
    """A report function: one bar per verb; notes go on lines of their own, each said once."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._verb = ""
        self._bar: Any = None
        self._said: set[str] = set()

    def __call__(self, progress: Progress) -> None:
        if progress.note and progress.note not in self._said:
            self._said.add(progress.note)
            tqdm.write(f"{progress.verb}: {progress.note}", file=sys.stderr)
        if self._quiet or (progress.total is None and not progress.done):
            return
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
        """Leave the last bar as it stands and end its line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
