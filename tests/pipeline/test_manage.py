"""Renaming and deleting collections."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from fakes import write_patches

from explorer import pipeline, settings, storage
from explorer.cli import main
from explorer.collection import Collection, list_collections, open_collection
from explorer.errors import Busy, CollectionExists, InputError
from explorer.sources import open_source


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def make(home: Path, name: str) -> Collection:
    patches = write_patches(home.parent / "patches", per_class=2)
    return pipeline.ingest(open_source(patches), name=name, settings=settings.read(home=home))


def names(home: Path) -> list[str]:
    return [collection.name for collection in list_collections(home)]


def test_a_renamed_collection_is_the_same(home: Path) -> None:
    before = make(home, "colon")
    items = before.items
    after = pipeline.rename(before, "colon 2024")
    assert (after.name, names(home)) == ("colon 2024", ["colon 2024"])
    assert after.items.equals(items) and after.verify() == []


def test_names_that_are_taken_or_are_none_are_refused(home: Path) -> None:
    colon, _ = make(home, "colon"), make(home, "lung")
    with pytest.raises(CollectionExists, match="already"):
        pipeline.rename(colon, "lung")
    with pytest.raises(InputError, match="cannot name"):
        pipeline.rename(colon, "../colon")
    assert names(home) == ["colon", "lung"]


def test_a_removed_collection_leaves_nothing_and_its_pictures_stay(home: Path) -> None:
    pipeline.remove(make(home, "colon"))
    assert names(home) == [] and [path for path in home.iterdir() if path.is_dir()] == []
    assert len(list((home.parent / "patches").rglob("*.png"))) == 6


def test_of_a_linked_collection_only_the_link_goes_and_that_is_said(home: Path) -> None:
    make(home, "colon").path.rename(home.parent / "elsewhere")
    (home / "colon").symlink_to(home.parent / "elsewhere")
    done = CliRunner().invoke(main, ["--home", str(home), "remove", "colon"], input="y\n")
    assert done.exit_code == 0 and "Delete the link colon to" in done.stderr and "stays as it is" in done.stderr
    assert names(home) == [] and (home.parent / "elsewhere" / "items.parquet").is_file()


def test_a_collection_is_neither_renamed_nor_removed_while_a_step_works_on_it(home: Path) -> None:
    colon = make(home, "colon")
    with storage.locked(home / ".colon.lock", what="colon"):
        with pytest.raises(Busy):
            pipeline.rename(colon, "x")
        with pytest.raises(Busy):
            pipeline.remove(colon)
    assert open_collection("colon", home=home).verify() == []


def test_the_commands_ask_before_they_delete(home: Path) -> None:
    make(home, "colon")
    run = CliRunner()
    assert run.invoke(main, ["--home", str(home), "rename", "colon", "lung"]).exit_code == 0
    assert run.invoke(main, ["--home", str(home), "remove", "lung"], input="n\n").exit_code == 1
    assert names(home) == ["lung"]
    assert run.invoke(main, ["--home", str(home), "remove", "lung", "--yes"]).exit_code == 0
    assert names(home) == []
    missing = run.invoke(main, ["--home", str(home), "remove", "lung", "--yes"])
    assert missing.exit_code == 1 and "no collection" in missing.stderr
