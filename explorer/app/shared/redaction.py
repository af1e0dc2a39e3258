"""Sentences for people who do not sit at the server: what they say stays, where things lie on its disk does not."""

from __future__ import annotations

import re
from pathlib import Path

from ... import settings

_ABSOLUTE = re.compile(r"""(?<![\w.:/\\])(?:[A-Za-z]:)?(?:[/\\][^/\\\s'"<>|:;,()]+){2,}[/\\]?""")
_UPLOAD = re.compile(r"(?:\.uploads/)?\b[0-9a-f]{32}\b(?:/[0-9a-f]{16}\b(?:\.\w+)?)?")
"""The id of an upload, which only those who brought it should know."""


def without_paths(text: str) -> str:
    """The text with every absolute path cut down to its last name, and no id of an upload."""
    text = _UPLOAD.sub("the upload", text)
    for known in (settings.read().home.resolve(), *settings.default_roots()):
        if known != Path(known.anchor):
            text = text.replace(f"{known}/", "").replace(str(known), known.name)
    return _ABSOLUTE.sub(lambda found: re.split(r"[/\\]", found[0].rstrip("/\\"))[-1], text)
