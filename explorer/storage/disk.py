"""A full disk, as one sentence. Each library says it in its own way."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import StorageFull

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WORDS = re.compile("|".join([*(re.escape(os.strerror(number)) for number in _FULL), r"\d+ requested and \d+ written"]))
"""FAISS and HDF5 give the words of the system only; numpy gives how much it could write."""


def is_full(error: BaseException) -> bool:
    """True if an error says that a disk, a quota or a file has no room."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _FULL
    return isinstance(error, OSError | RuntimeError) and _WORDS.search(str(error)) is not None


def check_room(path: Path, n_bytes: int) -> None:
    """Raises ``OSError`` where a file of that size cannot be written there; for libraries that crash on a full disk (HDF5)."""
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, n_bytes)
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def room_on(path: Path) -> Iterator[None]:
    """Turn the error of a full disk into ``StorageFull``, which says what to do."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        if not is_full(error):
            raise
        raise StorageFull(
            f"The disk that holds {path} is full; free some space and run this again, and it goes on where it was."
        ) from error
