"""What the verbs that make artifacts have in common."""

from __future__ import annotations

from collections.abc import Callable

from ..collection import Collection
from ..errors import InputError
from ..types import Progress, Report


def check_method(what: str, method: str, methods: tuple[str, ...]) -> None:
    """Raises ``InputError`` for a method that is not one of ``methods``."""
    if method not in methods:
        raise InputError(f"There is no {what} method {method!r}; choose one of {', '.join(methods)}.")


def waiter(verb: str, collection: Collection, report: Report) -> Callable[[], None]:
    """Tells ``report`` that another process holds the lock of the same artifact."""
    return lambda: report(Progress(verb, 0, note=f"another process is doing this for {collection.name!r}; waiting for it"))
