"""Find patches to search with: by text in their columns, or by an uploaded picture."""

from __future__ import annotations

import numpy as np

from ...collection import Collection
from ...errors import ImageRejected, InputError
from ...sources.images import decode
from ...sources.uploads import read_names
from .. import widgets
from ..shared import cache, uploads
from . import query_state

MOST_BYTES = 20_000_000
"""Maximal size in bytes of an uploaded query picture."""
FOUND = 12
"""Maximal number of patches shown for a typed name."""
FIRST = 24
"""Number of patches offered where there is no query yet."""


def find(collection: Collection, text: str) -> list[int]:
    """The row with this number, or rows whose name, label, patient or slide contains the text."""
    rows = [int(text)] if text.isdecimal() and int(text) < collection.n else []
    for column in ("id", "label", "patient", "slide"):
        values = collection.items[column].astype("string")
        rows += np.flatnonzero(values.str.contains(text, case=False, regex=False).fillna(value=False)).tolist()[:FOUND]
    return list(dict.fromkeys(rows))[:FOUND]


def take(key: str, upload_id: str) -> str:
    """Take the picture uploaded by the widget with that key: keep it in memory for this session and delete its file."""
    widgets.forget(key)
    upload = uploads.find(cache.settings().home, upload_id)
    try:
        stored, name, _ = read_names(upload.path)[0]
        image = decode((upload.path / stored).read_bytes(), name=name, limits=cache.settings().limits)
    except ImageRejected as error:
        raise InputError(f"This picture cannot be used: {error}. Bring another one.") from error
    finally:
        uploads.remove(upload)
    return query_state.held().keep(image)
