"""A query as a value: equality, checks, and JSON that brings the same query back."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from explorer.errors import InputError
from explorer.search import Picture, Query
from explorer.sources.pixels import cut


def png(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@st.composite
def pictures(draw: st.DrawFn) -> dict[str, Any]:
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    pixels = np.frombuffer(draw(st.binary(min_size=3 * height * width, max_size=3 * height * width)), np.uint8).reshape(height, width, 3)
    return {"picture": {"png": png(pixels)} | draw(st.sampled_from([{}, {"mpp": 0.25}, {"mpp": 1}]))}


@st.composite
def regions(draw: st.DrawFn) -> dict[str, Any]:
    (left, right), (top, bottom) = (sorted(draw(st.lists(st.floats(0, 1), min_size=2, max_size=2, unique=True))) for _ in range(2))
    return draw(rows | pictures()) | {"region": [left, top, right, bottom]}


rows = st.fixed_dictionaries({"row": st.integers(0, 10**9)})
examples = st.one_of(
    rows,
    pictures(),
    regions(),
    st.fixed_dictionaries({"rows": st.lists(st.integers(0, 1000), min_size=1, max_size=5)}),
    st.fixed_dictionaries({"selection": st.text(min_size=1, max_size=20)}),
)
ranges = st.dictionaries(st.sampled_from([">=", "<=", ">", "<"]), st.floats(-1e6, 1e6), min_size=1)
values = st.text(max_size=8) | st.lists(st.text(max_size=5), max_size=3) | ranges
queries = st.fixed_dictionaries(
    {},
    optional={
        "like": st.lists(examples, max_size=3),
        "more_like": st.lists(examples, max_size=2),
        "unlike": st.lists(examples, max_size=2),
        "where": st.dictionaries(st.text(min_size=1, max_size=8), values, max_size=3),
        "exclude_same": st.lists(st.sampled_from(["patient", "slide", "site"]), unique=True),
        "min_score": st.none() | st.floats(-1, 1),
        "include_query": st.booleans(),
        "k": st.integers(1, 1000),
    },
)


@given(queries)
def test_a_query_comes_back_from_its_json(value: dict[str, Any]) -> None:
    query = Query.from_json(value)
    written = query.to_json()
    assert Query.from_json(json.loads(json.dumps(written))) == query
    assert len(query.like) == len(value.get("like", []))
    for name in ("where", "exclude_same", "k"):
        assert written.get(name, {} if name == "where" else []) == value.get(name, written.get(name, {} if name == "where" else []))


def test_pictures_are_equal_when_their_pixels_are() -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert Picture(pixels) == Picture(pixels.copy())
    assert Picture(pixels) != Picture(pixels[::-1])
    assert Picture(pixels) != Picture(pixels, mpp=0.5)
    assert Picture(pixels.reshape(2, 8, 3)) != Picture(pixels)


def test_without_pixels_a_picture_is_only_named() -> None:
    query = Query((Picture(np.zeros((3, 5, 3), np.uint8)),))
    (example,) = query.to_json(pixels=False)["like"]
    assert example["picture"].keys() == {"sha256", "width_px", "height_px"}
    with pytest.raises(InputError, match="needs its bytes"):
        Query.from_json({"like": [example]})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "JSON object"),
        ({"rows": [1]}, "no field 'rows'"),
        ({"like": {"row": 1}}, "like is a list"),
        ({"like": [{"row": -1}]}, "whole number from 0"),
        ({"like": [{"row": True}]}, "whole number from 0"),
        ({"like": [{"row": 1.5}]}, "whole number from 0"),
        ({"like": [{"row": 10**5000}]}, "too large"),
        ({"like": [{"row": 1, "selection": "x"}]}, "An example is"),
        ({"like": [{"row": 1, "region": [0, 0, 1]}]}, "four edges"),
        ({"like": [{"row": 1, "region": [0.5, 0, 0.5, 1]}]}, "does not lie in the picture"),
        ({"like": [{"row": 1, "region": [0, 0, 1, "x"]}]}, "region is a number"),
        ({"like": [{"picture": {"png": "§"}}]}, "not base64"),
        ({"like": [{"picture": {"png": "AAAA"}}]}, "cannot be used"),
        ({"like": [{"row": 0}] * 257}, "at most 256"),
        ({"k": 0}, "at least one"),
        ({"k": "ten"}, "whole number"),
        ({"combine": "sum"}, "no way 'sum'"),
        ({"min_score": 2}, "between -1 and 1"),
        ({"min_score": float("nan")}, "min_score is a number"),
        ({"where": []}, "where is a JSON object"),
        ({"exclude_same": "patient"}, "exclude_same is a list"),
        ({"include_query": 1}, "true or false"),
    ],
)
def test_what_is_no_query_is_refused_in_one_short_sentence(value: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        Query.from_json(value)
    assert len(str(refused.value)) < 300


def test_a_repeated_column_counts_once() -> None:
    assert Query.from_json({"exclude_same": ["patient"] * 100}).exclude_same == ("patient",)


def test_a_region_is_cut_to_the_pixel_and_never_empty() -> None:
    image = np.arange(40 * 60 * 3, dtype=np.uint32).astype(np.uint8).reshape(40, 60, 3)
    assert cut(image, (0.5, 0.25, 1.0, 0.75)).tolist() == image[10:30, 30:60].tolist()
    assert cut(image, (0.999, 0.999, 1.0, 1.0)).shape == (1, 1, 3)
