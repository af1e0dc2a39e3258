"""Removal of server paths from messages that are shown to remote users."""

from __future__ import annotations

import re
from pathlib import Path

from ... import settings

_ABSOLUTE = re.compile(r"""(?<![\w.:/\\])(?:[A-Za-z]:)?(?:[/\\][^/\\\s'"<>|:;,()]+){2,}[/\\]?""")
_UPLOAD = re.compile(r"(?:\.uploads/)?\b[0-9a-f]{32}\b(?:/[0-9a-f]{16}\b(?:\.\w+)?)?")
"""The id of an upload, which only its owner should know."""


def without_paths(text: str) -> str:
    """The text with every absolute path reduced to its last part and every upload id removed."""
    text = _UPLOAD.sub("the upload", text)
    for known in (settings.read().home.resolve(), *settings.default_roots()):
        if known != Path(known.anchor):
            text = text.replace(f"{known}/", "").replace(str(known), known.name)
    return _ABSOLUTE.sub(lambda found: re.split(r"[/\\]", found[0].rstrip("/\\"))[-1], text)
