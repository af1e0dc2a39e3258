"""The journal file: append-only, durable at every moment, shared by processes, and never made by reading."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from explorer.errors import ArtifactDamaged, Busy, CollectionMissing, InputError
from explorer.storage import journal as journal_file
from explorer.storage.journal import MIGRATIONS, Draft, Entry, Journal, pack_rows, unpack_rows

ROOT = Path(__file__).resolve().parents[2]


def journal_in(folder: Path) -> Journal:
    return Journal(folder / "annotations.sqlite", what="collection 'crc'")


def draft(value: str, *rows: int, kind: str = "label") -> Draft:
    return Draft(kind, np.array(rows, dtype=np.int64), value=value)


def values(journal: Journal, *kinds: str) -> list[str]:
    return [entry.value for entry in journal.entries(kinds or ("label",), until=journal.position()[0])]


def child(script: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    head = "import os, signal, sys, sqlite3\nfrom pathlib import Path\nimport numpy as np\nfrom explorer.storage import journal as module\n"
    head += "from explorer.storage.journal import Draft, Journal\njournal = Journal(Path(sys.argv[1]) / 'annotations.sqlite', what='it')\n"
    command = [sys.executable, "-c", head + textwrap.dedent(script), str(folder), *arguments]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)


# -- entries


def test_reading_a_journal_that_is_not_there_makes_no_file(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    assert journal.position(("label",)) == (0, 0)
    assert journal.newest() == [] and values(journal) == [] and journal.undone() == set() and journal.faults() == []
    with pytest.raises(InputError, match="nothing to undo"):
        journal.undo(who="ann")
    with journal.held():
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_entry_is_given_back_as_it_was_written(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    said = Draft("note", np.array([4, 9]), about="x", value="'; DROP TABLE entries; --\n<b>ü</b>", why="looks odd", query_id="q1")
    (entry,) = journal.append([said], who="ann")
    assert journal.newest() == [entry]
    assert entry[:5] == (1, "note", "x", said.value, 2) and entry[7] == "ann" and entry[9:] == ("looks odd", "q1", None)
    assert entry.rows().tolist() == [4, 9]
    assert entry.at.endswith("+00:00")
    (one,) = journal.append([draft("TUM", 7)], who="bob")
    assert (one.id, one.one_row, one.packed_rows, one.rows().tolist()) == (2, 7, None, [7])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["annotations.sqlite"], "no file of SQLite stays beside it"


def test_entries_are_read_in_pages_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_file, "_PAGE", 3)
    journal = journal_in(tmp_path)
    journal.append([draft(str(number), number, kind="label" if number % 2 else "note") for number in range(20)], who="ann")
    assert values(journal) == [str(number) for number in range(1, 20, 2)]
    assert values(journal, "label", "note") == [str(number) for number in range(20)]
    assert [entry.id for entry in journal.entries(("label",), after=4, until=8)] == [6, 8]
    assert [entry.id for entry in journal.newest(before=5, limit=3)] == [4, 3, 2]


@given(some.sets(some.integers(0, 2**31 - 1), min_size=2, max_size=60))
def test_packed_rows_unpack_to_the_same_rows(rows: set[int]) -> None:
    ascending = np.array(sorted(rows), dtype=np.int64)
    packed = pack_rows(ascending)
    assert unpack_rows(packed, len(rows)).tolist() == ascending.tolist()
    for damaged, count in ((packed[:-5], len(rows)), (packed, len(rows) + 1), (b"no", 2)):
        with pytest.raises(ArtifactDamaged):
            unpack_rows(damaged, count)


def test_a_large_selection_takes_little_room() -> None:
    rows = np.sort(np.random.default_rng(0).choice(1_000_000, 100_000, replace=False))
    assert len(pack_rows(rows)) < 120_000, "about one byte a row"
    assert len(pack_rows(np.arange(100_000))) < 1_000


# -- undo


def test_undo_takes_back_the_newest_and_undo_of_undo_is_redo(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    journal.append([draft("a", 1), draft("b", 1)], who="ann")
    undo = journal.undo(who="ann")
    assert (undo.id, undo.undoes, undo.about, journal.undone()) == (3, 2, "label", {2})
    assert journal.undo(3, who="ann").about == "label"
    assert journal.undone() == {3}
    assert journal.undo(who="ann").undoes == 2 and journal.undo(who="ann").undoes == 1
    assert journal.redo(who="ann").undoes == 6 and journal.redo(who="ann").undoes == 5
    assert journal.undone() & {1, 2} == set()
    with pytest.raises(InputError, match="nothing that was undone"):
        journal.redo(who="ann")


def test_undo_of_what_is_not_there_or_undone_already_is_refused(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    journal.append([draft("a", 1), Draft("selection", np.array([1, 2]), about="s")], who="ann")
    journal.undo(1, who="ann")
    for entry_id, words in ((1, "undone already"), (99, "no entry 99")):
        with pytest.raises(InputError, match=words):
            journal.undo(entry_id, who="ann")
    with pytest.raises(InputError, match="nothing left to undo"):
        journal.undo(who="ann", kinds=("label",))
    assert journal.undo(who="ann", kinds=("selection",)).undoes == 2
    assert len(journal.newest()) == 4, "what was refused left nothing"


def test_entries_can_be_neither_changed_nor_deleted(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    journal.append([draft("a", 1)], who="ann")
    with closing(sqlite3.connect(journal.path)) as db:
        for statement in ("UPDATE entries SET value = 'b'", "DELETE FROM entries"):
            with pytest.raises(sqlite3.IntegrityError, match="entries are never"):
                db.execute(statement)
    assert values(journal) == ["a"]


# -- the file


def test_a_newer_schema_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    journal.append([draft("a", 1)], who="ann")
    with closing(sqlite3.connect(journal.path)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = journal.path.read_bytes()
    for use in (journal.newest, lambda: journal.append([draft("b", 1)], who="ann"), lambda: journal.undo(who="ann")):
        with pytest.raises(InputError, match="newer than this program"):
            use()
    assert journal.path.read_bytes() == before


def test_a_file_of_an_older_schema_is_brought_up_to_date_by_the_next_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = journal_in(tmp_path)
    journal.append([draft("a", 1)], who="ann")
    monkeypatch.setattr(journal_file, "MIGRATIONS", (*MIGRATIONS, ("CREATE TABLE more (id INTEGER)",)))
    assert values(journal) == ["a"]
    journal.append([draft("b", 1)], who="ann")
    with closing(sqlite3.connect(journal.path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
        assert db.execute("SELECT count(*) FROM more").fetchone() == (0,)


def test_an_empty_file_of_a_writer_killed_at_once_is_an_empty_journal(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    journal.path.touch()
    assert journal.newest() == [] and journal.position() == (0, 0)
    journal.append([draft("a", 1)], who="ann")
    assert values(journal) == ["a"]


@pytest.mark.parametrize("damage", [b"this is no database, but a text of some length", b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_damaged_file_is_named_in_one_sentence(tmp_path: Path, damage: bytes) -> None:
    journal = journal_in(tmp_path)
    journal.path.write_bytes(damage)
    with pytest.raises(ArtifactDamaged, match=r"annotations\.sqlite is damaged"):
        journal.newest()
    (fault,) = journal.faults()
    assert "is damaged" in fault and len(fault) < 300


def test_no_shared_memory_is_used(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    with closing(sqlite3.connect(journal.path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
    journal.append([draft("a", 1)], who="ann")
    with closing(sqlite3.connect(journal.path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_folder_that_is_gone_takes_no_entry(tmp_path: Path) -> None:
    with pytest.raises(CollectionMissing, match="renamed or deleted"):
        journal_in(tmp_path / "gone").append([draft("a", 1)], who="ann")


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder with a journal in which this process may not write, also where root runs the tests."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        journal_in(folder).append([draft("a", 1)], who="ann")
        (folder / "annotations.sqlite").chmod(0o444)
        folder.chmod(0o555)
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="rights of folders are other ones on Windows")
def test_a_read_only_folder_can_be_read_and_says_why_it_cannot_be_written(read_only_folder: Path) -> None:
    journal = journal_in(read_only_folder)
    assert values(journal) == ["a"] and journal.faults() == []
    with pytest.raises(InputError, match="cannot be written"):
        journal.append([draft("b", 1)], who="ann")
    with pytest.raises(InputError, match="cannot be written"):
        Journal(read_only_folder / "other.sqlite", what="it").append([draft("b", 1)], who="ann")
    assert values(journal) == ["a"]


def test_a_writer_that_holds_the_file_too_long_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = journal_in(tmp_path)
    journal.append([draft("a", 1)], who="ann")
    monkeypatch.setattr(journal_file, "PATIENCE_S", 0.01)
    with journal.held():
        assert values(journal) == ["a"], "readers go on"
        with pytest.raises(Busy, match="Another process is writing"):
            journal.append([draft("b", 1)], who="ann")
    journal.append([draft("c", 1)], who="ann")
    assert values(journal) == ["a", "c"]


# -- several processes, and their deaths

_WRITE_FOR_EVER = """
    number = 0
    while True:
        journal.append([Draft("label", np.arange(50_000), value=f"{number}")], who="child")
        print(number, flush=True)
        number += 1
"""


def test_every_acknowledged_entry_survives_kills_that_land_while_writing(tmp_path: Path) -> None:
    """Killed at random moments until three kills have left a rollback journal behind: proof that they landed in a transaction."""
    moments = random.Random(0)
    in_transaction = 0
    for attempt in range(60):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        process = child(_WRITE_FOR_EVER, folder)
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(1 + moments.randrange(3))]
        for _ in range(moments.randrange(2000)):
            pass
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.read().splitlines(keepends=True)
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        in_transaction += (folder / "annotations.sqlite-journal").exists()
        complete = [line.strip() for line in acknowledged if line.endswith("\n")]
        found = values(journal_in(folder))
        assert found[: len(complete)] == complete == [str(number) for number in range(len(complete))]
        assert len(found) <= len(complete) + 1, "at most the one that was on disk and not yet acknowledged"
        assert all(entry.rows().tolist() == list(range(50_000)) for entry in journal_in(folder).newest(limit=2))
        assert journal_in(folder).faults() == []
        if in_transaction >= 3:
            return
    pytest.fail(f"of 60 kills only {in_transaction} landed while writing")


_DIE_AT_STEP = """
    number, limit = 0, int(sys.argv[2])
    connect = sqlite3.connect

    def step():
        global number
        number += 1
        if number == limit:
            os.kill(os.getpid(), signal.SIGKILL)

    def connect_and_count(*arguments, **options):
        db = connect(*arguments, **options)
        db.set_progress_handler(step, 1)
        return db

    module.sqlite3.connect = connect_and_count
    journal.append([Draft("label", np.arange(2), value="b")], who="child")
    print(number, flush=True)
"""


@pytest.mark.parametrize("fresh", [True, False])
def test_a_death_at_any_step_of_the_first_or_a_later_entry_leaves_all_or_nothing(tmp_path: Path, fresh: bool) -> None:
    def prepared(name: str) -> Path:
        (tmp_path / name).mkdir()
        if not fresh:
            journal_in(tmp_path / name).append([draft("a", 1)], who="ann")
        return tmp_path / name

    before = [] if fresh else ["a"]
    whole = child(_DIE_AT_STEP, prepared("whole"), "0")
    steps = int(whole.communicate()[0])
    assert values(journal_in(tmp_path / "whole")) == [*before, "b"]
    for limit in np.unique(np.linspace(1, steps, 12).astype(int)):
        folder = prepared(str(limit))
        died = child(_DIE_AT_STEP, folder, str(limit))
        assert died.communicate()[0] == "" and died.returncode == -signal.SIGKILL
        assert values(journal_in(folder)) in (before, [*before, "b"])
        journal_in(folder).append([draft("c", 1)], who="ann")
        assert values(journal_in(folder))[-1] == "c" and journal_in(folder).faults() == []


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    script = """
        for number in range(40):
            journal.append([Draft("label", np.array([number]), value=f"{sys.argv[2]}{number}")], who=sys.argv[2])
            if number % 10 == 9:
                journal.undo(who=sys.argv[2], kinds=("label",))
    """
    writers = [child(script, tmp_path, name) for name in ("ann", "bob")]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    journal = journal_in(tmp_path)
    entries = journal.newest()
    assert [entry.id for entry in entries] == list(range(88, 0, -1))
    for name in ("ann", "bob"):
        own = [entry.value for entry in reversed(entries) if entry.who == name and entry.kind == "label"]
        assert own == [f"{name}{number}" for number in range(40)]
    undone = journal.undone()
    assert len(undone) == 8 and all(_label(entries, number) for number in undone)


def _label(entries: list[Entry], number: int) -> bool:
    return next(entry.kind == "label" for entry in entries if entry.id == number)
