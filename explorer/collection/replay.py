"""The present state after a replay of the journal: values of rows, tags, saved selections, names of clusters.

Each state takes the entries of its kinds that are in effect, oldest first. Applying an entry twice in the same order changes
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from ..storage.journal import Entry, RowNumbers
from ..types import LIST_SEPARATOR

LABEL, NOTE, TAG, UNTAG, DECISION = "label", "note", "tag", "untag", "decision"
SELECTION, AUTOMATIC_SELECTION, REMOVED_SELECTION = "selection", "automatic selection", "removed selection"
CLUSTER_NAME = "cluster name"


class State(Protocol):
    """The result of a replay."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of the entries it takes."""

    def take(self, entry: Entry) -> None:
        """Apply one entry of ``kinds``."""


@dataclass(frozen=True, slots=True)
class SavedSelection:
    """A named set of rows."""

    key: str
    """Identifies the selection: the number of its entry, or the key of an artifact of the old form."""
    title: str
    n_rows: int
    rows: RowNumbers = field(repr=False, compare=False)
    note: str
    automatic: bool
    """True if a search of the app saved it automatically."""
    who: str
    at: str


class RowValues:
    """One text per row for labels, notes and decisions; the last one counts, an empty one removes the value."""

    def __init__(self, kind: str, n: int) -> None:
        self.kinds = (kind,)
        self._values = np.full(n, None, dtype=object)

    def take(self, entry: Entry) -> None:
        self._values[entry.rows() if entry.one_row is None else entry.one_row] = entry.value or None

    def column(self) -> pd.Series[str]:
        """(n) text, missing where there is no value."""
        return pd.Series(self._values.copy(), dtype="string")


class Tags:
    """Any number of tags per row."""

    kinds = (TAG, UNTAG)

    def __init__(self, n: int) -> None:
        self._n = n
        self._rows_by_tag: dict[str, np.ndarray] = {}

    def take(self, entry: Entry) -> None:
        if entry.value not in self._rows_by_tag:
            self._rows_by_tag[entry.value] = np.zeros(self._n, dtype=bool)
        self._rows_by_tag[entry.value][entry.rows() if entry.one_row is None else entry.one_row] = entry.kind == TAG

    def column(self) -> pd.Series[str]:
        """(n) the tags of each row in alphabetical order, joined by ``LIST_SEPARATOR``; missing where there is none."""
        joined = np.full(self._n, None, dtype=object)
        for tag in sorted(self._rows_by_tag):
            rows = np.flatnonzero(self._rows_by_tag[tag])
            joined[rows] = [tag if before is None else f"{before}{LIST_SEPARATOR}{tag}" for before in joined[rows]]
        return pd.Series(joined, dtype="string")


class Selections:
    """Saved selections by title; a later one with the same title replaces the earlier one."""

    kinds = (SELECTION, AUTOMATIC_SELECTION, REMOVED_SELECTION)

    def __init__(self, before: Mapping[str, SavedSelection]) -> None:
        """``before``: selections of the old form on disk."""
        self.by_title = dict(before)

    def take(self, entry: Entry) -> None:
        self.by_title.pop(entry.about, None)
        if entry.kind != REMOVED_SELECTION:
            automatic = entry.kind == AUTOMATIC_SELECTION
            self.by_title[entry.about] = SavedSelection(
                str(entry.id), entry.about, entry.n_rows, entry.rows(), entry.value, automatic, entry.who, entry.at
            )


class ClusterNames:
    """Names of clusters by ``cluster_id``; an empty one removes the name."""

    kinds = (CLUSTER_NAME,)

    def __init__(self) -> None:
        self.by_id: dict[str, str] = {}

    def take(self, entry: Entry) -> None:
        self.by_id[entry.about] = entry.value


def cluster_id(clustering_key: str, number: int) -> str:
    """The identifier of one cluster of one clustering in entries."""
    return f"{clustering_key}/{number}"
