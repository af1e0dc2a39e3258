"""Caches that are bounded in bytes, and the tables of collections kept in one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fakes import write_patches

from explorer import settings as settings_table
from explorer.collection import Collection, open_collection
from explorer.collection.cache import ByteCache
from explorer.errors import ArtifactDamaged
from explorer.pipeline import ingest
from explorer.sources import open_source

STORED = import_module("explorer.collection.stored")


def cache_of_arrays(most_bytes: int) -> ByteCache[np.ndarray]:
    return ByteCache(most_bytes, lambda array: array.nbytes)


def array(n_bytes: int) -> np.ndarray:
    return np.zeros(n_bytes, np.uint8)


def is_cached(cache: ByteCache[np.ndarray], key: object) -> bool:
    """Whether ``key`` is found without being made; a key that is not stays uncached."""

    def missing() -> np.ndarray:
        raise KeyError(key)

    try:
        cache.get(key, missing)
    except KeyError:
        return False
    return True


def test_a_value_is_made_once_and_is_the_same_object_afterwards() -> None:
    cache = cache_of_arrays(100)
    made = cache.get("a", lambda: array(10))
    assert cache.get("a", lambda: array(10)) is made
    assert cache.n_bytes == 10


def test_the_bytes_kept_never_exceed_the_bound_and_the_least_used_values_go_first() -> None:
    cache = cache_of_arrays(100)
    for key in "abc":
        cache.get(key, lambda: array(30))
    assert is_cached(cache, "a"), "used last"
    cache.get("d", lambda: array(40))
    assert [key for key in "abcd" if is_cached(cache, key)] == ["a", "c", "d"]
    assert cache.n_bytes == 100
    for size in range(1, 60):
        cache.get(size, lambda size=size: array(size))
        assert cache.n_bytes <= 100


def test_a_value_larger_than_the_bound_is_kept_alone() -> None:
    cache = cache_of_arrays(100)
    cache.get("small", lambda: array(10))
    large = cache.get("large", lambda: array(1000))
    assert cache.get("large", lambda: array(1000)) is large
    assert not is_cached(cache, "small")
    assert cache.n_bytes == 100
    cache.get("small", lambda: array(10))
    assert not is_cached(cache, "large")
    assert cache.n_bytes == 10


def test_several_threads_that_ask_at_once_make_a_value_once() -> None:
    cache, made, together = cache_of_arrays(100), [], threading.Barrier(8)
    found: list[np.ndarray] = []

    def make() -> np.ndarray:
        made.append(array(10))
        return made[-1]

    def ask() -> None:
        together.wait(timeout=60)
        found.append(cache.get("a", make))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(made) == 1
    assert [value is made[0] for value in found] == [True] * 8


def test_a_value_that_could_not_be_made_is_tried_again() -> None:
    cache = cache_of_arrays(100)
    assert not is_cached(cache, "a")
    assert cache.get("a", lambda: array(10)).nbytes == 10


def test_clear_forgets_all_values() -> None:
    cache = cache_of_arrays(100)
    cache.get("a", lambda: array(10))
    cache.clear()
    assert (cache.n_bytes, is_cached(cache, "a")) == (0, False)


# -- tables of collections


@pytest.fixture(autouse=True)
def empty_caches() -> Iterator[None]:
    """No table of another test is cached."""
    STORED._tables.clear()
    STORED._rows_by_sha256.clear()
    yield


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    table = settings_table.read(home=tmp_path / "home", threads=1)
    return ingest(open_source(write_patches(tmp_path / "patches", per_class=2)), name="c", settings=table)


def test_the_table_of_a_collection_is_one_object_however_often_it_is_opened(collection: Collection) -> None:
    again = open_collection("c", home=collection.path.parent)
    assert again.items is collection.items
    assert again.rejects is collection.rejects
    assert again.row_by_sha256 is collection.row_by_sha256
    assert dict(collection.row_by_sha256) == {sha: row for row, sha in enumerate(collection.items["sha256"])}
    assert STORED._tables.n_bytes == sum(int(t.memory_usage(deep=True).sum()) for t in (collection.items, collection.rejects))


def test_tables_beyond_the_bound_are_dropped_and_read_again(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STORED, "_tables", ByteCache(1, lambda table: int(table.memory_usage(deep=True).sum())))
    items = collection.items
    assert collection.items is items
    assert collection.rejects.empty
    assert collection.items is not items, "one table of more bytes than the bound is kept alone"
    pd.testing.assert_frame_equal(collection.items, items)


def test_a_collection_made_anew_under_the_same_name_has_its_own_table(collection: Collection, tmp_path: Path) -> None:
    assert collection.n == len(collection.items) == 6
    collection.path.rename(tmp_path / "away")
    table = settings_table.read(home=tmp_path / "home", threads=1)
    anew = ingest(open_source(write_patches(tmp_path / "more", per_class=3)), name="c", settings=table)
    assert anew.n == len(anew.items) == len(anew.row_by_sha256) == 9


def test_a_table_that_is_cut_is_noticed_by_who_opens_the_collection_though_another_has_read_it(collection: Collection) -> None:
    assert len(collection.items) == 6
    file = collection.path / "items.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ArtifactDamaged, match=r"items\.parquet is missing or cut"):
        _ = open_collection("c", home=collection.path.parent).items
