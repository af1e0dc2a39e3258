"""Folders are removed under another name, so that they disappear at once; what a killed run left is found by that name."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

_SUFFIX = ".removed"


def remove_folder(path: Path) -> None:
    """Let a folder disappear, then delete what it held. Of a link only the link goes."""
    if path.is_symlink():
        path.unlink()
        return
    gone = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_SUFFIX}")
    path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)  # a process that starts just now may be deleting it too
    if gone.exists():
        shutil.rmtree(gone)


def finish_removals(folder: Path) -> None:
    """Delete what ``remove_folder`` of a process that was killed left in ``folder``; what cannot be deleted waits for the next try."""
    for gone in sorted(folder.glob(f".*{_SUFFIX}")):
        shutil.rmtree(gone, ignore_errors=True)
