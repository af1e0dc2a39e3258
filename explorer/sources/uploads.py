"""Pictures uploaded through a browser: stored under names the server chose, listed under the user's names.

A folder holds the files and ``.explorer-upload.jsonl``: first ``HEADER``, then one line per file that arrived whole,
``{"stored", "name", "bytes"}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ImageRejected, SourceError
from ..types import Limits, Reject
from .base import Listed, head, no_pictures
from .folder_layout import hidden, unfit
from .reading import Listing
from .tables_beside import check_options, is_candidate, list_pictures

NAMES = ".explorer-upload.jsonl"
HEADER = '{"format": "explorer-upload-1"}\n'
"""Header line that distinguishes an upload from a user's folder."""


class UploadSource(Listed):
    """The same layouts as a zip: one folder per class (or split, then class), with ``labels.csv`` where there is one."""

    kind = "upload"

    def __init__(self, root: Path, limits: Limits, options: Mapping[str, Any]) -> None:
        super().__init__(root, limits)
        self.options = check_options(self.kind, options)
        self._stored = {name: stored for stored, name, _ in read_names(self._root)}

    def _list(self) -> Listing:
        reasons = {name: hidden(name) or self._unfit(name) for name in sorted(self._stored)}
        rejects = [Reject(name, reason) for name, reason in reasons.items() if reason]
        listing = list_pictures([name for name, reason in reasons.items() if not reason], read=self._bytes, options=self.options)
        listing = listing._replace(rejects=[*rejects, *listing.rejects])
        if not listing.items:
            raise SourceError(no_pictures("The upload", listing.rejects))
        return listing

    def _unfit(self, name: str) -> str:
        return "" if is_candidate(name) else unfit(name, lambda: head(self._root / self._stored[name]))

    def _bytes(self, uri: str) -> bytes:
        if uri not in self._stored:
            raise ImageRejected("not among the files that arrived")
        return super()._bytes(self._stored[uri])


def is_upload(root: Path) -> bool:
    """Whether a folder is an upload."""
    try:
        with (root / NAMES).open("rb") as file:
            return file.read(len(HEADER)) == HEADER.encode()
    except OSError:
        return False


def read_names(root: Path) -> list[tuple[str, str, int]]:
    """(stored name, user's name, bytes) of every complete file; of equal names the last. Raises ``SourceError``."""
    latest: dict[str, tuple[str, str, int]] = {}
    try:
        for line in (root / NAMES).read_text(encoding="utf-8").splitlines()[1:]:
            entry = json.loads(line)
            latest[entry["name"]] = (str(entry["stored"]), str(entry["name"]), int(entry["bytes"]))
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(f"The list of uploaded files in {root} cannot be read ({error}); upload them again.") from error
    return list(latest.values())
