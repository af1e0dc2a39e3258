"""What the names of files say: which are pictures, which are passed over and why, and the label their folders give.

One rule for folders, zips and uploads; sees names, never a disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .images import SUFFIXES, is_picture
from .join import SPLITS
from .known_layouts import KnownLayout, recognise

SLIDES = {".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".svslide", ".dcm", ".czi", ".isyntax", ".zvi", ".qptiff", ".i2syntax"}
_SYSTEM = {"__MACOSX", "Thumbs.db", "thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini", "$RECYCLE.BIN", "@eaDir"}


def hidden(path: str) -> str:
    """Why a file or folder is passed over for its name or that of a folder above it; empty where it is not."""
    parts = path.split("/")
    if not _SYSTEM.isdisjoint(parts):
        return "made by the operating system, not a picture"
    return "hidden (its name begins with a dot)" if any(part.startswith(".") for part in parts) else ""


def unfit(name: str, head: Callable[[], bytes]) -> str:
    """Why a file is not taken for a picture; empty where it is. ``head`` gives its first bytes, asked for only on an unknown suffix."""
    if not is_printable(name):
        return "its name is not valid text; rename it"
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in SUFFIXES:
        return ""
    if suffix in SLIDES:
        return f"a whole-slide file ({suffix}), which has to be cut into patches first"
    return "" if is_picture(head()) else f"not a picture ({suffix or 'no suffix'})"


def is_printable(name: str) -> bool:
    """False for names in an unknown encoding, which no table can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def leaves_root(name: str) -> bool:
    """Whether a path climbs out of the folder it is relative to (``..``, absolute, a drive letter)."""
    path = name.replace("\\", "/")
    return path.startswith("/") or ".." in path.split("/") or re.match(r"[A-Za-z]:", path) is not None


@dataclass(frozen=True, slots=True)
class FolderLayout:
    """The folders of a set of pictures."""

    shared: str
    """The folders that all pictures lie in, with a closing slash; empty where there is none. They are never a label."""
    known: KnownLayout | None
    fields: Mapping[str, Mapping[str, Any]]
    """Picture -> what its folders say: label, split, for known layouts more."""


def arrange(pictures: Sequence[str]) -> FolderLayout:
    """Labels and splits from folders.

    A folder that everything shares says nothing, unless it is called like a split. Below it come class folders, or split
    folders (train, val, test) and class folders below or above them; further folders do not change the label. A class
    called "test" beside other classes is a class.
    """
    shared = shared_folder(pictures)
    known = recognise(pictures)
    if known is not None:
        return FolderLayout(shared, known, {name: known.fields(name) or {} for name in pictures})
    folders = {name: name[len(shared) :].split("/")[:-1] for name in pictures}
    whole = next((part for part in reversed(shared.split("/")) if part.lower() in SPLITS), None)
    if whole is None and _are_splits({parts[0] for parts in folders.values() if parts}):
        split = {name: parts[0] if parts and parts[0].lower() in SPLITS else None for name, parts in folders.items()}
        rest = {name: parts[1:] if split[name] else parts for name, parts in folders.items()}
        below = _common([parts for name, parts in rest.items() if split[name]])
        label = {name: _first(parts[below:] if split[name] else parts) for name, parts in rest.items()}
        return FolderLayout(shared, None, {name: {"label": label[name], "split": split[name]} for name in pictures})
    seconds = {parts[1] if len(parts) > 1 else "" for parts in folders.values()}
    class_then_split = whole is None and len(seconds) > 1 and all(name.lower() in SPLITS for name in seconds)
    return FolderLayout(
        shared,
        None,
        {name: {"label": _first(parts), "split": parts[1] if class_then_split else whole} for name, parts in folders.items()},
    )


def shared_folder(names: Sequence[str]) -> str:
    """The folders that all names lie in, with a closing slash."""
    parts = [name.split("/")[:-1] for name in names]
    return "".join(f"{part}/" for part in parts[0][: _common(parts)]) if parts else ""


def _are_splits(tops: set[str]) -> bool:
    """Whether the outermost folders are parts of a data set: all are called so, or train and another one beside yet other folders."""
    parts = {SPLITS.get(top.lower()) for top in tops}
    return bool(tops) and (None not in parts or ("train" in parts and len(parts) > 2))


def _common(paths: Sequence[list[str]]) -> int:
    """How many outer folders all paths share."""
    if not paths:
        return 0
    low, high = min(paths), max(paths)
    return next((at for at, (one, other) in enumerate(zip(low, high, strict=False)) if one != other), min(len(low), len(high)))


def _first(parts: Sequence[str]) -> str | None:
    return parts[0] if parts else None
