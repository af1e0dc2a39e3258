"""A full disk is one sentence in every step; nothing half written is published, and the next run ends the work."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import MeanColour, write_patches

from explorer import settings as settings_table
from explorer import storage
from explorer.collection import Collection
from explorer.errors import InputError, StorageFull
from explorer.pipeline import cluster, embed, export, index, ingest, project
from explorer.pipeline.evaluate.evaluate import evaluate
from explorer.pipeline.evaluate.questions import Question
from explorer.sources import open_source

resource = pytest.importorskip("resource")  # not on Windows

STEPS: dict[str, Callable[[Collection, Path], object]] = {
    "embed": lambda c, _: embed(c, encoder=MeanColour(version=2), settings=settings_table.read(home=c.path.parent)),
    "index": lambda c, _: index(c, k=20),
    "map": lambda c, _: project(c, method="pca"),
    "cluster": lambda c, _: cluster(c, method="kmeans", n_clusters=3),
    "evaluate": lambda c, _: evaluate(c, Question("knn")),
    "csv": lambda c, out: export(c, out / "x.csv", overwrite=True),
    "parquet": lambda c, out: export(c, out / "x.parquet", overwrite=True),
    "npz": lambda c, out: export(c, out / "x.npz", overwrite=True),
    "h5": lambda c, out: export(c, out / "x.h5", overwrite=True),
}


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    settings = settings_table.read(home=tmp_path / "home")
    made = ingest(open_source(write_patches(tmp_path / "patches", per_class=10)), name="c", settings=settings)
    embed(made, encoder=MeanColour(), settings=settings)
    index(made, k=15)
    return made


@contextmanager
def files_of_at_most(n_bytes: int) -> Iterator[None]:
    """No file can grow beyond this size, as on a full disk; it needs no rights (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def assert_nothing_happened_and_then_it_works(collection: Collection, step: str, out: Path, before: set[Path]) -> None:
    after = {p for p in collection.path.rglob("*") if not any(part.startswith(".") for part in p.relative_to(collection.path).parts)}
    assert {p for p in after - before if p.is_file() and "colour" not in str(p)} == set()
    assert list(out.iterdir()) == []
    collection.refresh()
    STEPS[step](collection, out)
    assert collection.verify() == []  # which names files that no record names
    assert len(list(out.iterdir())) == (step in ("csv", "parquet", "npz", "h5"))


@pytest.mark.parametrize("step", STEPS)
def test_no_room_for_a_file_is_a_sentence_in_each_step(collection: Collection, tmp_path: Path, step: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    before = set(collection.path.rglob("*"))
    with files_of_at_most(300), pytest.raises(StorageFull, match=r"^The disk that holds .* is full; free some space and run this again"):
        STEPS[step](collection, out)
    assert_nothing_happened_and_then_it_works(collection, step, out, before)


@pytest.mark.parametrize("step", ["embed", "index", "map", "cluster", "evaluate"])
def test_no_room_when_the_result_is_published_is_a_sentence(
    collection: Collection, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    before = set(collection.path.rglob("*"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["explorer.storage.artifacts"], "sync", full)
        with pytest.raises(StorageFull):
            STEPS[step](collection, out)
    assert_nothing_happened_and_then_it_works(collection, step, out, before)


def test_no_room_while_pictures_are_read_is_a_sentence(tmp_path: Path) -> None:
    settings = settings_table.read(home=tmp_path / "home")
    folder = write_patches(tmp_path / "patches", per_class=3)
    with files_of_at_most(300), pytest.raises(StorageFull, match="The disk that holds"):
        ingest(open_source(folder), name="c", settings=settings)
    assert ingest(open_source(folder), name="c", settings=settings).verify() == []


def test_no_room_for_an_annotation_is_a_sentence_and_nothing_is_noted(collection: Collection) -> None:
    with files_of_at_most(300), pytest.raises((StorageFull, InputError), match=r"full|space left"):
        collection.annotations.add("label", "tumour", [0], who="a")
    assert collection.annotations.history() == []
    collection.annotations.add("label", "tumour", [0], who="a")
    assert collection.verify() == []


def test_what_a_stopped_step_left_is_not_published_by_the_next(tmp_path: Path) -> None:
    recipe = {"kind": "test"}
    work = tmp_path / "things" / f".{storage.fingerprint(recipe)}.work"

    def stopped(folder: Path) -> dict[str, Any]:
        assert folder == work
        (folder / "report.html.part").write_text("half")
        (folder / "pages").mkdir()
        (folder / "pages" / "1").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storage.make(tmp_path, "things", recipe, stopped)
    made = storage.make(tmp_path, "things", recipe, lambda folder: (folder / "a").write_text("x") and {})
    assert set(made.meta["files"]) == {"a"}
    assert sorted(p.name for p in made.path.iterdir()) == ["a", "meta.json"]


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "x"), True),
        (OSError(errno.EDQUOT, "x"), True),
        (OSError(errno.EFBIG, "x"), True),
        (OSError(errno.EACCES, "No space left on device"), False),
        (OSError("12 requested and 4 written"), True),
        (RuntimeError("Error in virtual size_t faiss::FileIOWriter: write error: No space left on device"), True),
        (RuntimeError("out of memory"), False),
        (ValueError("No space left on device"), False),
    ],
)
def test_errors_of_a_full_disk_are_known_however_a_library_words_them(error: Exception, full: bool) -> None:
    assert storage.is_full(error) is full


def test_a_small_disk_fills_up_with_a_sentence_and_no_signal(collection: Collection, tmp_path: Path) -> None:
    """A real file system of 64 KB, where the test may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while filler.write(bytes(4096)):
                pass
        for name in ("x.csv", "x.npz", "x.h5", "x.parquet"):
            with pytest.raises(StorageFull):
                export(collection, disk / name)
        (disk / "filler").unlink()
        with pytest.raises(StorageFull):
            storage.make(disk, "things", {"kind": "big"}, lambda work: np.save(work / "a.npy", np.zeros(10_000)) or {})
        assert storage.artifacts(disk, "things") == []
        made = storage.make(disk, "things", {"kind": "big"}, lambda work: np.save(work / "a.npy", np.zeros(100)) or {})
        assert storage.verify(made) == []
    finally:
        subprocess.run(["umount", disk], check=True)
