"""The search engine on an embedding held in memory; brute force in float64 is the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import InputError, SearchTooSlow
from explorer.index import build_index
from explorer.search import Deadline, Picture, Query, Region, Row, Rows, Searchable, Selection, search
from explorer.sources.pixels import pixels_sha256

N, DIM = 60, 12


class Memory(Searchable):
    """An embedding without a disk: every row is a small picture, and its vector is read off its pixels."""

    key, encoder_name, collection_name = "k", "pixels", "memory"
    vectors = items = annotated_items = index = layout = np.empty(0)
    """Set for each; named here so that the class is no longer abstract."""

    def __init__(self, seed: int = 0, n: int = N, *, kind: str = "flat") -> None:
        random = np.random.default_rng(seed)
        self.pictures = random.integers(0, 256, (n, 2, 2, 3), dtype=np.uint8)
        self.vectors = np.concatenate([self.encode(picture) for picture in self.pictures])
        self.items = pd.DataFrame(
            {
                "id": [f"i{row}" for row in range(n)],
                "uri": [f"u/{row}.png" for row in range(n)],
                "label": [f"l{row % 3}" for row in range(n)],
                "patient": [f"p{row // 6}" for row in range(n)],
                "slide": [None if row % 7 == 0 else f"s{row // 2}" for row in range(n)],
                "age": np.arange(n, dtype=float),
                "sha256": [pixels_sha256(picture) for picture in self.pictures],
            }
        )
        self.annotated_items = self.items
        self.index = build_index(self.vectors, kind=kind)
        self.layout: Any = random.normal(size=(n, 2)).astype(np.float32)
        self.encoded = 0

    @property
    def nearest_scores(self) -> Any:
        cosine = cosines(self.vectors, self.vectors)
        np.fill_diagonal(cosine, -np.inf)
        return np.sort(cosine.max(1)).astype(np.float32)

    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        return self.items

    def image(self, row: int) -> Any:
        return self.pictures[row]

    def row_of(self, sha256: str) -> int | None:
        found = np.flatnonzero(self.items["sha256"] == sha256)
        return int(found[0]) if len(found) else None

    def selection(self, name: str) -> Any:
        if name != "odd":
            raise InputError(f"There is no selection {name!r}; make one.")
        return np.arange(1, len(self.items), 2)

    def encode(self, image: Any) -> Any:
        self.encoded = getattr(self, "encoded", 0) + 1
        return np.resize(image.astype(np.float32).ravel() - 127.5, (1, DIM))


def cosines(one: Any, other: Any) -> Any:
    one, other = (np.asarray(each, np.float64) for each in (one, other))
    return (one / np.linalg.norm(one, axis=1, keepdims=True)) @ (other / np.linalg.norm(other, axis=1, keepdims=True)).T


def unit(vectors: Any) -> Any:
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def memory() -> Memory:
    return Memory()


def assert_best(memory: Memory, found: Any, query: Any, allowed: Any, k: int) -> None:
    """The hits are the k best of the allowed rows, up to ties of 1e-5."""
    cosine = cosines(query, memory.vectors)[0]
    best = np.sort(cosine[allowed])[::-1][:k]
    rows = [hit.row for hit in found.hits]
    assert len(set(rows)) == len(rows) == len(best)
    assert set(rows) <= set(np.flatnonzero(allowed).tolist())
    np.testing.assert_allclose(cosine[rows], best, atol=1e-5)
    np.testing.assert_allclose([hit.score for hit in found.hits], best, atol=1e-5)
    assert [hit.rank for hit in found.hits] == list(range(1, len(best) + 1))


@settings(max_examples=40)
@given(
    seed=st.integers(0, 50),
    row=st.integers(0, N - 1),
    k=st.integers(1, N + 5),
    label=st.none() | st.sampled_from(["l0", "l1", "none"]),
    from_age=st.none() | st.integers(0, N),
    apart=st.lists(st.sampled_from(["patient", "slide", "label"]), unique=True),
    kind=st.sampled_from(["flat", "ivf"]),
)
def test_hits_equal_brute_force(seed: int, row: int, k: int, label: str | None, from_age: int | None, apart: list[str], kind: str) -> None:
    memory = Memory(seed, kind=kind)
    where: dict[str, Any] = {} if label is None else {"label": label}
    where |= {} if from_age is None else {"age": {">=": from_age}}
    allowed = np.arange(N) != row
    if label is not None:
        allowed &= (memory.items["label"] == label).to_numpy()
    if from_age is not None:
        allowed &= (memory.items["age"] >= from_age).to_numpy()
    for column in apart:
        allowed &= ~(memory.items[column] == memory.items[column].iloc[row]).to_numpy()
    found = search(memory, Query((Row(row),), where=where, exclude_same=tuple(apart), k=k))
    if kind == "flat" or where or apart:
        assert_best(memory, found, memory.vectors[[row]], allowed, k)
    assert found.facts.allowed == allowed.sum()
    assert row not in [hit.row for hit in found.hits]


@pytest.mark.parametrize(
    "like",
    [(Row(4),), (Row(4), Row(5), Row(9)), (Rows(tuple(range(30))),), (Rows(tuple(range(1, 60, 2))),), (Selection("odd"), Row(0))],
    ids=["row", "rows", "many rows", "more rows than are fetched over", "selection"],
)
def test_rows_searched_with_are_returned_only_when_asked_for(memory: Memory, like: Any) -> None:
    own = {
        row for each in like for row in ({each.row} if isinstance(each, Row) else each.rows if isinstance(each, Rows) else range(1, N, 2))
    }
    found = {hit.row for hit in search(memory, Query(like, k=N)).hits}
    assert found == set(range(N)) - own
    assert {hit.row for hit in search(memory, Query(like, k=N, include_query=True)).hits} == set(range(N))


def test_several_examples_are_averaged_as_directions_each_weighing_the_same(memory: Memory) -> None:
    like = (Row(3), Rows((10, 11, 12)))
    group = unit(memory.vectors[[10, 11, 12]]).mean(0, keepdims=True)
    by_hand = np.concatenate([unit(memory.vectors[[3]]), unit(group)]).mean(0, keepdims=True)
    allowed = ~np.isin(np.arange(N), [3, 10, 11, 12])
    assert_best(memory, search(memory, Query(like, k=9)), by_hand, allowed, 9)


def test_more_like_and_unlike_move_the_query_by_rocchio(memory: Memory) -> None:
    query = Query((Row(3),), more_like=(Row(20), Row(21)), unlike=(Row(40),), k=7)
    by_hand = unit(memory.vectors[[3]]) + 0.75 * unit(memory.vectors[[20, 21]]).mean(0) - 0.15 * unit(memory.vectors[[40]])
    assert_best(memory, search(memory, query), by_hand, np.arange(N) != 3, 7)


def test_a_picture_that_is_in_the_collection_is_known_by_its_row(memory: Memory) -> None:
    before = memory.encoded
    found = search(memory, Query((Picture(memory.pictures[7].copy()),), exclude_same=("patient",), k=N))
    assert found.facts.rows == (7,)
    assert memory.encoded == before, "its vector is the stored one"
    assert {hit.row for hit in found.hits} == set(range(N)) - set(range(6, 12))


def test_a_region_is_searched_by_its_own_pixels_and_its_row_left_out(memory: Memory) -> None:
    found = search(memory, Query((Region(Row(5), (0.0, 0.0, 0.5, 1.0)),), k=6))
    assert_best(memory, found, memory.encode(memory.pictures[5][:, :1]), np.arange(N) != 5, 6)


def test_pictures_and_regions_are_encoded_once_where_a_cache_is_given(memory: Memory) -> None:
    stranger = Picture(np.full((3, 3, 3), 200, np.uint8))
    query = Query((stranger, Region(stranger, (0.0, 0.0, 0.4, 0.4)), Region(Row(1), (0.0, 0.0, 0.5, 0.5))))
    cache: dict[tuple[str, ...], Any] = {}
    before = memory.encoded
    first, second = search(memory, query, cache=cache), search(memory, query, cache=cache)
    assert memory.encoded == before + 3
    assert [hit.row for hit in first.hits] == [hit.row for hit in second.hits]


def test_min_score_leaves_out_what_is_less_similar(memory: Memory) -> None:
    every = search(memory, Query((Row(2),), k=N)).hits
    limit = (every[4].score + every[5].score) / 2
    assert len(search(memory, Query((Row(2),), k=N, min_score=limit)).hits) == 5


def test_closer_than_is_the_share_of_patches_with_farther_neighbours(memory: Memory) -> None:
    cosine = cosines(memory.vectors, memory.vectors)
    np.fill_diagonal(cosine, -np.inf)
    nearest = cosine.max(1)
    facts = search(memory, Query((Row(5),), where={"label": "none"})).facts
    assert facts.closer_than == pytest.approx(np.mean(nearest < nearest[5] - 1e-6), abs=1.01 / N)
    assert search(memory, Query((Rows((1, 2)),))).facts.closer_than is None
    assert facts.nearest[0][0] == cosine[5].argmax(), "filters do not change what is near"


def test_a_row_lies_at_its_place_on_the_map_and_others_among_their_neighbours(memory: Memory) -> None:
    assert search(memory, Query((Row(4),))).facts.map_xy == pytest.approx(tuple(memory.layout[4]))
    low, high = memory.layout.min(0), memory.layout.max(0)
    for query in (Query((Row(4), Row(5))), Query((Row(4),), more_like=(Row(9),)), Query((Region(Row(4), (0.0, 0.0, 0.5, 0.5)),))):
        x, y = search(memory, query).facts.map_xy or (np.nan, np.nan)
        assert low[0] <= x <= high[0]
        assert low[1] <= y <= high[1]


def test_columns_unknown_for_the_query_are_named(memory: Memory) -> None:
    assert search(memory, Query((Row(7),), exclude_same=("patient", "slide"))).facts.not_excluded == ("slide",)
    assert search(memory, Query((Row(8),), exclude_same=("patient", "slide"))).facts.not_excluded == ()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (Query(), "nothing to search with"),
        (Query((Row(N),)), f"rows go from 0 to {N - 1}"),
        (Query((Rows((0, N)),)), f"Row {N} is not"),
        (Query((Row(0),), more_like=(Row(N),)), f"Row {N} is not"),
        (Query((Rows(()),)), "No rows are given"),
        (Query((Selection("gone"),)), "no selection 'gone'"),
        (Query((Row(0),), where={"organ": 1}), "no column 'organ'"),
        (Query((Picture(np.zeros((2, 2, 3), np.uint8)),), exclude_same=("patient",)), "needs a query whose patient is known"),
    ],
)
def test_queries_that_do_not_fit_the_collection_are_refused(memory: Memory, query: Query, words: str) -> None:
    with pytest.raises(InputError, match=words):
        search(memory, query)


def test_a_collection_of_one_row_gives_no_hits() -> None:
    found = search(Memory(n=1), Query((Row(0),)))
    assert found.hits == []
    assert found.facts.closer_than is None


class Clock:
    """Seconds that pass only where a test says so."""

    now_s = 100.0

    def limit(self, limit_s: int) -> Deadline:
        return Deadline(limit_s, clock=lambda: self.now_s)


def test_a_search_with_many_pictures_is_stopped_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, clock = Memory(), Clock()
    pictures = [Picture(np.full((2, 2, 3), value, np.uint8)) for value in range(1, 41)]
    encode = memory.encode

    def slow(image: Any) -> Any:
        clock.now_s += 1
        return encode(image)

    monkeypatch.setattr(memory, "encode", slow)
    with pytest.raises(SearchTooSlow, match=r"took longer than 5 s and was stopped; use fewer pictures"):
        search(memory, Query(tuple(pictures), k=3), deadline=clock.limit(5))
    assert clock.now_s == 105  # the sixth picture was not encoded
    assert len(search(memory, Query(tuple(pictures[:5]), k=3), deadline=clock.limit(6)).hits) == 3
    assert len(search(memory, Query(tuple(pictures), k=3)).hits) == 3  # without a limit


@pytest.mark.parametrize("asked", [{"where": {"label": "l1", "patient": "p1", "age": 7}}, {"exclude_same": ("label", "patient", "slide")}])
def test_a_search_with_slow_filters_is_stopped_between_columns(asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    memory, clock = Memory(), Clock()
    looked = []

    class Slow(pd.DataFrame):
        def __getitem__(self, name: Any) -> Any:
            looked.append(name)
            clock.now_s += 4
            return pd.DataFrame(self)[name]

    monkeypatch.setattr(memory, "table", lambda columns: Slow(memory.items))
    with pytest.raises(SearchTooSlow):
        search(memory, Query((Row(1),), **asked), deadline=clock.limit(7))
    assert len(looked) == 2


def test_a_slow_index_does_not_answer_after_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, clock = Memory(), Clock()
    find = memory.index.search

    def slow(*args: Any, **kwargs: Any) -> Any:
        clock.now_s += 9
        return find(*args, **kwargs)

    monkeypatch.setattr(memory.index, "search", slow)
    with pytest.raises(SearchTooSlow):
        search(memory, Query((Row(1),)), deadline=clock.limit(8))
    assert search(memory, Query((Row(1),)), deadline=clock.limit(10)).hits
