"""Annotations of the rows of a collection: labels, notes, tags, decisions, saved selections and names of clusters.

Each annotation is an entry of the journal ``annotations.sqlite`` (``storage.journal``): who, when, why, and by which query the
rows were found. Nothing is overwritten; undo is an entry. The present state is a replay (``collection.replay``), kept in memory
and updated with the entries that other processes have added since.
"""

from __future__ import annotations

import getpass
import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import numpy as np
import pandas as pd
from jaxtyping import Integer

from .. import storage
from ..errors import InputError
from ..storage import Artifact
from ..storage.journal import Draft, Entry, Journal, RowNumbers
from ..types import LIST_SEPARATOR, TAGS_COLUMN
from . import replay
from .artifact_files import load_array
from .replay import ClusterNames, RowValues, SavedSelection, Selections, State, Tags

FILE = "annotations.sqlite"
RowKind = Literal["label", "note", "tag", "untag", "decision"]
ROW_KINDS: tuple[RowKind, ...] = get_args(RowKind)
"""Kinds of annotations of rows. An empty label, note or decision removes it; ``untag`` removes a tag."""
COLUMNS: Mapping[str, str] = {
    "label": "label_by_people",
    "tag": TAGS_COLUMN,
    "decision": "decision_by_people",
    "note": "note_by_people",
}
"""Kind -> column of ``Annotations.beside``. One whose name the user has taken gets a trailing underscore."""
MOST_LETTERS = 200
"""Maximal number of characters of a label, tag, decision, title or name."""
MOST_NOTE_LETTERS = 10_000
_AUTOMATIC = "Searched with"
GivenRows = Iterable[int | np.integer[Any]]
"""Row numbers in any order."""
T = TypeVar("T")
S = TypeVar("S", bound=State)


class Annotations:
    """The annotations of the collection at ``path`` with ``n`` rows. May be used by several threads and processes at once.

    ``who`` is the user of the operating system where left out. All methods that add an entry raise ``InputError``,
    ``Busy`` or ``CollectionMissing``; reading raises ``ArtifactDamaged`` for a damaged file, ``InputError`` for a newer schema.
    """

    def __init__(self, path: Path, *, n: int) -> None:
        self.journal = Journal(path / FILE, what=f"collection {path.name!r}")
        self._path = path
        self._n = n
        self._lock = threading.RLock()
        self._states: dict[str, tuple[int, Any]] = {}
        self._table: tuple[int, pd.DataFrame, pd.DataFrame] | None = None

    @property
    def version(self) -> int:
        """Number of entries so far: anything computed from annotations is valid while this stays the same."""
        return self.journal.position()[0]

    # -- rows

    def add(self, kind: str, value: str, rows: GivenRows, *, who: str | None = None, why: str = "", query_id: str = "") -> Entry:
        """Annotate rows with ``value``."""
        if kind not in ROW_KINDS:
            raise InputError(f"There is no annotation of kind {kind!r}; choose one of {', '.join(ROW_KINDS)}.")
        text = _text(value, what=f"a {kind}", most=MOST_NOTE_LETTERS) if kind == "note" else _line(value, what=f"a {kind}")
        if kind in ("tag", "untag") and (not text or LIST_SEPARATOR.strip() in text):
            raise InputError(f"A tag has at least one letter and no {LIST_SEPARATOR.strip()!r}; {text!r} cannot be one.")
        return self._append(Draft(kind, self.checked_rows(rows), value=text, why=why, query_id=query_id), who=who)

    def column(self, kind: str) -> pd.Series[str]:
        """(n) text per row: its label, note or decision, or its tags in one text; missing where there is none."""
        if kind not in COLUMNS:
            raise InputError(f"There is no column of {kind!r} by people; choose one of {', '.join(COLUMNS)}.")
        if kind == "tag":
            return self._replay(kind, lambda: Tags(self._n), Tags.column)
        return self._replay(kind, lambda: RowValues(kind, self._n), RowValues.column)

    def beside(self, items: pd.DataFrame) -> pd.DataFrame:
        """``items`` with the annotation columns that have at least one value; computed again after new entries."""
        version, known = self.version, self._table
        if known is None or known[0] != version or known[1] is not items:
            columns = {name: self.column(kind) for kind, name in COLUMNS.items()} if version else {}
            columns = {_free(name, items): values for name, values in columns.items() if values.notna().any()}
            known = self._table = (version, items, items.assign(**columns) if columns else items)
        return known[2]

    def checked_rows(self, rows: GivenRows) -> RowNumbers:
        """These rows sorted and without repetition. Raises ``InputError`` where there are none, or one that is not in the collection."""
        chosen: Integer[np.ndarray, " _"] = np.asarray(rows if isinstance(rows, np.ndarray) else list(rows))
        if not chosen.size:
            raise InputError("No patches are selected; choose some first.")
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise InputError("Rows are given as whole numbers; give their numbers from 0.")
        unique: RowNumbers = np.unique(chosen).astype(np.int64)
        if unique[0] < 0 or unique[-1] >= self._n:
            raise InputError(f"Rows go from 0 to {self._n - 1}; {int(unique[0])} to {int(unique[-1])} were given.")
        return unique

    # -- saved selections

    def selections(self) -> list[SavedSelection]:
        """Saved selections, newest first."""
        found = self._replay("selections", lambda: Selections(self._old_selections), lambda state: list(state.by_title.values()))
        return found[::-1]

    def selection(self, title_or_key: str) -> SavedSelection:
        """The selection of that title, or of that key. Raises ``InputError``."""
        title = " ".join(title_or_key.split())
        found = sorted((one for one in self.selections() if title in (one.title, one.key)), key=lambda one: one.title != title)
        if not found:
            raise InputError(f"There is no selection {title[:80]!r}; 'explorer selections {self._path.name}' lists them.")
        return found[0]

    def save_selection(self, title: str, rows: GivenRows, *, note: str = "", who: str | None = None, query_id: str = "") -> SavedSelection:
        """Save rows under a title. It replaces a selection with the same title, which undo restores."""
        title, note = _line(title, what="a title"), _text(note, what="a note", most=MOST_NOTE_LETTERS)
        if not title:
            raise InputError("A selection needs a title; give it one.")
        return self._save(Draft(replay.SELECTION, self.checked_rows(rows), about=title, value=note, query_id=query_id), who=who)

    def save_automatic_selection(self, rows: GivenRows, *, who: str | None = None) -> SavedSelection:
        """Save rows that are too many for a URL; the same rows are saved once, marked as automatic."""
        chosen = self.checked_rows(rows)
        title = f"{_AUTOMATIC} {len(chosen)} patches, {hashlib.sha256(chosen.astype('<i8').tobytes()).hexdigest()[:8]}"
        known = next((one for one in self.selections() if one.title == title), None)
        return known or self._save(Draft(replay.AUTOMATIC_SELECTION, chosen, about=title), who=who)

    def remove_selection(self, title: str, *, who: str | None = None, why: str = "") -> Entry:
        """Remove a selection from the list; undo restores it."""
        return self._append(Draft(replay.REMOVED_SELECTION, about=self.selection(title).title, why=why), who=who)

    # -- names of clusters

    def cluster_names(self, clustering: Artifact) -> dict[int, str]:
        """Names given to the clusters of a clustering, by number from 0."""
        given = self._replay("cluster names", ClusterNames, lambda state: dict(state.by_id))
        old = self._path / "names" / f"{clustering.key}.json"  # before there was a journal
        names = {int(number): str(name) for number, name in storage.read_json(old).items()} if old.is_file() else {}
        for number in range(len(clustering.meta["measured"]["sizes"])):
            names[number] = given.get(replay.cluster_id(clustering.key, number), names.get(number, ""))
        return {number: name for number, name in sorted(names.items()) if name}

    def name_clusters(self, clustering: Artifact, names: Mapping[int, str], *, who: str | None = None) -> dict[int, str]:
        """Name clusters; an empty name removes one. Returns all names."""
        n_clusters = len(clustering.meta["measured"]["sizes"])
        if unknown := [number for number in names if not 0 <= number < n_clusters]:
            raise InputError(f"There is no group {unknown[0] + 1}; this grouping has {n_clusters}.")
        present = self.cluster_names(clustering)
        lines = {number: _line(name, what="a name") for number, name in names.items()}
        drafts = [
            Draft(replay.CLUSTER_NAME, about=replay.cluster_id(clustering.key, number), value=name)
            for number, name in lines.items()
            if name != present.get(number, "")
        ]
        if drafts:
            self.journal.append(drafts, who=_author(who))
        return self.cluster_names(clustering)

    # -- history

    def history(self, *, before: int | None = None, limit: int = -1) -> list[Entry]:
        """Entries of all kinds, newest first: those with an id below ``before``, at most ``limit`` (all where negative)."""
        return self.journal.newest(before=before, limit=limit)

    def undo(self, entry_id: int | None = None, *, kinds: Sequence[str] = (), who: str | None = None, why: str = "") -> Entry:
        """Undo an entry, or the newest one in effect of these kinds (of any where none are given)."""
        return self.journal.undo(entry_id, kinds=kinds, who=_author(who), why=_reason(why))

    def redo(self, *, kinds: Sequence[str] = (), who: str | None = None, why: str = "") -> Entry:
        """Undo the newest undo of an entry of these kinds."""
        return self.journal.redo(kinds=kinds, who=_author(who), why=_reason(why))

    # -- within

    def _append(self, draft: Draft, *, who: str | None) -> Entry:
        checked = draft._replace(why=_reason(draft.why), query_id=_line(draft.query_id, what="the id of a query"))
        (entry,) = self.journal.append([checked], who=_author(who))
        return entry

    def _save(self, draft: Draft, *, who: str | None) -> SavedSelection:
        state = Selections({})
        state.take(self._append(draft, who=who))
        return state.by_title[draft.about]

    def _replay(self, name: str, make: Callable[[], S], read: Callable[[S], T]) -> T:
        """The result of ``read`` on the state of that name after the newest entry; only new entries are read."""
        with self._lock:
            last, state = self._states.get(name, (0, None))
            fresh = make() if state is None else state
            version, newest_undo = self.journal.position(fresh.kinds)
            if version < last or newest_undo > last:  # taken back, or another journal lies there
                last, fresh = 0, make()
            if version > last:
                undone = self.journal.undone()
                for entry in self.journal.entries(fresh.kinds, after=last, until=version):
                    if entry.id not in undone:
                        fresh.take(entry)
            self._states[name] = (version, fresh)
            return read(fresh)

    @cached_property
    def _old_selections(self) -> dict[str, SavedSelection]:
        """Selections saved as artifacts, the form before the journal; several may have the same name."""
        found: dict[str, SavedSelection] = {}
        for artifact in reversed(storage.artifacts(self._path, "selections")):
            name, title, number = " ".join(artifact.recipe["name"].split()), "", 1
            while not title or title in found:
                title, number = name if number == 1 else f"{name} ({number})", number + 1
            rows: RowNumbers = np.array(load_array(artifact, "rows.npy"))
            by_search = name == _AUTOMATIC
            found[title] = SavedSelection(
                artifact.key, title, len(rows), rows, artifact.recipe["note"], by_search, "unknown", artifact.meta["created"]
            )
        return found


def system_user() -> str:
    """Name of the user of the operating system; "unknown" where it has none, as in some containers."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # what it raises depends on the version of Python and the system
        return "unknown"


def _author(who: str | None) -> str:
    return _line(who, what="a user's name") if who is not None else _encodable(system_user())


def _reason(why: str) -> str:
    return _text(why, what="a reason", most=MOST_NOTE_LETTERS)


def _encodable(text: str) -> str:
    """The text with "?" for each lone surrogate, which arguments and environment variables may contain and no file can store."""
    return text.encode("utf-8", "replace").decode()


def _text(text: str, *, what: str, most: int) -> str:
    """The text without blanks around it. Raises ``InputError`` for one that is too long or cannot be stored."""
    text = text.strip()
    if len(text) > most:
        raise InputError(f"{what[:1].upper()}{what[1:]} has at most {most} letters, and this one has {len(text)}; shorten it.")
    if "\0" in text or text != _encodable(text):
        raise InputError(f"{what[:1].upper()}{what[1:]} holds characters that are no text; write it again without them.")
    return text


def _line(text: str, *, what: str) -> str:
    return _text(" ".join(text.split()), what=what, most=MOST_LETTERS)


def _free(name: str, items: pd.DataFrame) -> str:
    while name in items.columns:
        name += "_"
    return name
