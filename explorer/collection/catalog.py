"""Finding collections under a home folder."""

from __future__ import annotations

import re
from pathlib import Path

from .. import settings
from ..errors import ExplorerError, InputError
from ..types import Limits
from .collection import RECORD, Collection

_NAME = re.compile(r"[^\W_][\w .+-]{0,99}")
_WINDOWS_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])(\..*)?", re.IGNORECASE)


def open_collection(name: str, *, home: Path | str | None = None, limits: Limits | None = None) -> Collection:
    """The collection of that name under ``home`` (``EXPLORER_HOME`` or ``indexes`` where left out). Raises ``CollectionMissing``."""
    return Collection(Path(home or settings.read().home) / checked_name(name), limits=limits)


def list_collections(home: Path) -> list[Collection]:
    """All collections under ``home`` that open, by name."""
    results = (_try_open(path) for path in _folders(home))
    return [collection for collection in results if isinstance(collection, Collection)]


def list_damaged(home: Path) -> dict[str, str]:
    """Name and fault of every collection under ``home`` that does not open."""
    results = {path.name: _try_open(path) for path in _folders(home)}
    return {name: str(fault) for name, fault in results.items() if isinstance(fault, ExplorerError)}


def _folders(home: Path) -> list[Path]:
    folders = sorted(home.iterdir()) if home.is_dir() else []
    return [path for path in folders if not path.name.startswith(".") and (path / RECORD).is_file()]


def _try_open(path: Path) -> Collection | ExplorerError:
    try:
        return Collection(path)
    except ExplorerError as error:
        return error


def checked_name(name: str) -> str:
    """The name, where it can safely name a folder; raises ``InputError``."""
    if _WINDOWS_DEVICE.fullmatch(name):
        raise InputError(f"{name!r} cannot name a collection, as Windows keeps that name for a device; choose another one.")
    if not _NAME.fullmatch(name) or name.endswith((".", " ")):
        raise InputError(f"{name!r} cannot name a collection; use letters, digits, spaces and . + - _, starting with a letter or digit.")
    return name
