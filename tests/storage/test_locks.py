"""Locks between processes: alone, shared, looked at; what they keep from happening to artifacts and collections."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from explorer import pipeline, storage
from explorer.collection import Collection
from explorer.errors import Busy, CollectionMissing, InputError
from explorer.storage import locks

RECIPE = {"kind": "test"}


def test_a_shared_lock_lets_others_share_and_keeps_out_who_wants_it_alone(tmp_path: Path) -> None:
    lock = tmp_path / "l"
    with storage.locked(lock, what="x", shared=True):
        with storage.locked(lock, what="x", shared=True):
            pass
        with pytest.raises(Busy, match="writing x"), storage.locked(lock, what="x"):
            pass
        assert not storage.is_held(lock)
    with storage.locked(lock, what="x"):
        assert storage.is_held(lock)
        with pytest.raises(Busy), storage.locked(lock, what="x", shared=True):
            pass
    assert not storage.is_held(lock)


def test_looking_at_a_lock_makes_no_file_and_fools_no_other_look(tmp_path: Path) -> None:
    lock = tmp_path / "l"
    assert not storage.is_held(lock) and not lock.exists()
    lock.touch()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: storage.is_held(lock), range(200))) == {False}


@pytest.mark.skipif(os.name == "nt", reason="flock is of POSIX")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP])
def test_a_file_system_without_locks_is_named_with_the_remedy(tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> None:
        raise OSError(number, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", none)
    with pytest.raises(InputError, match="has no locks.*set EXPLORER_HOME"), storage.locked(tmp_path / "l", what="x"):  # noqa: RUF043
        pass


def test_of_two_processes_with_one_recipe_one_fills_and_the_other_waits_and_says_so(tmp_path: Path) -> None:
    code = f"""
        import sys
        from pathlib import Path
        from explorer import storage
        def fill(work):
            print("filling", flush=True)
            sys.stdin.readline()
            (work / "a.bin").write_bytes(b"abc")
            return {{}}
        made = storage.make(Path({str(tmp_path)!r}), "things", {RECIPE!r}, fill, waiting=lambda: print("waiting", flush=True))
        print(made.key, flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    lines: list[str] = []
    said_both = threading.Event()

    def listen(process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            lines.append(line.strip())
            if {"filling", "waiting"} <= set(lines):
                said_both.set()

    listeners = [threading.Thread(target=listen, args=(process,)) for process in both]
    for listener in listeners:
        listener.start()
    assert said_both.wait(120)
    for process in both:
        assert process.stdin
        process.stdin.close()
    for process, listener in zip(both, listeners, strict=True):
        assert process.wait(120) == 0
        listener.join()
        assert process.stdout
        process.stdout.close()
    key = storage.fingerprint(RECIPE)
    assert sorted(lines[:2]) == ["filling", "waiting"] and lines[2:] == [key, key]


def test_an_artifact_appears_by_one_rename_after_all_of_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def recording(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", recording)
    seen: dict[str, int] = {}

    def fill(work: Path) -> dict[str, Any]:
        (work / "a.bin").write_bytes(b"abc")
        seen["folder"] = work.stat().st_ino
        return {}

    made = storage.make(tmp_path, "things", RECIPE, fill)
    assert made.path.stat().st_ino == seen["folder"]  # the same folder, not a copy
    assert {(made.path / name).stat().st_ino for name in ("a.bin", "meta.json")} <= set(synced)
    assert synced[-1] == made.path.parent.stat().st_ino  # and the rename itself, last


def test_a_collection_at_work_is_neither_removed_nor_renamed_and_a_removed_one_does_not_come_back(tmp_path: Path) -> None:
    collection = _collection(tmp_path)

    def fill(work: Path) -> dict[str, Any]:
        with pytest.raises(Busy, match="collection 'c'"):
            pipeline.remove(collection)
        with pytest.raises(Busy, match="collection 'c'"):
            pipeline.rename(collection, "d")
        return {}

    storage.make(collection.path, "things", RECIPE, fill)
    pipeline.remove(collection)
    with pytest.raises(CollectionMissing, match="'c' was renamed or removed meanwhile"):
        storage.make(collection.path, "things", {"kind": "other"}, lambda _: {})
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == [".c.lock"]


def _collection(tmp_path: Path) -> Collection:
    from fakes import write_patches

    from explorer import settings
    from explorer.sources import open_source

    source = open_source(write_patches(tmp_path / "p", per_class=1))
    return pipeline.ingest(source, name="c", settings=settings.read(home=tmp_path / "home"))
