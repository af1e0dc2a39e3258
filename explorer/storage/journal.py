"""An append-only journal in one SQLite file: annotations of rows, with author, time and reason.

An entry is never changed or deleted (triggers refuse it). An undo is an entry too, which names the entry it undoes; undoing the
undo restores the first. The present state is a replay of the entries that are in effect, in order of their ids.

The rollback journal of SQLite (``journal_mode=DELETE``) is used rather than WAL: WAL needs shared memory between processes,
which network and some container file systems lack. ``synchronous=EXTRA`` also forces the folder to disk after the rollback
journal is deleted, so that an acknowledged entry survives a power cut, and ``mmap_size=0`` uses plain reads. Writers queue by
``BEGIN IMMEDIATE`` for up to ``PATIENCE_S``. The statements are standard SQL; only opening the file and ``user_version`` are
specific to SQLite, so the standard library's ``sqlite3`` is shorter here than a database toolkit.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64

from ..errors import ArtifactDamaged, Busy, CollectionMissing, InputError, StorageFull

UNDO = "undo"
"""Kind of an entry that undoes another one."""
PATIENCE_S = 30.0
"""Seconds that a process waits for another writer."""
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE entries (
            id INTEGER PRIMARY KEY,      -- 1, 2, 3, ... in the order of the transactions
            kind TEXT NOT NULL,
            about TEXT NOT NULL,         -- what it is about, where that is not only rows; of an undo: the kind it concerns
            value TEXT NOT NULL,
            n_rows INTEGER NOT NULL,
            one_row INTEGER,             -- where n_rows is 1
            packed_rows BLOB,            -- where n_rows is more: see pack_rows
            who TEXT NOT NULL,
            at TEXT NOT NULL,            -- UTC, ISO 8601
            why TEXT NOT NULL,
            query_id TEXT NOT NULL,
            undoes INTEGER REFERENCES entries (id)
        )""",
        "CREATE INDEX entries_by_kind ON entries (kind)",  # within a kind SQLite keeps the order of ids,
        "CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END",
        "CREATE TRIGGER entries_are_not_deleted BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END",
    ),
)
"""Statements that bring a file from schema i to i + 1. Published ones are never edited; new ones are added at the end."""
_COLUMNS = "id, kind, about, value, n_rows, one_row, packed_rows, who, at, why, query_id, undoes"
_PAGE = 50_000
"""Entries read at once: a reader blocks writers for one page only."""

RowNumbers = Int64[np.ndarray, " m"]
"""Row numbers, ascending, each once."""


class Draft(NamedTuple):
    """The content of an entry, before it is written."""

    kind: str
    rows: RowNumbers | None = None
    about: str = ""
    value: str = ""
    why: str = ""
    query_id: str = ""


class Entry(NamedTuple):
    """One line of the journal; the fields are the columns of the table."""

    id: int
    kind: str
    about: str
    value: str
    n_rows: int
    one_row: int | None
    packed_rows: bytes | None
    who: str
    at: str
    why: str
    query_id: str
    undoes: int | None

    def rows(self) -> RowNumbers:
        """The rows of the entry; empty where it is about something else. Raises ``ArtifactDamaged``."""
        if self.packed_rows is not None:
            return unpack_rows(self.packed_rows, self.n_rows)
        return np.array([] if self.one_row is None else [self.one_row], dtype=np.int64)

    def to_json(self) -> dict[str, Any]:
        """The public fields as JSON values; the row itself only where there is exactly one."""
        record = self._asdict()
        del record["packed_rows"]
        return record


class Journal:
    """The journal at ``path``. The file is created by the first entry, never by reading. Every call opens and closes it."""

    def __init__(self, path: Path, *, what: str) -> None:
        """``what`` is the name of the journal's owner in error messages."""
        self.path = path
        self._what = what

    def position(self, kinds: Sequence[str] = ()) -> tuple[int, int]:
        """The newest id, and the newest id of an undo that concerns these kinds; 0 where there is none."""
        with self._reading() as db:
            if db is None:
                return 0, 0
            newest = db.execute("SELECT coalesce(max(id), 0) FROM entries").fetchone()[0]
            undos = f"SELECT coalesce(max(id), 0) FROM entries WHERE kind = ? AND about IN ({_marks(kinds)})"
            return newest, db.execute(undos, (UNDO, *kinds)).fetchone()[0] if kinds else 0

    def entries(self, kinds: Sequence[str], *, after: int = 0, until: int) -> Iterator[Entry]:
        """Entries of these kinds with ``after`` < id <= ``until``, oldest first, whether in effect or not."""
        query = f"SELECT {_COLUMNS} FROM entries WHERE kind IN ({_marks(kinds)}) AND id > ? AND id <= ? ORDER BY id LIMIT {_PAGE}"
        while True:
            with self._reading() as db:
                page = [] if db is None else db.execute(query, (*kinds, after, until)).fetchall()
            yield from map(Entry._make, page)
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    def newest(self, *, before: int | None = None, limit: int = -1) -> list[Entry]:
        """Entries of all kinds, newest first; a negative limit means all."""
        query = f"SELECT {_COLUMNS} FROM entries WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?"
        with self._reading() as db:
            given = (None if before is None else _fitting(before),) * 2
            return [] if db is None else [Entry._make(row) for row in db.execute(query, (*given, _fitting(limit)))]

    def undone(self) -> set[int]:
        """Ids of the entries that are not in effect: an undo that is in effect itself names them."""
        with self._reading() as db:
            return set() if db is None else _undone(db)

    def append(self, drafts: Sequence[Draft], *, who: str) -> list[Entry]:
        """Add entries, all or none; when this returns they are on disk. Raises ``Busy``, ``InputError``, ``CollectionMissing``."""
        with self._writing() as db:
            return _insert(db, [(draft, None) for draft in drafts], who=who)

    def undo(self, entry_id: int | None = None, *, who: str, why: str = "", kinds: Sequence[str] = ()) -> Entry:
        """Undo an entry; without ``entry_id`` the newest one in effect that is not an undo, of these kinds where given.

        Raises ``InputError`` where there is no such entry or it was undone already.
        """
        return self._take_back(entry_id, who=who, why=why, kinds=kinds, undos=False)

    def redo(self, *, who: str, why: str = "", kinds: Sequence[str] = ()) -> Entry:
        """Undo the newest undo in effect of an entry of these kinds. Raises ``InputError`` where there is none."""
        return self._take_back(None, who=who, why=why, kinds=kinds, undos=True)

    def faults(self) -> list[str]:
        """One sentence where the file is damaged."""
        try:
            with self._reading() as db:
                found = "ok" if db is None else db.execute("PRAGMA quick_check(1)").fetchone()[0]
        except ArtifactDamaged as damage:
            return [str(damage)]
        return [] if found == "ok" else [self._damage(found)]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Block all writers while the block runs, so that the folder can be moved: SQLite finds its files by their paths."""
        if not self.path.is_file():
            yield
            return
        with self._in_words(), closing(self._connect("rw")) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                db.execute("ROLLBACK")

    def _take_back(self, entry_id: int | None, *, who: str, why: str, kinds: Sequence[str], undos: bool) -> Entry:
        if not self.path.is_file():
            raise InputError(f"The {self._what} has no annotations yet, so there is nothing to undo.")
        with self._writing() as db:
            undone = _undone(db)
            if entry_id is None:
                # only undos whose target is no undo itself: a redo is not redone
                test = f"e.kind {'=' if undos else '<>'} ? AND (t.kind IS NULL OR t.kind <> ?)"
                test += f" AND {'e.about' if undos else 'e.kind'} IN ({_marks(kinds)})" if kinds else ""
                query = f"SELECT e.id FROM entries e LEFT JOIN entries t ON t.id = e.undoes WHERE {test} ORDER BY e.id DESC"
                ids = (row[0] for row in db.execute(query, (UNDO, UNDO, *kinds)))
                entry_id = next((found for found in ids if found not in undone), None)
                if entry_id is None:
                    raise InputError(f"There is nothing {'that was undone' if undos else 'left to undo'} in the history of {self._what}.")
            found = db.execute("SELECT kind, about FROM entries WHERE id = ?", (_fitting(entry_id),)).fetchone()
            if found is None:
                raise InputError(f"There is no entry {entry_id} in the history of {self._what}; look there for its number.")
            if entry_id in undone:
                raise InputError(f"Entry {entry_id} of {self._what} is undone already; undo that undo to have it again.")
            concerned = found[1] if found[0] == UNDO else found[0]
            (entry,) = _insert(db, [(Draft(UNDO, about=concerned, why=why), entry_id)], who=who)
            return entry

    # -- the file

    def _connect(self, mode: str) -> sqlite3.Connection:
        db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, timeout=PATIENCE_S, isolation_level=None)
        db.execute("PRAGMA mmap_size = 0")
        return db

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection; None where the file does not exist yet.

        It can write, because a reader rolls back what an interrupted writer left.
        """
        if not self.path.is_file():
            yield None
            return
        with self._in_words(), closing(self._connect("rw")) as db:
            yield db if self._schema(db) else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if not self.path.parent.is_dir():
            raise CollectionMissing(f"The folder of {self._what} is gone; it may have been renamed or deleted.")
        with self._in_words(), closing(self._connect("rwc")) as db:
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("PRAGMA synchronous = EXTRA")
            db.execute("BEGIN IMMEDIATE")
            try:
                for number, statements in list(enumerate(MIGRATIONS, start=1))[self._schema(db) :]:
                    for statement in (*statements, f"PRAGMA user_version = {number}"):
                        db.execute(statement)
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def _schema(self, db: sqlite3.Connection) -> int:
        found = int(db.execute("PRAGMA user_version").fetchone()[0])
        if found > len(MIGRATIONS):
            raise InputError(f"The annotations of {self._what} have schema {found}, newer than this program; update the program.")
        return found

    def _damage(self, error: object) -> str:
        return f"{self.path} is damaged ({error}); restore it from a copy, or move it away and lose the annotations."

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Convert errors of SQLite to sentences for people."""
        try:
            yield
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise Busy(f"Another process is writing the annotations of {self._what}; wait for it to end and do this again.") from error
            if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
                raise InputError(f"{self.path} cannot be written ({error}); ask for the right to write into its folder.") from error
            if code == sqlite3.SQLITE_FULL:
                raise StorageFull(f"The disk that holds {self.path} is full; free some space and do this again.") from error
            raise InputError(f"{self.path} could not be used ({error}); check its disk and the space left on it.") from error
        except sqlite3.DatabaseError as error:
            raise ArtifactDamaged(self._damage(error)) from error


def pack_rows(rows: RowNumbers) -> bytes:
    """Ascending row numbers in few bytes: the first one and the differences that follow as little-endian int32, zlib level 6."""
    return zlib.compress(np.diff(rows, prepend=0).astype("<i4").tobytes(), 6)


def unpack_rows(packed: bytes, n_rows: int) -> RowNumbers:
    """The ``n_rows`` row numbers that ``pack_rows`` packed. Raises ``ArtifactDamaged``."""
    unpacking = zlib.decompressobj()
    try:
        steps = unpacking.decompress(packed, 4 * n_rows + 1)  # one byte more than there may be
    except zlib.error:
        steps = b""
    if len(steps) != 4 * n_rows or not unpacking.eof:
        raise ArtifactDamaged("The rows of an annotation cannot be read; restore the journal from a copy.")
    rows: RowNumbers = np.cumsum(np.frombuffer(steps, dtype="<i4"), dtype=np.int64)
    return rows


def _insert(db: sqlite3.Connection, drafts: Sequence[tuple[Draft, int | None]], *, who: str) -> list[Entry]:
    last = int(db.execute("SELECT coalesce(max(id), 0) FROM entries").fetchone()[0])
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    entries = []
    for at, (draft, undoes) in enumerate(drafts, start=last + 1):
        rows = np.empty(0, np.int64) if draft.rows is None else draft.rows
        one, packed = (int(rows[0]), None) if len(rows) == 1 else (None, pack_rows(rows) if len(rows) else None)
        by = (who, now, draft.why, draft.query_id, undoes)
        entries.append(Entry(at, draft.kind, draft.about, draft.value, len(rows), one, packed, *by))
    db.executemany(f"INSERT INTO entries ({_COLUMNS}) VALUES ({_marks(Entry._fields)})", entries)
    return entries


def _undone(db: sqlite3.Connection) -> set[int]:
    """Ids of entries that are not in effect, computed from the newest entry to the oldest, because an undo is newer than its target."""
    undone: set[int] = set()
    for number, target in db.execute("SELECT id, undoes FROM entries WHERE kind = ? ORDER BY id DESC", (UNDO,)):
        if number not in undone:
            undone.add(target)
    return undone


def _fitting(number: int) -> int:
    """A number limited to the 64 bits of SQLite; no id is that large."""
    return max(-1, min(number, 2**63 - 1))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
