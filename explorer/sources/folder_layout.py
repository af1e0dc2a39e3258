"""What the names of files say: which are pictures, which are passed over and why, and the label their folders give.

Shared by folders and zips; sees names and the text of ``labels.csv``, never a disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

from ..errors import SourceError
from ..types import Item, Reject
from .images import SUFFIXES, is_picture
from .metadata import make_item, path_key, read_csv, records

LABELS = "labels.csv"
SLIDES = {".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".svslide", ".dcm", ".czi", ".isyntax", ".zvi", ".qptiff", ".i2syntax"}
SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}
_SYSTEM = {"__MACOSX", "Thumbs.db", "thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini", "$RECYCLE.BIN", "@eaDir"}


def hidden(path: str) -> str:
    """Why a file or folder is passed over for its name or that of a folder above it; empty where it is not."""
    parts = path.split("/")
    if not _SYSTEM.isdisjoint(parts):
        return "made by the operating system, not a picture"
    return "hidden (its name begins with a dot)" if any(part.startswith(".") for part in parts) else ""


def is_labels(path: str) -> bool:
    """Whether a file is a table of further columns."""
    return path.rpartition("/")[2] == LABELS


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


def folder_fields(parts: Sequence[str]) -> dict[str, str | None]:
    """Label and split from the folders above a file: class first, or split (train, val, test) and then class."""
    split = parts[0] if parts and parts[0].lower() in SPLITS else None
    rest = parts[1:] if split else parts
    return {"label": rest[0] if rest else None, "split": split}


def wrapper(names: Sequence[str]) -> str:
    """The folders that all names share, with a closing slash, as long as every name has another folder below."""
    root = ""
    while names:
        tops = {name[len(root) :].partition("/")[0] for name in names}
        top = f"{root}{tops.pop()}/"
        if tops or folder_fields([top[len(root) : -1]])["split"] or any(name[len(top) :].find("/") < 1 for name in names):
            return root
        root = top
    return root


def make_items(uris: Iterable[str], *, labels: bytes | None, root: str = "") -> tuple[list[Item], list[Reject]]:
    """Items in the order of ``uris``, with the columns of ``labels`` (the bytes of labels.csv) where it names them.

    ``root`` is the folder inside the source, with a closing slash, that class folders and paths in labels.csv start from.
    """
    uris = list(uris)
    columns, rows, rejects = _labels(labels, [uri.removeprefix(root) for uri in uris]) if labels is not None else ({}, {}, [])
    items = []
    for uri in uris:
        parts = uri.removeprefix(root).split("/")[:-1]
        items.append(make_item(uri, rows.get(uri.removeprefix(root), {}), columns, **folder_fields(parts)))
    return items, rejects


def make_wrapped_items(names: Sequence[str], *, read_labels: Callable[[str], bytes]) -> tuple[list[Item], list[Reject]]:
    """``make_items`` of pictures and ``labels.csv`` files in folders of which the outer ones may only wrap the rest."""
    labels = {name for name in names if is_labels(name)}
    pictures = [name for name in names if name not in labels]
    root = wrapper(pictures)
    beside = root + LABELS
    items, rejects = make_items(pictures, labels=read_labels(beside) if beside in labels else None, root=root)
    stray = [Reject(name, f"only the {LABELS} beside the class folders is read") for name in sorted(labels - {beside})]
    return items, stray + rejects


def _labels(data: bytes, names: Sequence[str]) -> tuple[dict[str, str], dict[str, dict[str, Any]], list[Reject]]:
    """(our field -> column, name -> row, rows that name no file) of a labels.csv. Paths count first, bare file names second."""
    table, columns = read_csv(data, what=LABELS)
    if "uri" not in columns:
        raise SourceError(f"{LABELS} has no column that names the files; call it 'file', with paths relative to {LABELS}.")
    by_path = {path_key(name): name for name in names}
    by_name: dict[str, str | None] = {}
    for name in names:
        key = path_key(name).rpartition("/")[2]
        by_name[key] = None if key in by_name else name
    rows: dict[str, dict[str, Any]] = {}
    rejects = []
    for row in records(table):
        said = str(row[columns["uri"]] or "")
        picture = by_path.get(path_key(said)) or by_name.get(path_key(said))
        if picture is None:
            rejects.append(Reject(said, f"named in {LABELS}, but there is no such picture"))
        elif picture in rows:
            rejects.append(Reject(said, f"named twice in {LABELS}; the first line counts"))
        else:
            rows[picture] = row
    return columns, rows, rejects
