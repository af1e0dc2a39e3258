"""Reading and writing of URL parameters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.app.shared.selections import Shape
from explorer.app.ui import search_url, url_state
from explorer.errors import InputError

finite = st.floats(-1e3, 1e3, allow_nan=False).map(lambda value: float(f"{value:.6g}"))
corners = st.lists(st.tuples(finite, finite), min_size=3, max_size=64).map(tuple)
drawn = st.tuples(st.sampled_from(["replace", "add", "subtract"]), corners, st.just(()))
given_rows = st.tuples(st.just("replace"), st.just(()), st.lists(st.integers(0, 10**6), min_size=1, max_size=20).map(tuple))


@given(st.lists(drawn | given_rows, min_size=1, max_size=5).map(tuple))
def test_a_selection_is_restored_from_the_url(fields: tuple[Any, ...]) -> None:
    shapes = tuple(Shape(*one) for one in fields)
    assert url_state.unpack(url_state.pack(shapes)) == shapes


def test_a_lasso_of_the_maximal_number_of_corners_fits_a_url() -> None:
    polygon = tuple((0.123456 * k, 7.654321 / (k + 1)) for k in range(64))
    assert len(url_state.pack([Shape("replace", polygon)])) < 2000


@pytest.mark.parametrize("text", ["!!", "abcd", "é", "eJw", url_state.pack([Shape("add", rows=(1,))])[:-6]])
def test_a_truncated_selection_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match="cut when it was copied"):
        url_state.unpack(text)


def test_a_selection_that_would_unpack_without_end_is_refused() -> None:
    import base64
    import zlib

    bomb = base64.urlsafe_b64encode(zlib.compress(b'{"shapes":[' + b" " * 10**7 + b"]}", 9)).decode().rstrip("=")
    with pytest.raises(InputError):
        url_state.unpack(bomb)


@given(st.text(max_size=30))
def test_any_text_in_a_url_parameter_can_be_read(text: str) -> None:
    assert all(row >= 0 for row in url_state.rows(text))
    assert url_state.whole(text, 24, (12, 24)) in (12, 24)
    assert isinstance(url_state.filters(text), dict)
    box = search_url.box(text)
    assert box is None or 0 <= box[0] < box[2] <= 1


def test_empty_values_are_not_written() -> None:
    shown = {"a": None, "b": (), "c": {}, "d": "", "e": 0, "f": (3, 5), "g": True, "h": {"label": ["TUM"]}}
    assert url_state.words(shown) == {"e": "0", "f": "3-5", "g": "yes", "h": '{"label":["TUM"]}'}
    assert url_state.rows("3-5") == (3, 5)
    assert url_state.filters('{"label":["TUM"]}') == {"label": ["TUM"]}
