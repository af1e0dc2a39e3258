"""Which rows a search may return; brute force is the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.search import allowed_rows


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
def test_where_conditions_select_the_matching_rows(where: Any, rows: list[int]) -> None:
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
    scores, rows = build_index(vectors, kind=kind).search(query, 10, allowed=allowed)
    found = rows[0][rows[0] >= 0]
    score = items["score"].to_numpy()
    kept = np.flatnonzero((score >= low) & (score < low + width))
    cosine = (vectors @ query[0]) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    best = np.sort(cosine[kept])[::-1][:10]
    assert set(found.tolist()) <= set(kept.tolist())
    np.testing.assert_allclose(scores[0][: len(found)], best, atol=1e-5)
    np.testing.assert_allclose(cosine[found], best, atol=1e-5)


def test_leaving_out_the_same_patient_leaves_out_the_row_itself() -> None:
    allowed = allowed_rows(table(), exclude_same=["patient"], like=4)
    assert allowed is not None
    assert np.flatnonzero(~allowed).tolist() == [3, 4, 5]


def test_each_of_several_columns_leaves_out_its_rows() -> None:
    """Row 4 has patient p1 (rows 3, 4, 5) and label STR (rows 1, 4, 7, 10); whichever is named first."""
    for columns in (["patient", "label"], ["label", "patient"]):
        allowed = allowed_rows(table(), exclude_same=columns, like=4)
        assert allowed is not None
        assert np.flatnonzero(~allowed).tolist() == [1, 3, 4, 5, 7, 10]
    allowed = allowed_rows(table(), exclude_same=["label", "patient"], like=[4, 9])  # row 9 has label TUM and no patient
    assert allowed is not None
    assert np.flatnonzero(allowed).tolist() == [2, 8, 11]


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
def test_invalid_filters_are_refused(given_arguments: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        allowed_rows(table(), **given_arguments)
