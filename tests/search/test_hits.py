"""What a search returns, as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from search.test_filters import table

from explorer.search import Facts, Query, SearchResult, beside, make_hit, plain
from explorer.search.hits import records


def test_a_hit_is_plain_json_without_empty_cells_or_internals() -> None:
    hit = make_hit(1, 2, 0.5, table().iloc[2].to_dict())
    assert hit.to_json() == {
        "rank": 1, "row": 2, "id": "i2", "uri": "u/2.png", "score": 0.5, "label": None, "patient": "p0", "mpp": 0.5, "tumour": True,
    }  # fmt: skip


def test_a_column_named_as_one_of_our_fields_gets_a_name_that_no_other_has() -> None:
    for facts in ({"row": "B7", "row_": "C8"}, {"row_": "C8", "row": "B7"}):
        assert beside({"row": 4}, facts) == {"row": 4, "row_": "C8", "row__": "B7"}
    assert beside({"row": 4}, {"age": 50}) == {"row": 4, "age": 50}
    hit = make_hit(1, 2, 0.5, table().iloc[2].to_dict() | {"row": 899, "rank": 3})
    assert {name: hit.to_json()[name] for name in ("row", "row_", "rank", "rank_")} == {"row": 2, "row_": 899, "rank": 1, "rank_": 3}


@pytest.mark.parametrize(
    ("cell", "value"),
    [(np.int64(3), 3), (np.float32(0.5), 0.5), (float("nan"), None), (pd.NA, None), (np.bool_(True), True), (b"x", "b'x'")],
)
def test_plain_turns_cells_into_json_values(cell: Any, value: Any) -> None:
    assert plain(cell) == value


@pytest.mark.parametrize(
    ("closer_than", "sentence"),
    [
        (None, ""),
        (0.62, "The query is more similar to its nearest patch than 62 % of the collection's patches are to theirs."),
        (0.02, "Nothing here is really like the query: 98 % of the collection's patches are at least as similar to their nearest one."),
    ],
)
def test_whether_something_alike_was_found_is_said_in_a_sentence(closer_than: float | None, sentence: str) -> None:
    assert Facts(closer_than=closer_than).closeness == sentence


def test_label_shares_count_labelled_hits_and_let_the_nearest_break_ties() -> None:
    hits = [make_hit(i + 1, i, 1.0 - i / 10, table().iloc[i].to_dict()) for i in (1, 0, 2)]
    shares = SearchResult("c", "e", "k", Query(), Facts(), hits, 0.1).label_shares()
    assert list(shares.items()) == [("STR", 0.5), ("TUM", 0.5)]


@pytest.mark.parametrize("rows", [[], [1], [2, 0, 2]])
def test_records_are_those_of_pandas(rows: list[int]) -> None:
    mixed = pd.DataFrame(
        {
            "text": pd.Series(["a", None, "c"], dtype="string"),
            "whole": pd.Series([1, None, 3], dtype="Int64"),
            "number": [1.5, np.nan, 2.0],
            "mixed": ["x", None, 3],
            "day": pd.Series(["2020-01-01", None, "2021-05-05"], dtype="datetime64[ns]"),
            "class": pd.Categorical(["u", "v", None]),
            "flag": [True, False, True],
        }
    )
    expected = [{name: plain(value) for name, value in record.items()} for record in mixed.iloc[rows].to_dict("records")]
    assert [{name: plain(value) for name, value in record.items()} for record in records(mixed, rows)] == expected
