"""Locks between processes, on files; the operating system releases them when the holding process ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import Busy, InputError
from .private import private_folder

if sys.platform == "win32":
    from filelock import FileLock, Timeout
else:
    import fcntl

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


@contextmanager
def locked(path: Path, *, what: str, waiting: Callable[[], None] | None = None, shared: bool = False) -> Iterator[None]:
    """Hold the lock file ``path``, exclusively or (``shared``) together with other shared holders.

    Where another process or thread holds a conflicting lock: call ``waiting`` and wait, or raise ``Busy``. Raises
    ``InputError`` where the file system has no locks. ``filelock`` has no shared locks, so ``flock`` is used directly.
    """
    private_folder(path.parent)
    lock = _take(path, shared=shared, wait=False)
    if lock is None:
        if waiting is None:
            raise Busy(f"Another process is writing {what}; wait for it to end and run this again.")
        waiting()
        lock = _take(path, shared=shared, wait=True)
        assert lock is not None
    try:
        yield
    finally:
        lock()


def is_held(path: Path) -> bool:
    """True if a process holds the lock file ``path`` exclusively. Changes nothing; concurrent checks do not affect each other."""
    with suppress(FileNotFoundError):
        lock = _take(path, shared=True, wait=False, create=False)
        if lock is None:
            return True
        lock()
    return False


if sys.platform == "win32":

    def _take(path: Path, *, shared: bool, wait: bool, create: bool = True) -> Callable[[], None] | None:
        """A shared lock needs no action here: Windows does not rename or remove a folder in which files are open."""
        if shared and create:
            return lambda: None
        if not create and not path.exists():
            raise FileNotFoundError(path)
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=-1 if wait else 0)
        except Timeout:
            return None
        return lock.release

else:

    def _take(path: Path, *, shared: bool, wait: bool, create: bool = True) -> Callable[[], None] | None:
        """A function that releases the lock; None where a conflicting lock is held.

        Each call opens the file anew, so threads exclude each other.
        """
        handle = os.open(path, os.O_RDWR | os.O_CREAT if create else os.O_RDONLY, 0o600)
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError as error:
            os.close(handle)
            if error.errno in _NO_LOCKS:
                raise InputError(
                    f"The file system of {path.parent} has no locks, without which two runs could write the same files at once; "
                    "set EXPLORER_HOME to a folder on a disk of this machine."
                ) from error
            raise
        except BaseException:  # stopped while it waited
            os.close(handle)
            raise
        return lambda: os.close(handle)
