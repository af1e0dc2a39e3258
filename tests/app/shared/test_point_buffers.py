"""What the map fetches, unpacked again by hand."""

from __future__ import annotations

import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from explorer.app.shared import point_buffers
from explorer.errors import InputError

FINITE = some.floats(-1e4, 1e4, width=32)


@given(arrays.arrays(np.float32, some.tuples(some.integers(1, 40), some.just(2)), elements=FINITE))
def test_unpacked_points_are_within_half_a_step_of_the_packed_ones(xy: np.ndarray) -> None:
    packed = point_buffers.pack_points(xy)
    assert len(packed) == 32 + 4 * len(xy)
    drawn = point_buffers.drawn_points(packed)
    step = struct.unpack_from("<d", packed, 24)[0]
    assert np.abs(drawn - xy).max() <= step * 0.5000001
    longer = float(np.ptp(xy.astype(np.float64), axis=0).max())
    assert step == pytest.approx((longer or 1.0) / 65535, rel=1e-5)


def test_point_buffer_has_the_bytes_the_browser_reads() -> None:
    packed = point_buffers.pack_points(np.array([[1, 10], [3, 11]], np.float32))
    assert packed[:4] == b"XPT1"
    assert struct.unpack_from("<I", packed, 4) == (2,)
    assert struct.unpack_from("<3d", packed, 8) == (1.0, 10.0, 2 / 65535)
    assert struct.unpack_from("<4H", packed, 32) == (0, 0, 65535, 32768)


def test_no_points_and_equal_points_can_be_packed() -> None:
    assert len(point_buffers.drawn_points(point_buffers.pack_points(np.empty((0, 2), np.float32)))) == 0
    same = np.full((3, 2), 5, np.float32)
    assert (point_buffers.drawn_points(point_buffers.pack_points(same)) == 5).all()


def test_a_cut_buffer_is_refused() -> None:
    with pytest.raises(InputError, match="make the map again"):
        point_buffers.drawn_points(point_buffers.pack_points(np.ones((4, 2), np.float32))[:-1])


def test_classes_are_sorted_counted_and_missing_ones_are_grey() -> None:
    column = point_buffers.class_column("tissue", pd.Series(["b", None, "a", "b", "<b>"]))
    assert column.legend == {
        "name": "tissue",
        "kind": "classes",
        "dtype": "uint8",
        "names": ["<b>", "a", "b", "none"],
        "counts": [1, 1, 2, 1],
        "none": 3,
    }
    assert point_buffers.codes_of(column).tolist() == [2, 3, 1, 2, 0]


def test_many_classes_take_two_bytes_and_too_many_are_refused() -> None:
    column = point_buffers.class_column("patient", pd.Series(range(300)))
    assert column.legend["dtype"] == "uint16"
    assert point_buffers.codes_of(column).tolist() == list(range(300))
    with pytest.raises(InputError, match="too many to colour by"):
        point_buffers.class_column("id", pd.Series(range(70_000)))


def test_groups_keep_their_numbers_and_names() -> None:
    column = point_buffers.cluster_column("groups", np.array([1, -1, 0, 1]), {1: "mucosa"})
    assert column.legend["names"] == ["Group 1", "mucosa", "in no group"]
    assert column.legend["none"] == 2
    assert point_buffers.codes_of(column).tolist() == [1, 2, 0, 1]
    nothing = point_buffers.cluster_column("groups", np.array([-1, -1]), {})
    assert nothing.legend["names"] == ["in no group"]


def test_values_keep_their_range_and_gaps() -> None:
    column = point_buffers.value_column("age", pd.Series([1.5, None, np.inf, -2.0]))
    assert column.legend == {"name": "age", "kind": "continuous", "dtype": "float32", "low": -2.0, "high": 1.5, "missing": 2}
    assert np.frombuffer(column.data, "<f4")[[0, 3]].tolist() == [1.5, -2.0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", "b"], "classes"),
        ([True, False], "classes"),
        ([0, 1, 2, 1], "classes"),
        ([0.0, 1.0, None], "classes"),
        (list(range(100)), "values"),
        ([0.25, 0.5], "values"),
    ],
)
def test_numbers_with_fractions_or_many_values_are_shown_on_a_ramp(values: list, kind: str) -> None:
    assert point_buffers.column_kind(pd.Series(values)) == kind
