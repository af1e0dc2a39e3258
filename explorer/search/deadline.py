"""The time limit of a search."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import SearchTooSlow


@dataclass(frozen=True, slots=True)
class Deadline:
    """A limit in seconds from now on; None is no limit. The work asks between its parts, none of which takes long by itself."""

    limit_s: int | float | None = None
    clock: Callable[[], float] = time.monotonic
    started_s: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_s", self.clock())

    @property
    def left_s(self) -> float | None:
        """Seconds left, not below 0; None where there is no limit."""
        return None if self.limit_s is None else max(0.0, self.limit_s - (self.clock() - self.started_s))

    def check(self) -> None:
        """Raises ``SearchTooSlow`` where no time is left."""
        if self.left_s == 0:
            raise self.error()

    def error(self) -> SearchTooSlow:
        """The error that says that the limit has passed."""
        return SearchTooSlow(
            f"The search took longer than {self.limit_s or 0:g} s and was stopped; use fewer pictures or filters, or try again later."
        )
