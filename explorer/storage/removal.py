"""Removal of folders: first renamed, so that they disappear at once, then deleted; interrupted removals are found by their name."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

_SUFFIX = ".removed"


def remove_folder(path: Path) -> None:
    """Remove a folder and its content. Of a link only the link is removed."""
    if path.is_symlink():
        path.unlink()
        return
    gone = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_SUFFIX}")
    path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)  # a process that starts just now may be deleting it too
    if gone.exists():
        shutil.rmtree(gone)


def finish_removals(folder: Path) -> None:
    """Complete the removals in ``folder`` that an interrupted process left; what cannot be deleted waits for the next call."""
    for gone in sorted(folder.glob(f".*{_SUFFIX}")):
        shutil.rmtree(gone, ignore_errors=True)
