"""Folders that only their owner can enter."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, with mode 700 whatever the umask; one that is there stays as it is.

    What lies in it cannot be reached by others, so that files in it may have any mode. The umask is of the whole process and
    left alone: only the command line, whose process is its own, sets it.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        with suppress(FileExistsError):  # made by another process just now
            folder.mkdir(mode=0o700)
