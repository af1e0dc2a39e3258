"""The browser modules of the widgets, served at a URL that contains a digest of their content.

Modules and style sheets are in ``web/``, one folder per widget, and import each other by relative name. They are served at
``<api>/web/<digest of all of them>/<name>``, so that each can be cached without limit and modules of two versions are never
mixed.
Comments (mostly type annotations for the checker) are not served: they would be a quarter of the bytes.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "web"
MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
IMMUTABLE = "public, max-age=31536000, immutable"
"""Cache header of the browser modules, which contain no data of any collection."""
PRIVATE_IMMUTABLE = "private, max-age=31536000, immutable"
"""Cache header of pictures and rows: the user's browser may cache them, shared caches may not."""
PRIVATE = "private, no-cache"
_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*.*?\*/[ \t]*)$", re.MULTILINE | re.DOTALL)
"""A comment that fills whole lines."""


@cache
def files() -> dict[str, bytes]:
    """Name below ``web/``, such as ``map/map.js``, -> bytes of every module and style sheet as they are served, read once."""
    return {
        path.relative_to(FOLDER).as_posix(): without_comments(path.read_text(encoding="utf-8")).encode()
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in MEDIA_TYPES
    }


def without_comments(text: str) -> str:
    """A module without comments that fill a whole line; such lines stay as empty lines, so that line numbers do not change."""
    return _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)


@cache
def digest() -> str:
    """Sixteen hex digits that change with any of the files."""
    sha256 = hashlib.sha256()
    for name, content in files().items():
        sha256.update(f"{name}\0{len(content)}\0".encode())
        sha256.update(content)
    return sha256.hexdigest()[:16]


def address(api: str, name: str) -> str:
    """URL of a file, below the ``api`` prefix (``/api`` or ``/<base path>/api``)."""
    return f"{api}/web/{digest()}/{name}"


def read(version: str, name: str) -> tuple[bytes, str] | None:
    """Content and media type of a served file; None for an unknown name or another version."""
    content = files().get(name) if version == digest() else None
    return None if content is None else (content, MEDIA_TYPES[Path(name).suffix])
