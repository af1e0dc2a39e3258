"""Which rows may answer, and what is said of them; brute force is the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.search import SearchResult, allowed_rows, find_hits, make_hit, plain


class Exact:
    """The smallest index there can be."""

    kind = "exact"

    def __init__(self, vectors: Any) -> None:
        self.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        self.n, self.dim = vectors.shape

    def search(self, queries: Any, k: int, *, allowed: Any = None) -> tuple[Any, Any]:
        scores = (queries / np.linalg.norm(queries, axis=1, keepdims=True)) @ self.vectors.T
        if allowed is not None:
            scores = np.where(allowed, scores, -np.inf)
        rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(scores, rows, axis=1)
        return best.astype(np.float32), np.where(np.isfinite(best), rows, -1).astype(np.int64)


def table(n: int = 12) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"i{i}" for i in range(n)],
            "uri": [f"u/{i}.png" for i in range(n)],
            "label": pd.array(["TUM", "STR", None] * (n // 3), dtype="string"),
            "patient": pd.array([f"p{i // 3}" if i < 9 else None for i in range(n)], dtype="string"),
            "mpp": [0.25 if i % 2 else 0.5 for i in range(n)],
            "tumour": pd.array([i % 2 == 0 for i in range(n)], dtype="boolean"),
            "sha256": ["x"] * n,
        }
    )


def test_no_filter_allows_all() -> None:
    assert allowed_rows(table()) is None


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({"label": "TUM"}, [0, 3, 6, 9]),
        ({"label": ["TUM", "STR"]}, [0, 1, 3, 4, 6, 7, 9, 10]),
        ({"label": "TUM", "mpp": "0.5"}, [0, 6]),
        ({"tumour": "true"}, [0, 2, 4, 6, 8, 10]),
        ({"label": "nothing"}, []),
        ({"mpp": {">=": 0.5}}, [0, 2, 4, 6, 8, 10]),
        ({"mpp": {">": 0.25, "<": "0.6"}, "label": "TUM"}, [0, 6]),
        ({"mpp": {">": 0.5}}, []),
    ],
)
def test_where(where: Any, rows: list[int]) -> None:
    allowed = allowed_rows(table(), where=where)
    assert allowed is not None
    assert np.flatnonzero(allowed).tolist() == rows


numbers = st.none() | st.floats(-3, 3) | st.just(float("nan")) | st.just(float("inf"))


@given(
    cells=st.lists(numbers, min_size=1, max_size=20),
    ends=st.dictionaries(st.sampled_from([">=", "<=", ">", "<"]), st.floats(-3, 3) | st.just(float("inf")), min_size=1),
    dtype=st.sampled_from(["float64", "Float64"]),
)
def test_a_range_allows_what_reading_the_cells_one_by_one_allows(cells: list[Any], ends: dict[str, float], dtype: str) -> None:
    def inside(cell: float | None) -> bool:
        if cell is None or cell != cell:  # an empty cell
            return False
        holds = {">=": cell >= ends.get(">=", cell), "<=": cell <= ends.get("<=", cell)}
        holds |= {">": ">" not in ends or cell > ends[">"], "<": "<" not in ends or cell < ends["<"]}
        return all(holds.values())

    items = pd.DataFrame({"age": pd.array(cells, dtype=dtype)})
    allowed = allowed_rows(items, where={"age": ends})
    assert allowed is not None
    assert allowed.tolist() == [inside(cell) for cell in cells]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), low=st.floats(-0.1, 1.1), width=st.floats(0, 1), kind=st.sampled_from(["flat", "ivf"]))
def test_a_search_in_a_range_is_brute_force_at_any_selectivity(seed: int, low: float, width: float, kind: str) -> None:
    from explorer.index import build_index

    random = np.random.default_rng(seed)
    vectors = random.normal(size=(200, 8)).astype(np.float32)
    items = pd.DataFrame({"id": map(str, range(200)), "uri": map(str, range(200)), "label": None, "score": random.random(200)})
    query = random.normal(size=(1, 8)).astype(np.float32)
    allowed = allowed_rows(items, where={"score": {">=": low, "<": low + width}})
    hits = find_hits(items, index=build_index(vectors, kind=kind), query=query, k=10, allowed=allowed)
    score = items["score"].to_numpy()
    kept = np.flatnonzero((score >= low) & (score < low + width))
    cosine = (vectors @ query[0]) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    assert [hit.row for hit in hits] == sorted(kept, key=lambda row: -cosine[row])[:10]


def test_leaving_out_the_same_patient_leaves_out_the_row_itself() -> None:
    allowed = allowed_rows(table(), exclude_same=["patient"], like=4)
    assert allowed is not None
    assert np.flatnonzero(~allowed).tolist() == [3, 4, 5]


def test_an_unknown_patient_equals_nobody_but_itself() -> None:
    allowed = allowed_rows(table(), exclude_same=["patient"], like=10)
    assert allowed is not None
    assert np.flatnonzero(~allowed).tolist() == [10]


@pytest.mark.parametrize(
    ("given_arguments", "words"),
    [
        ({"where": {"organ": "colon"}}, "no column 'organ'"),
        ({"where": {"mpp": "twenty"}}, "holds numbers"),
        ({"where": {"tumour": "maybe"}}, "yes or no"),
        ({"where": {"label": {">=": 1}}}, "label does not hold numbers"),
        ({"where": {"tumour": {">=": 1}}}, "tumour does not hold numbers"),
        ({"where": {"mpp": {"from": 1}}}, "given by >=, <=, >, <, and 'from' is none"),
        ({"where": {"mpp": {"<": "much"}}}, "holds numbers"),
        ({"where": {"mpp": {"<": float("nan")}}}, "cannot end at nan"),
        ({"where": {"mpp": {"<": 10**400}}}, "holds numbers"),
        ({"exclude_same": ["patient"]}, "needs a query whose patient is known"),
        ({"exclude_same": ["organ"], "like": 0}, "no column 'organ'"),
    ],
)
def test_bad_filters_are_said(given_arguments: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        allowed_rows(table(), **given_arguments)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 30), kept=st.floats(0, 1))
def test_hits_equal_brute_force(seed: int, k: int, kept: float) -> None:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(12, 5)).astype(np.float32)
    query = random.normal(size=(1, 5)).astype(np.float32)
    allowed = random.random(12) < kept
    hits = find_hits(table(), index=Exact(vectors), query=query, k=k, allowed=allowed)
    cosine = (vectors @ query[0]) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    expected = sorted(np.flatnonzero(allowed), key=lambda row: -cosine[row])[:k]
    assert [hit.row for hit in hits] == expected
    assert [hit.rank for hit in hits] == list(range(1, len(expected) + 1))
    assert np.allclose([hit.score for hit in hits], cosine[expected], atol=1e-5)


@pytest.mark.parametrize(("k", "value", "words"), [(0, 1.0, "at least one"), (3, np.nan, "not numbers")])
def test_bad_queries_are_said(k: int, value: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        find_hits(table(), index=Exact(np.eye(12, dtype=np.float32)), query=np.full((1, 12), value, np.float32), k=k)


def test_a_hit_is_plain_json_without_empty_cells_or_internals() -> None:
    hit = make_hit(1, 2, 0.5, table().iloc[2].to_dict())
    assert hit.to_json() == {
        "rank": 1, "row": 2, "id": "i2", "uri": "u/2.png", "score": 0.5, "label": None, "patient": "p0", "mpp": 0.5, "tumour": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "value"),
    [(np.int64(3), 3), (np.float32(0.5), 0.5), (float("nan"), None), (pd.NA, None), (np.bool_(True), True), (b"x", "b'x'")],
)
def test_plain(cell: Any, value: Any) -> None:
    assert plain(cell) == value


def test_label_shares_count_labelled_hits_and_let_the_nearest_break_ties() -> None:
    hits = [make_hit(i + 1, i, 1.0 - i / 10, table().iloc[i].to_dict()) for i in (1, 0, 2)]
    shares = SearchResult("c", "e", {}, hits, 0.1).label_shares()
    assert list(shares.items()) == [("STR", 0.5), ("TUM", 0.5)]
