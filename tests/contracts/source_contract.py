"""What every source keeps to. A new source inherits ``SourceContract`` and supplies the fixture ``opened``.

class TestMySource(SourceContract):
    @pytest.fixture
    def opened(self, tmp_path): return Opened(source=..., again=lambda: ...)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd
import pytest

from explorer.errors import ImageRejected
from explorer.types import Image, Item, Reject, Source


@dataclass(frozen=True)
class Opened:
    """A source with at least three pictures, and what its author knows about it."""

    source: Source
    again: Callable[[], Source]
    """Opens the same place once more."""
    pixels: dict[str, Image] = field(default_factory=dict)
    """uri -> the picture that must come out, for as many as are known."""
    labels: dict[str, str | None] = field(default_factory=dict)
    """uri -> label, for as many as are known."""
    unreadable: str = "no such thing"
    """A uri that must be refused with a reason."""

    @property
    def readable(self) -> list[str]:
        """The first few uris but that one."""
        return [item.uri for item in self.source.items() if item.uri != self.unreadable][:5]


class SourceContract:
    """The tests; ``opened`` is the fixture a subclass supplies."""

    @pytest.fixture
    def opened(self) -> Opened:
        raise NotImplementedError("supply a fixture called opened")

    def test_kind_uri_and_options_are_its_identity(self, opened: Opened) -> None:
        source = opened.source
        assert source.kind and source.uri
        assert json.loads(json.dumps(dict(source.options), allow_nan=False)) == dict(source.options)
        again = opened.again()
        assert (again.kind, again.uri, dict(again.options)) == (source.kind, source.uri, dict(source.options))

    def test_items_are_the_same_in_the_same_order_each_time(self, opened: Opened) -> None:
        items = list(opened.source.items())
        assert len(items) >= 3
        assert list(opened.source.items()) == items == list(opened.again().items())

    def test_every_item_has_a_place_and_a_name_of_its_own(self, opened: Opened) -> None:
        items = opened.source.items()
        assert len({item.uri for item in items}) == len(items)
        for item in items:
            assert item.uri and item.id
            assert not item.uri.startswith("/") and "\\" not in item.uri and ".." not in item.uri.split("/")

    def test_items_go_into_a_table(self, opened: Opened) -> None:
        rows = [
            {**{f.name: getattr(item, f.name) for f in fields(Item) if f.name != "extra"}, **item.extra} for item in opened.source.items()
        ]
        table = pd.DataFrame(rows)
        assert len(table) == len(rows)
        table.to_parquet(None)

    def test_rejects_say_what_and_why_and_are_no_items(self, opened: Opened) -> None:
        rejects = opened.source.rejects()
        for reject in rejects:
            assert isinstance(reject, Reject) and reject.reason
            assert "\n" not in reject.reason and "Error" not in reject.reason and opened.source.uri not in reject.reason
        assert list(opened.again().rejects()) == list(rejects)

    def test_pictures_are_rgb_bytes_and_repeat(self, opened: Opened) -> None:
        for uri in opened.readable:
            picture = opened.source.read(uri)
            assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3 and picture.size
            assert picture.flags.writeable and picture.flags.c_contiguous, "torch takes no other arrays without a copy or a warning"
            np.testing.assert_array_equal(opened.again().read(uri), picture)

    def test_known_pictures_and_labels(self, opened: Opened) -> None:
        items = {item.uri: item for item in opened.source.items()}
        for uri, pixels in opened.pixels.items():
            np.testing.assert_array_equal(opened.source.read(uri), pixels)
        for uri, label in opened.labels.items():
            assert items[uri].label == label

    def test_reading_does_not_wait_for_listing(self, opened: Opened) -> None:
        uri = opened.readable[1]
        np.testing.assert_array_equal(opened.again().read(uri), opened.source.read(uri))

    @pytest.mark.parametrize("uri", ["no such thing", "", "../../etc/passwd", "/etc/passwd", "x[999999999]", "x[-1]", "a\0b"])
    def test_a_missing_picture_is_refused_with_a_reason(self, opened: Opened, uri: str) -> None:
        with pytest.raises(ImageRejected) as caught:
            opened.source.read(uri)
        assert caught.value.reason and "Error" not in caught.value.reason

    def test_an_unreadable_picture_is_refused_with_a_reason(self, opened: Opened) -> None:
        with pytest.raises(ImageRejected) as caught:
            opened.source.read(opened.unreadable)
        assert caught.value.reason

    def test_threads_read_what_one_reads(self, opened: Opened) -> None:
        uris = opened.readable
        one = [opened.source.read(uri) for uri in uris]
        with ThreadPoolExecutor(8) as pool:
            many = list(pool.map(opened.source.read, uris * 8))
        for number, picture in enumerate(many):
            np.testing.assert_array_equal(picture, one[number % len(uris)])
