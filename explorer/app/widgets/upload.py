"""File upload. The browser side is ``web/upload/upload.js``."""

from __future__ import annotations

from dataclasses import dataclass

from .memory import memory
from .module import Module

_MODULE = Module("upload", states=("done",))


@dataclass(frozen=True, slots=True)
class Upload:
    """Files received by the server, under the id it assigned."""

    upload_id: str
    files: int
    bytes: int


def upload(key: str, *, url: str, folder: bool = True, paste: bool = False, max_bytes: int, words: str) -> Upload | None:
    """Show an area to drop files, a folder or a zip; each file is sent by its own PUT request, so that the page stays responsive.

    ``url`` is where uploads begin; ``paste`` also accepts a picture from the clipboard; ``words`` describe the expected files.
    """
    _MODULE.mount(key, {"url": url, "folder": folder, "paste": paste, "max_bytes": max_bytes, "words": words})
    done = memory(key).get("done")
    return None if done is None else Upload(str(done["upload_id"]), int(done["n"]), int(done["bytes"]))
