"""Patches somebody chose, kept under a name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from .. import storage
from ..collection import Collection
from ..errors import InputError
from ..storage import Artifact

Chosen = Int64[np.ndarray, " m"]
"""Row numbers, ascending."""


def save_selection(collection: Collection, rows: Sequence[int], *, name: str, note: str = "") -> Artifact:
    """Keep rows under a name; the same rows under the same name are kept once. Raises ``InputError``."""
    chosen = np.unique(np.asarray(rows, dtype=np.int64))
    if not name.strip():
        raise InputError("A selection needs a name; give it one.")
    if not len(chosen):
        raise InputError("No patches are selected; choose some first.")
    if chosen[0] < 0 or chosen[-1] >= collection.n:
        raise InputError(f"Rows go from 0 to {collection.n - 1}; {int(chosen[0])} to {int(chosen[-1])} were given.")
    recipe = {
        "kind": "selection",
        "items": collection.record["items_sha256"],
        "name": name.strip(),
        "note": note.strip(),
        "rows_sha256": hashlib.sha256(chosen.astype("<i8").tobytes()).hexdigest(),
    }

    def fill(work: Path) -> Mapping[str, Any]:
        np.save(work / "rows.npy", chosen)
        return {"n": len(chosen)}

    return collection.make("selections", recipe, fill)


def selected_rows(selection: Artifact) -> Chosen:
    """The rows of a kept selection."""
    rows: Chosen = np.load(storage.file(selection, "rows.npy"), allow_pickle=False)
    return rows
