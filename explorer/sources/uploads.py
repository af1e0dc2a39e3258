"""Pictures that came through a browser: stored under names the server chose, known by the names their owner gave them.

A folder holds the files and ``.explorer-upload.jsonl``: first ``HEADER``, then one line per file that arrived whole,
``{"stored", "name", "bytes"}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import ImageRejected, SourceError
from ..types import Image, Item, Limits, Reject
from .files import head, no_pictures, read_file
from .images import decode
from .layout import LABELS, hidden, make_items, unfit, wrapper

NAMES = ".explorer-upload.jsonl"
HEADER = '{"format": "explorer-upload-1"}\n'
"""By it an upload is told from a folder of the user's own."""


class UploadSource:
    """The same layouts as a zip: one folder per class (or split, then class), with ``labels.csv`` where there is one."""

    kind = "upload"

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root.resolve()
        self._limits = limits
        self.options: Mapping[str, Any] = {}
        self._stored = {name: stored for stored, name, _ in read_names(self._root)}

    @property
    def uri(self) -> str:
        return str(self._root)

    def items(self) -> Sequence[Item]:
        return self._listing[0]

    def rejects(self) -> Sequence[Reject]:
        return self._listing[1]

    def read(self, uri: str) -> Image:
        return decode(self._bytes(uri), name=uri, limits=self._limits)

    @cached_property
    def _listing(self) -> tuple[list[Item], list[Reject]]:
        names: list[str] = []
        rejects: list[Reject] = []
        for name in sorted(self._stored):
            reason = next((reason for part in name.split("/") if (reason := hidden(part))), "")
            if name.rpartition("/")[2] != LABELS:
                reason = reason or unfit(name, lambda name=name: head(self._root / self._stored[name]))  # type: ignore[misc]
            if reason:
                rejects.append(Reject(name, reason))
            else:
                names.append(name)
        labels = {name for name in names if name.rpartition("/")[2] == LABELS}
        pictures = [name for name in names if name not in labels]
        root = wrapper(pictures)
        rejects += [Reject(name, f"only the {LABELS} beside the class folders is read") for name in sorted(labels - {root + LABELS})]
        columns = self._bytes(root + LABELS) if root + LABELS in labels else None
        items, more = make_items(pictures, labels=columns, root=root)
        if not items:
            raise SourceError(no_pictures("The upload", rejects))
        return items, rejects + more

    def _bytes(self, name: str) -> bytes:
        if name not in self._stored:
            raise ImageRejected("not among the files that arrived")
        return read_file(self._root, self._stored[name], self._limits)


def is_upload(root: Path) -> bool:
    """Whether a folder is an upload."""
    try:
        with (root / NAMES).open("rb") as file:
            return file.read(len(HEADER)) == HEADER.encode()
    except OSError:
        return False


def read_names(root: Path) -> list[tuple[str, str, int]]:
    """(stored as, name its owner gave it, bytes) of every file that arrived whole; of equal names the last. Raises ``SourceError``."""
    latest: dict[str, tuple[str, str, int]] = {}
    try:
        for line in (root / NAMES).read_text(encoding="utf-8").splitlines()[1:]:
            entry = json.loads(line)
            latest[entry["name"]] = (str(entry["stored"]), str(entry["name"]), int(entry["bytes"]))
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(f"The list of uploaded files in {root} cannot be read ({error}); upload them again.") from error
    return list(latest.values())
