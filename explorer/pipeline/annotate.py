"""The rows that an annotation or a selection applies to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..collection import Collection
from ..errors import InputError
from ..search import allowed_rows
from ..storage.journal import RowNumbers


def described(collection: Collection) -> pd.DataFrame:
    """The rows with all columns that can be filtered by; works for a collection without an embedding too."""
    return collection.embedding().described() if collection.embeddings() else collection.table()


def meant_rows(
    collection: Collection, *, rows: Sequence[int] = (), selection: str | None = None, where: Mapping[str, Any] | None = None
) -> RowNumbers:
    """The union of rows given by number, by the title of a saved selection, and by filters; ascending.

    ``where`` is as in ``allowed_rows``. Raises ``InputError`` where none of the three is given, or where they give no row.
    """
    if not len(rows) and selection is None and not where:
        raise InputError("No patches are given; name their rows, a selection, or what they have in common.")
    allowed = allowed_rows(described(collection), where=where) if where else None
    parts = [collection.annotations.checked_rows(rows)] if len(rows) else []
    parts += [] if selection is None else [collection.annotations.selection(selection).rows]
    parts += [] if allowed is None else [np.flatnonzero(allowed)]
    found: RowNumbers = np.unique(np.concatenate(parts))
    if not len(found):
        raise InputError("No patch has these values; loosen a condition.")
    return found
