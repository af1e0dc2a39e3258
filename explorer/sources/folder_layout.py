"""Interpretation of file names: which files are pictures, which are left out and why, and the label given by folders.

The same rules for folders, zips and uploads; works on names only and never reads a disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .folder_levels import SKIPPED, fields_of_levels
from .images import SUFFIXES, foreign_format, is_picture
from .join import SPLITS
from .known_layouts import KnownLayout, recognise

SLIDES = {".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".svslide", ".czi", ".isyntax", ".zvi", ".qptiff", ".i2syntax"}
_PACKED = {
    **dict.fromkeys((".gz", ".bz2", ".xz", ".zst"), "packed; unpack it, with gunzip for .gz"),
    **dict.fromkeys(
        (".zip", ".tar", ".tgz", ".7z", ".rar"), "an archive among the pictures; unpack it, or give it by itself if it is a zip"
    ),
    **dict.fromkeys((".h5", ".hdf5"), "an HDF5 file, which is a source by itself; give its own path"),
    ".dcm": "a DICOM file, which is not read; cut a whole slide into patches, or save a picture as a PNG",
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "JSON, which is not read; where it describes the pictures, save it as CSV"),
}
"""Suffixes of files that hold something useful but are not read here, with what to do."""
_SYSTEM = {"__MACOSX", "Thumbs.db", "thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini", "$RECYCLE.BIN", "@eaDir"}


def hidden(path: str) -> str:
    """The reason to leave out a file or folder for its name or that of a parent folder; empty where there is none."""
    parts = path.split("/")
    if not _SYSTEM.isdisjoint(parts):
        return "made by the operating system, not a picture"
    return "hidden (its name begins with a dot)" if any(part.startswith(".") for part in parts) else ""


def unfit(name: str, head: Callable[[], bytes]) -> str:
    """The reason why a file is not a picture; empty where it is one.

    ``head`` returns its first bytes; called only for an unknown suffix.
    """
    if not is_printable(name):
        return "its name is not valid text; rename it"
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in SUFFIXES:
        return ""
    if suffix in SLIDES:
        return f"a whole-slide file ({suffix}), which has to be cut into patches first"
    if remedy := _PACKED.get(suffix):
        return f"{remedy} ({suffix})"
    first = head()
    return "" if is_picture(first) else f"{foreign_format(first) or 'not a picture'} ({suffix or 'no suffix'})"


def is_printable(name: str) -> bool:
    """False for names in an unknown encoding, which no table can store."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def leaves_root(name: str) -> bool:
    """True if a path leads outside the folder it is relative to (``..``, absolute, a drive letter)."""
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
    note: str = ""
    """What was guessed, or which folders are not used, with the option that corrects it."""


def arrange(pictures: Sequence[str], levels: Sequence[str] = ()) -> FolderLayout:
    """Labels and splits from folders.

    A folder common to all files is ignored, unless it is named like a split. Below it come class folders, or split folders
    (train, val, test) with class folders below or above them; further folders do not change the label. A class named "test"
    beside other classes is a class. Folders of patients with the same few class folders in each give patients and labels.
    ``levels`` says instead what each level of folders below the common one is, outermost first (see ``folder_levels``).
    """
    shared = shared_folder(pictures)
    known = None if levels else recognise(pictures)
    if known is not None:
        return FolderLayout(shared, known, {name: known.fields(name) or {} for name in pictures})
    folders = {name: name[len(shared) :].split("/")[:-1] for name in pictures}
    whole = next((part for part in reversed(shared.split("/")) if part.lower() in SPLITS), None)
    if levels:
        given = {name: {"split": whole, **dict(zip(levels, parts, strict=False))} for name, parts in folders.items()}
        return FolderLayout(
            shared, None, {name: {key: part for key, part in found.items() if key != SKIPPED} for name, found in given.items()}
        )
    if whole is None and _are_splits({parts[0] for parts in folders.values() if parts}):
        split = {name: parts[0] if parts and parts[0].lower() in SPLITS else None for name, parts in folders.items()}
        rest = {name: parts[1:] if split[name] else parts for name, parts in folders.items()}
        below = _common([parts for name, parts in rest.items() if split[name]])
        inner = {name: parts[below:] if split[name] else parts for name, parts in rest.items()}
        found, note = fields_of_levels(inner, outer=("split", *(SKIPPED for _ in range(below))))
        return FolderLayout(shared, None, {name: {**found[name], "split": split[name]} for name in pictures}, note)
    seconds = {parts[1] if len(parts) > 1 else "" for parts in folders.values()}
    class_then_split = whole is None and len(seconds) > 1 and all(name.lower() in SPLITS for name in seconds)
    if class_then_split:
        return FolderLayout(shared, None, {name: {"label": parts[0], "split": parts[1]} for name, parts in folders.items()})
    found, note = fields_of_levels(folders)
    return FolderLayout(shared, None, {name: {**found[name], "split": whole} for name in pictures}, note)


def shared_folder(names: Sequence[str]) -> str:
    """The folders that contain all names, with a closing slash."""
    parts = [name.split("/")[:-1] for name in names]
    return "".join(f"{part}/" for part in parts[0][: _common(parts)]) if parts else ""


def _are_splits(tops: set[str]) -> bool:
    """True if the outermost folders are splits: all are named so, or train and another one are, beside yet other folders."""
    parts = {SPLITS.get(top.lower()) for top in tops}
    return bool(tops) and (None not in parts or ("train" in parts and len(parts) > 2))


def _common(paths: Sequence[list[str]]) -> int:
    """Number of outer folders common to all paths."""
    if not paths:
        return 0
    low, high = min(paths), max(paths)
    return next((at for at, (one, other) in enumerate(zip(low, high, strict=False)) if one != other), min(len(low), len(high)))
