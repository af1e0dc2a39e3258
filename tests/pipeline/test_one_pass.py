"""A build decodes, hashes and draws each picture once; what lies on disk equals what separate steps give."""

from __future__ import annotations

import errno
import os
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes import MeanColour, write_patches

from explorer import settings as settings_table
from explorer import storage
from explorer.collection import Collection, open_collection
from explorer.errors import StorageFull
from explorer.pipeline import embed, ingest, remove, rename
from explorer.settings import Settings
from explorer.sources import open_source
from explorer.sources.synthetic import SyntheticSource

INGEST = import_module("explorer.pipeline.ingest")
EMBED = import_module("explorer.pipeline.embed")
COMMON = import_module("explorer.pipeline.common")
REUSE = import_module("explorer.pipeline.vector_reuse")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_table.read(home=tmp_path / "home", threads=2, batch_size=4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """24 pictures, three files that cannot be read among them, and four copies of others far from them."""
    folder = write_patches(tmp_path / "patches", per_class=8)
    for name in ("LYM/a-broken.png", "STR/str-003x.png", "TUM/zzz.png"):
        (folder / name).write_bytes(b"not a picture")
    for number, name in enumerate(("TUM/tum-000.png", "LYM/lym-002.png", "LYM/lym-002.png", "STR/str-001.png")):
        shutil.copy(folder / name, folder / "TUM" / f"zz-copy-{number}.png")
    return folder


class CountingSource:
    """A source that counts how often each picture is read."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.kind, self.uri, self.options = source.kind, source.uri, source.options
        self.items, self.rejects = source.items, source.rejects
        self.reads: list[str] = []

    def read(self, uri: str) -> np.ndarray:
        self.reads.append(uri)
        return self._source.read(uri)


def vectors_one_by_one(collection: Collection) -> np.ndarray:
    encoder = MeanColour()
    return encoder.encode(torch.stack([encoder.prepare(collection.image(row)) for row in range(collection.n)])).numpy()


def test_one_pass_reads_each_picture_once_and_gives_the_vectors_of_separate_steps(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(INGEST, "PART_ROWS", 7)
    source = CountingSource(open_source(folder))
    encoder = MeanColour()
    collection = ingest(source, name="c", settings=settings, encoder=encoder)
    assert sorted(source.reads) == sorted(item.uri for item in source.items())
    assert encoder.encoded == collection.items["sha256"].nunique() == collection.n - 4
    monkeypatch.setattr(Collection, "image", lambda *_: pytest.fail("a picture was read again"))
    artifact = embed(collection, encoder=encoder, settings=settings)
    assert encoder.encoded == collection.n - 4 and artifact.meta["measured"]["seconds"] > 0
    monkeypatch.undo()
    np.testing.assert_allclose(collection.embedding().vectors, vectors_one_by_one(collection), atol=1e-6)
    assert collection.verify() == []
    remove(collection)
    apart = ingest(open_source(folder), name="c", settings=settings)
    assert embed(apart, encoder=MeanColour(), settings=settings).key == artifact.key
    assert apart.record["items_sha256"] == collection.record["items_sha256"]


def test_a_run_that_stops_in_the_middle_goes_on_part_by_part(folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(INGEST, "PART_ROWS", 7)

    class Stops(MeanColour):
        def encode(self, batch: torch.Tensor) -> torch.Tensor:
            if self.encoded >= 16:
                raise KeyboardInterrupt
            return super().encode(batch)

    with pytest.raises(KeyboardInterrupt):
        ingest(open_source(folder), name="c", settings=settings, encoder=Stops())
    source, encoder = CountingSource(open_source(folder)), MeanColour()
    collection = ingest(source, name="c", settings=settings, encoder=encoder)
    assert len(source.reads) == len(source.items()) - 14, "two parts of seven were whole"
    embed(collection, encoder=encoder, settings=settings)
    np.testing.assert_allclose(collection.embedding().vectors, vectors_one_by_one(collection), atol=1e-6)


def test_parts_embedded_by_another_encoder_are_not_taken(folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Doubled(MeanColour):
        def __init__(self) -> None:
            super().__init__()
            self.recipe = {**self.recipe, "version": "doubled"}

        def encode(self, batch: torch.Tensor) -> torch.Tensor:
            return 2 * super().encode(batch)

    def die(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(INGEST, "_finish", die)
        with pytest.raises(RuntimeError, match="killed"):
            ingest(open_source(folder), name="c", settings=settings, encoder=Doubled())
    encoder = MeanColour()
    collection = ingest(open_source(folder), name="c", settings=settings, encoder=encoder)
    embed(collection, encoder=encoder, settings=settings)
    np.testing.assert_allclose(collection.embedding().vectors, vectors_one_by_one(collection), atol=1e-6)


def test_one_pass_embeds_nothing_that_another_collection_holds(folder: Path, settings: Settings) -> None:
    first = ingest(open_source(folder), name="first", settings=settings)
    embed(first, encoder=MeanColour(), settings=settings)
    encoder = MeanColour()
    second = ingest(open_source(folder), name="second", settings=settings, encoder=encoder)
    artifact = embed(second, encoder=encoder, settings=settings)
    assert encoder.encoded == 0 and artifact.meta["measured"]["copied"] == second.n - 4
    np.testing.assert_allclose(second.embedding().vectors, vectors_one_by_one(second), atol=1e-6)


def test_equal_pictures_beyond_the_first_block_get_equal_vectors(folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EMBED, "BLOCK_ROWS", 2)
    collection = ingest(open_source(folder), name="c", settings=settings)
    embed(collection, encoder=MeanColour(), settings=settings)
    np.testing.assert_allclose(collection.embedding().vectors, vectors_one_by_one(collection), atol=1e-6)


def test_a_block_appears_under_its_name_only_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "000000.npz"
    rows, vectors = np.arange(3), np.ones((3, 2), np.float32)

    def cut_short(file: Any, **_: Any) -> None:
        file.write(b"half")
        assert not path.exists()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", cut_short)
        with pytest.raises(OSError, match="No space"):
            COMMON.write_block(path, rows, vectors, seconds=1.0)
    assert list(tmp_path.iterdir()) == []
    seen: list[bool] = []
    original = np.savez

    def watched(file: Any, **arrays: Any) -> None:
        original(file, **arrays)
        seen.append(path.exists())

    monkeypatch.setattr(np, "savez", watched)
    COMMON.write_block(path, rows, vectors, seconds=1.0)
    assert seen == [False] and [p.name for p in tmp_path.iterdir()] == ["000000.npz"]
    np.testing.assert_array_equal(COMMON.read_block(path)["vectors"], vectors)


@pytest.mark.parametrize("call", ["posix_fallocate", "savez"])
def test_a_full_disk_is_one_sentence_and_the_next_run_goes_on(
    folder: Path, settings: Settings, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = ingest(open_source(folder), name="c", settings=settings)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os if call == "posix_fallocate" else np, call, full, raising=False)
        with pytest.raises(StorageFull, match=r"The disk that holds .* is full; free some space and run this again"):
            embed(collection, encoder=MeanColour(), settings=settings)
    assert [p for p in collection.path.rglob("*") if p.name == "vectors.npy" or p.suffix == ".unfinished"] == []
    encoder = MeanColour()
    embed(collection, encoder=encoder, settings=settings)
    assert encoder.encoded == (0 if call == "posix_fallocate" else collection.n - 4)
    np.testing.assert_allclose(collection.embedding().vectors, vectors_one_by_one(collection), atol=1e-6)


def test_the_space_of_a_new_array_is_reserved_before_it_is_filled(tmp_path: Path) -> None:
    array = COMMON.new_array(tmp_path / "a.npy", (1000, 64))
    stat = (tmp_path / "a.npy").stat()
    assert stat.st_size == 128 + 1000 * 64 * 4
    if hasattr(os, "posix_fallocate"):
        assert stat.st_blocks * 512 >= stat.st_size
    assert array.shape == (1000, 64) and not array.any()


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def header_bytes(path: Path) -> int:
    return path.stat().st_size - np.load(path, mmap_mode="r").nbytes


@pytest.mark.parametrize("row", [0, 9, 23])
def test_a_block_is_checked_before_vectors_are_copied_from_it_and_no_other_is(
    settings: Settings, tmp_path: Path, row: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EMBED, "BLOCK_ROWS", 8)
    first = ingest(open_source(write_patches(tmp_path / "one", per_class=8)), name="first", settings=settings)
    artifact = embed(first, encoder=MeanColour(), settings=settings)
    monkeypatch.setattr(storage, "verify", lambda *_: pytest.fail("the whole embedding was read"))
    part = tmp_path / "two" / "x"
    part.mkdir(parents=True)
    for uri in first.items["uri"][8:16]:  # all in the second block
        shutil.copy(tmp_path / "one" / uri, part)
    path = artifact.path / "vectors.npy"
    flip(path, header_bytes(path) + row * MeanColour.dim * 4)
    second = ingest(open_source(tmp_path / "two"), name="second", settings=settings)
    notes: list[str] = []
    made = embed(second, encoder=MeanColour(), settings=settings, report=lambda progress: notes.append(progress.note))
    in_the_block = 8 <= row < 16
    assert made.meta["measured"]["copied"] == (0 if in_the_block else 8)
    assert any("nothing is copied from 'first'" in note for note in notes) == in_the_block
    np.testing.assert_allclose(second.embedding().vectors, vectors_one_by_one(second), atol=1e-6)


def test_an_embedding_without_digests_is_checked_whole_and_one_that_shares_nothing_not_at_all(
    folder: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ingest(open_source(folder), name="first", settings=settings)
    artifact = embed(first, encoder=MeanColour(), settings=settings)
    meta = storage.read_json(artifact.path / storage.META)
    del meta["files"][REUSE.BLOCKS]
    storage.write_json(artifact.path / storage.META, meta)  # as collections made before the digests have it
    checked: list[str] = []
    verify = storage.verify
    monkeypatch.setattr(storage, "verify", lambda which: checked.append(which.key) or verify(which))
    other = ingest(open_source(write_patches(tmp_path / "other", per_class=2, seed=5)), name="other", settings=settings)
    embed(other, encoder=MeanColour(), settings=settings)
    assert checked == []
    again = ingest(open_source(folder), name="again", settings=settings)
    assert embed(again, encoder=MeanColour(), settings=settings).meta["measured"]["copied"] == again.n - 4
    assert checked == [artifact.key]


# -- drawn tissue


OPTIONS = {"n": 18, "patients": 2, "side_px": 32}


def test_drawn_tissue_is_drawn_once_and_read_from_png_files_afterwards(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    drawings: list[str] = []
    draw = SyntheticSource.read
    monkeypatch.setattr(SyntheticSource, "read", lambda self, uri: drawings.append(uri) or draw(self, uri))
    source, encoder = open_source("synthetic", options=OPTIONS), MeanColour()
    collection = ingest(source, name="drawn", settings=settings, encoder=encoder)
    embed(collection, encoder=encoder, settings=settings)
    pictures = [collection.image(row) for row in range(collection.n)]
    assert sorted(drawings) == sorted(item.uri for item in source.items())
    assert (collection.source.kind, collection.record["source"]["kind"]) == ("folder", "synthetic")
    for picture, uri in zip(pictures, collection.items["uri"], strict=True):
        np.testing.assert_array_equal(picture, draw(SyntheticSource(OPTIONS), uri))
    assert collection.verify() == []


def test_drawn_tissue_of_a_run_killed_while_it_cleaned_up_is_whole(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Death as soon as the rows of the first part are deleted, when the pictures lie in their final folder already."""
    monkeypatch.setattr(INGEST, "PART_ROWS", 6)
    unlink = Path.unlink

    def delete_and_die(self: Path, missing_ok: bool = False) -> None:
        unlink(self, missing_ok=missing_ok)
        if self.name == "part-000000.parquet":
            raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", delete_and_die)
        with pytest.raises(RuntimeError, match="killed"):
            ingest(open_source("synthetic", options=OPTIONS), name="drawn", settings=settings)
    collection = ingest(open_source("synthetic", options=OPTIONS), name="drawn", settings=settings)
    assert [collection.image(row).shape for row in range(collection.n)] == [(32, 32, 3)] * 18
    assert collection.verify() == []


def test_vectors_of_pictures_that_changed_after_a_kill_are_not_taken(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Death between the vectors of a part and its rows; then its pictures become copies of some that are embedded elsewhere."""
    known = ingest(open_source(folder), name="known", settings=settings)
    embed(known, encoder=MeanColour(), settings=settings)
    other = write_patches(folder.with_name("other"), per_class=1, seed=5)
    part = import_module("explorer.pipeline.ingest_part")
    with monkeypatch.context() as patch:
        patch.setattr(part, "_frame", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        with pytest.raises(RuntimeError, match="killed"):
            ingest(open_source(other), name="c", settings=settings, encoder=MeanColour())
    for path, copied in zip(sorted(other.rglob("*.png")), sorted(folder.rglob("*-000.png")), strict=True):
        shutil.copy(copied, path)
    collection = ingest(open_source(other), name="c", settings=settings, encoder=MeanColour())
    embed(collection, encoder=MeanColour(), settings=settings)
    np.testing.assert_allclose(collection.embedding().vectors, vectors_one_by_one(collection), atol=1e-6)


def test_a_collection_of_drawn_tissue_can_be_renamed_moved_and_removed_with_its_pictures(settings: Settings, tmp_path: Path) -> None:
    collection = rename(ingest(open_source("synthetic", options=OPTIONS), name="drawn", settings=settings), "renamed")
    assert collection.image(0).shape == (32, 32, 3)
    shutil.move(settings.home, tmp_path / "elsewhere")
    moved = open_collection("renamed", home=tmp_path / "elsewhere")
    assert moved.image(3).shape == (32, 32, 3)
    remove(moved)
    assert list((tmp_path / "elsewhere").rglob("*.png")) == []


def test_collections_made_before_drawn_tissue_was_written_still_draw_it(settings: Settings) -> None:
    collection = ingest(open_source("synthetic", options=OPTIONS), name="drawn", settings=settings)
    expected = collection.image(5)
    shutil.rmtree(collection.path / "pictures")
    old = open_collection("drawn", home=settings.home)
    np.testing.assert_array_equal(old.image(5), expected)
    uri = old.items["uri"].iloc[5]
    np.testing.assert_array_equal(old.source.read(uri.removesuffix(".png")), expected)


def test_a_killed_drawing_goes_on_and_the_folder_is_whole_or_absent(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(INGEST, "PART_ROWS", 5)
    draw = SyntheticSource.read
    drawings: list[str] = []

    def dies(self: SyntheticSource, uri: str) -> np.ndarray:
        drawings.append(uri)
        if len(drawings) == 12:
            raise KeyboardInterrupt
        return draw(self, uri)

    with monkeypatch.context() as patch:
        patch.setattr(SyntheticSource, "read", dies)
        with pytest.raises(KeyboardInterrupt):
            ingest(open_source("synthetic", options=OPTIONS), name="drawn", settings=settings)
    assert not (settings.home / "drawn").exists()
    drawings.clear()
    monkeypatch.setattr(SyntheticSource, "read", lambda self, uri: drawings.append(uri) or draw(self, uri))
    collection = ingest(open_source("synthetic", options=OPTIONS), name="drawn", settings=settings)
    assert len(drawings) == 8, "two parts of five were whole"
    assert len(list((collection.path / "pictures").rglob("*.png"))) == 18 and collection.verify() == []
