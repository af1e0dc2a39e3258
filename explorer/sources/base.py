"""Base class and common functions of sources that list their pictures once, from a path on disk."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import ImageRejected
from ..types import Image, Item, Limits, Reject
from ..wording import counted
from .images import check_bytes, decode
from .reading import Listing

OUTSIDE = "its path leaves the folder"
GONE = "there is no such file"
HEAD_BYTES = 132
"""Number of bytes that are enough to recognise a picture."""


class Listed(ABC):
    """A ``Source`` at a path. Each kind implements ``_list``, and ``_bytes`` where a picture is not a file below ``_root``."""

    kind = ""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = self._root = path.resolve()
        self._limits = limits
        self.options: Mapping[str, Any] = {}

    @property
    def uri(self) -> str:
        return str(self._path)

    def items(self) -> Sequence[Item]:
        return self.listing.items

    def rejects(self) -> Sequence[Reject]:
        return self.listing.rejects

    def read(self, uri: str) -> Image:
        return decode(self._bytes(uri), name=uri, limits=self._limits)

    @cached_property
    def listing(self) -> Listing:
        """All pictures and rejects, listed once."""
        found = self._list()
        return found if isinstance(found, Listing) else Listing(*found)

    @abstractmethod
    def _list(self) -> Listing | tuple[list[Item], list[Reject]]:
        """List pictures and rejects. Raises ``SourceError``."""

    def _bytes(self, uri: str) -> bytes:
        return read_file(self._root, uri, self._limits)


def read_file(root: Path, uri: str, limits: Limits) -> bytes:
    """All bytes of a file below ``root`` (a resolved path).

    Raises ``ImageRejected`` where it lies outside, does not exist, cannot be read, or is larger than any allowed picture.
    """
    try:
        path = Path(os.path.realpath(root / uri))
        if not path.is_relative_to(root):
            raise ImageRejected(OUTSIDE)
        check_bytes(path.stat().st_size, limits)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageRejected(GONE) from error
    except (OSError, ValueError) as error:  # ValueError: a name no file can have
        raise ImageRejected(f"the file cannot be opened ({getattr(error, 'strerror', None) or 'not a file name'})") from error


def head(path: str | Path) -> bytes:
    """The first bytes of a file; empty where it cannot be opened (reading it will then give the reason)."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a DirEntry's path
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def no_pictures(where: str, rejects: Sequence[Reject]) -> str:
    """The error message for a source in which every file was left out."""
    if not rejects:
        return f"{where} holds no pictures; put PNG, JPEG, TIFF, BMP or WebP files into it."
    n, first = len(rejects), rejects[0]
    return f"{where} holds no pictures ({counted(n, 'entry')} passed over, such as {first.uri}: {first.reason}); check the path."
