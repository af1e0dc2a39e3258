"""Every picture becomes a row or a reject, once, and a killed run goes on where it was."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import textwrap
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import CLASSES, write_patches
from PIL import Image as Pillow

from explorer import settings as settings_table
from explorer import storage
from explorer.collection import Collection, list_collections, list_damaged, open_collection, pixels_sha256
from explorer.errors import CollectionExists, CollectionMissing, InputError, SourceError
from explorer.pipeline import ingest
from explorer.settings import Settings
from explorer.sources import open_source


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_table.read(home=tmp_path / "home", threads=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_patches(tmp_path / "patches")


def take(folder: Path, settings: Settings, name: str = "c") -> Collection:
    return ingest(open_source(folder), name=name, settings=settings)


def test_rows_follow_the_source(folder: Path, settings: Settings) -> None:
    collection = take(folder, settings)
    assert collection.n == 8 * len(CLASSES)
    assert collection.items["uri"].tolist() == [item.uri for item in open_source(folder).items()]
    assert collection.items["label"].value_counts().to_dict() == dict.fromkeys(CLASSES, 8)
    assert collection.items["id"].is_unique
    assert collection.verify() == []
    for row in (0, 7, 23):
        pixels = np.asarray(Pillow.open(folder / collection.items["uri"].iloc[row]).convert("RGB"))
        assert np.array_equal(collection.image(row), pixels)
        assert collection.items["sha256"].iloc[row] == pixels_sha256(pixels)
        with Pillow.open(io.BytesIO(collection.thumbnail(row))) as small:
            assert small.size == (32, 32)
            assert abs(np.asarray(small, dtype=float).mean() - pixels.mean()) < 4


def test_what_cannot_be_read_is_rejected_with_a_reason_and_the_rest_is_kept(folder: Path, settings: Settings) -> None:
    (folder / "TUM" / "empty.png").touch()
    (folder / "TUM" / "text.png").write_text("not a picture")
    cut = (folder / "TUM" / "tum-000.png").read_bytes()
    (folder / "TUM" / "cut.png").write_bytes(cut[: len(cut) // 2])
    collection = take(folder, settings)
    assert collection.n == 24
    rejected = dict(collection.rejects[["uri", "reason"]].to_numpy())
    assert {"TUM/empty.png", "TUM/text.png", "TUM/cut.png"} <= set(rejected)
    assert all(len(reason) > 8 and "Error" not in reason for reason in rejected.values())
    assert not set(collection.items["uri"]) & set(rejected)


def test_the_same_source_opens_what_is_there_and_another_is_refused(folder: Path, settings: Settings, tmp_path: Path) -> None:
    first = take(folder, settings)
    made = first.record["created"], first.record["items_sha256"]
    again = take(folder, settings)
    assert (again.record["created"], again.record["items_sha256"]) == made
    with pytest.raises(CollectionExists, match="choose another name"):
        take(write_patches(tmp_path / "other"), settings)


def test_a_home_inside_the_source_is_no_part_of_it(tmp_path: Path) -> None:
    folder = write_patches(tmp_path / "patches", per_class=2)
    inside = settings_table.read(home=folder / "indexes", threads=2)
    first = ingest(open_source(folder), name="first", settings=inside)
    (first.path / "reports").mkdir()
    (first.path / "reports" / "chart.png").write_bytes((folder / "TUM" / "tum-000.png").read_bytes())
    second = ingest(open_source(folder), name="second", settings=inside)
    assert second.items["uri"].tolist() == first.items["uri"].tolist()
    shown = {uri: reason for uri, reason in second.rejects[["uri", "reason"]].to_numpy() if "/." not in uri}
    assert shown == {"indexes/first": "a collection of this program, not pictures"}


def test_the_same_place_with_other_options_is_another_source_and_the_options_are_said(settings: Settings) -> None:
    two, three = (open_source("synthetic", options={"n": n, "side_px": 16}) for n in (2, 3))
    ingest(two, name="drawn", settings=settings)
    with pytest.raises(CollectionExists, match=r'made from synthetic .*"n": 2,.*not from synthetic .*"n": 3,'):
        ingest(three, name="drawn", settings=settings)


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "a" * 200, "ends.", "nul\0"])
def test_collection_names_that_lead_outside_the_home_are_refused(folder: Path, settings: Settings, name: str) -> None:
    with pytest.raises(InputError, match="cannot name a collection"):
        take(folder, settings, name)
    with pytest.raises(InputError, match="cannot name a collection"):
        open_collection(name, home=settings.home)


def test_nothing_readable_makes_no_collection(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_text("no")
    with pytest.raises(InputError, match=r"^The only file in .*not a picture"):
        take(tmp_path / "bad", settings)
    assert list_collections(settings.home) == []
    with pytest.raises(CollectionMissing, match="'c'"):
        open_collection("c", home=settings.home)


def test_a_picture_that_changed_since_ingest_is_refused(folder: Path, settings: Settings) -> None:
    collection = take(folder, settings)
    Pillow.new("RGB", (32, 32), "white").save(folder / collection.items["uri"].iloc[3])
    with pytest.raises(InputError, match="has changed since"):
        collection.image(3)


def test_a_collection_outlives_its_source(folder: Path, settings: Settings) -> None:
    take(folder, settings)
    folder.rename(folder.with_name("moved"))
    collection = open_collection("c", home=settings.home)
    assert len(collection.thumbnail(0)) > 100
    with pytest.raises(SourceError, match="pictures of collection 'c' cannot be read"):
        collection.image(0)


def test_the_users_columns_keep_their_types_and_their_names(tmp_path: Path, settings: Settings) -> None:
    folder = write_patches(tmp_path / "patches", per_class=2)
    lines = ["file,label,patient,grade,stage,sha256"]
    for i, path in enumerate(sorted(folder.rglob("*.png"))):
        lines.append(f"{path.relative_to(folder).as_posix()},{path.parent.name},P{i % 2},{i},{'' if i else 'T2'},mine")
    (folder / "labels.csv").write_text("\n".join(lines))
    items = take(folder, settings).items
    assert items["patient"].tolist() == ["P0", "P1"] * 3
    assert items["grade"].tolist() == list(range(6))
    assert items["stage"].tolist()[0] == "T2"
    assert items["stage"].isna().sum() == 5
    assert set(items["sha256_"]) == {"mine"}
    assert items["sha256"].str.len().eq(64).all()


def test_an_ingest_killed_at_random_moments_is_completed_by_the_next_run(tmp_path: Path, settings: Settings) -> None:
    """kill -9 during ingest: no half collection is ever visible, and the rerun gives what an undisturbed run gives."""
    folder = write_patches(tmp_path / "patches", per_class=60)
    undisturbed = take(folder, settings, "whole")
    code = f"""
        import sys
        from importlib import import_module
        from pathlib import Path
        from explorer import settings
        from explorer.sources import open_source
        room = import_module("explorer.pipeline.ingest")
        room.PART_ROWS = 16
        print("ready", flush=True)
        home = Path({str(settings.home)!r})
        room.ingest(open_source(Path({str(folder)!r})), name="c", settings=settings.read(home=home, threads=1))
        sys.stdin.readline()  # it never ends before it is killed
    """
    parts_seen = set()
    for moment_s in (0.02, 0.05, 0.08, 0.12, 0.15):
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        time.sleep(moment_s)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdin.close()
        process.stdout.close()
        parts_seen.add(len(list((settings.home / ".c.work").glob("part-*.parquet"))))
        for collection in list_collections(settings.home):
            assert collection.verify() == []
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True, input=b"\n")
    collection = open_collection("c", home=settings.home)
    assert collection.record["items_sha256"] == undisturbed.record["items_sha256"]
    assert [collection.thumbnail(row) for row in range(collection.n)] == [undisturbed.thumbnail(row) for row in range(undisturbed.n)]
    assert collection.verify() == []
    assert not (settings.home / ".c.work").exists()


def test_parts_of_another_listing_are_not_used(folder: Path, settings: Settings) -> None:
    work = settings.home / ".c.work"
    work.mkdir(parents=True)
    (work / "listing.json").write_text('"another"')
    (work / "part-000000.parquet").write_bytes(b"rubbish")
    assert take(folder, settings).n == 24


def test_two_processes_make_one_collection(tmp_path: Path, settings: Settings) -> None:
    folder = write_patches(tmp_path / "patches", per_class=40)
    code = f"""
        from pathlib import Path
        from explorer import settings
        from explorer.pipeline import ingest
        from explorer.sources import open_source
        notes = []
        made = ingest(open_source(Path({str(folder)!r})), name="c", settings=settings.read(home=Path({str(settings.home)!r})),
                      report=lambda p: notes.append(p.note))
        print(made.n, made.record["created"])
    """
    both = [subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    out: list[Any] = [process.communicate()[0] for process in both]
    assert out[0] == out[1]
    assert out[0].startswith("120 ")


@pytest.mark.parametrize("last", ["thumbnails.bin", "offsets.npy", "items.parquet", "rejects.parquet", "collection.json", "rename"])
def test_a_run_killed_in_its_last_step_goes_on(folder: Path, settings: Settings, last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Death right after each file of the last step, then a rerun."""
    dead = RuntimeError("killed")
    original_sync, original_json, original_replace = storage.sync, storage.write_json, Path.replace

    def sync(path: Path) -> None:
        original_sync(path)
        if path.name == last:
            raise dead

    def write_json(path: Path, value: Any) -> None:
        original_json(path, value)
        if path.name == last:
            raise dead

    def replace(self: Path, target: Path) -> Path:
        if last == "rename" and Path(target).name == "c":
            raise dead
        return original_replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "sync", sync)
        patch.setattr(import_module("explorer.storage.artifacts"), "sync", sync)  # thumbnails are published as an artifact
        patch.setattr(storage, "write_json", write_json)
        patch.setattr(Path, "replace", replace)
        with pytest.raises(RuntimeError, match="killed"):
            take(folder, settings)
    assert list_collections(settings.home) == []
    collection = take(folder, settings)
    assert collection.verify() == []
    assert collection.n == 24


def test_pictures_added_or_gone_since_are_said_and_not_taken_in(folder: Path, settings: Settings) -> None:
    take(folder, settings)
    (folder / "TUM" / "tum-000.png").unlink()
    write_patches(folder, per_class=10)
    (folder / "TUM" / "tum-001.png").unlink()
    said: list[str] = []
    again = ingest(open_source(folder), name="c", settings=settings, report=lambda progress: said.append(progress.note))
    assert again.n == 24
    assert any(note.startswith("6 files were added") for note in said)
    assert any(note.startswith("1 picture of") for note in said)


def test_labels_corrected_after_a_kill_are_the_ones_taken(folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(import_module("explorer.pipeline.ingest"), "_finish", die)
        with pytest.raises(RuntimeError, match="killed"):
            take(folder, settings)
    lines = [f"{path.relative_to(folder).as_posix()},corrected" for path in sorted(folder.rglob("*.png"))]
    (folder / "labels.csv").write_text("\n".join(["file,label", *lines]))
    assert set(take(folder, settings).items["label"]) == {"corrected"}


def test_a_foreign_folder_of_that_name_is_reported(folder: Path, settings: Settings) -> None:
    (settings.home / "c").mkdir(parents=True)
    (settings.home / "c" / "mine.txt").touch()
    with pytest.raises(InputError, match="is no collection"):
        take(folder, settings)
    assert (settings.home / "c" / "mine.txt").exists()


def test_a_damaged_collection_hides_no_other(folder: Path, settings: Settings) -> None:
    take(folder, settings)
    take(folder, settings, "broken")
    (settings.home / "broken" / "collection.json").write_text("{")
    assert [collection.name for collection in list_collections(settings.home)] == ["c"]
    assert list(list_damaged(settings.home)) == ["broken"]


def test_a_missing_picture_file_is_named(folder: Path, settings: Settings) -> None:
    collection = take(folder, settings)
    (folder / "LYM" / "lym-002.png").unlink()
    row = collection.items["uri"].tolist().index("LYM/lym-002.png")
    with pytest.raises(InputError, match=r"LYM/lym-002\.png of collection 'c' cannot be read any more"):
        collection.image(row)
