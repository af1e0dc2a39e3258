"""Query pictures in memory: which are dropped first, and how many bytes they may take."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import numpy as np
import pytest

from explorer.app.shared import query_pictures
from explorer.app.shared.query_pictures import Held
from explorer.errors import ExplorerError, InputError


def square(side_px: int, value: int = 0) -> np.ndarray:
    """A picture of 3 * side_px ** 2 bytes."""
    return np.full((side_px, side_px, 3), value, np.uint8)


def present(query_id: str) -> bool:
    try:
        query_pictures.find(query_id)
    except ExplorerError as error:
        assert "no longer here" in str(error)
        return False
    return True


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """One session; 3 kB a session and 12 kB in all, so 10 pictures of 10 x 10 pixels a session and 40 in all."""
    monkeypatch.setattr(query_pictures, "MAX_SESSION_BYTES", 3_000)
    monkeypatch.setattr(query_pictures, "MAX_BYTES", 12_000)
    monkeypatch.setattr(query_pictures, "_entries", OrderedDict())  # whatever sessions of other tests still hold
    session = Held()
    yield session
    session.close()
    assert query_pictures.held_bytes() == 0


def test_any_number_of_regions_leaves_the_readers_own_picture_in_place(held: Held) -> None:
    own = held.keep(square(10, 7))
    regions = [held.keep_region(square(5), ("crc", own, box)) for box in range(50)]
    assert present(own)
    assert [present(region) for region in regions[-query_pictures.MOST_PER_SESSION :]] == [True] * query_pictures.MOST_PER_SESSION
    assert not any(present(region) for region in regions[: -query_pictures.MOST_PER_SESSION])


def test_the_same_region_is_kept_once(held: Held) -> None:
    first = held.keep_region(square(5), ("crc", 3, "box"))
    assert held.keep_region(square(5), ("crc", 3, "box")) == first
    assert held.keep_region(square(5), ("crc", 4, "box")) != first
    assert query_pictures.held_bytes() == 2 * 75


def test_a_session_keeps_to_its_bytes_and_the_oldest_pictures_go_first(held: Held) -> None:
    ids = [held.keep(square(20)) for _ in range(4)]  # 1 200 bytes each
    assert [present(query_id) for query_id in ids] == [False, False, True, True]
    assert query_pictures.held_bytes() == 2_400


def test_the_newest_picture_of_a_session_is_kept_though_it_is_larger_than_the_limit(held: Held) -> None:
    small = held.keep(square(10))
    large = held.keep(square(40))  # 4 800 bytes
    assert present(large) and not present(small)


def test_all_sessions_keep_to_their_bytes_and_what_was_not_looked_at_for_longest_goes_first(held: Held) -> None:
    others = [Held() for _ in range(4)]
    ids = [session.keep(square(30)) for session in others]  # 2 700 bytes each, 10 800 in all
    assert present(ids[0])  # a look: now the second is the oldest
    newest = held.keep(square(30))
    assert [present(query_id) for query_id in (*ids, newest)] == [True, False, True, True, True]
    assert query_pictures.held_bytes() <= 12_000
    for session in others:
        session.close()
    assert present(newest), "closing one session leaves the others alone"


def test_a_picture_that_no_memory_is_left_for_is_refused_in_a_sentence(held: Held) -> None:
    own = held.keep(square(10))
    with pytest.raises(InputError, match="bring a smaller one"):
        held.keep(square(80))
    assert present(own)


def test_a_region_that_was_pushed_out_by_other_sessions_is_kept_anew(held: Held) -> None:
    region = held.keep_region(square(10), "region")
    other = Held()
    for _ in range(4):
        other.keep(square(36))
    big = Held()
    big.keep(square(62))
    assert not present(region)
    again = held.keep_region(square(10), "region")
    assert again != region and present(again)
    other.close()
    big.close()


def test_limits_are_64_mb_a_session_and_256_mb_in_all() -> None:
    assert (query_pictures.MAX_SESSION_BYTES, query_pictures.MAX_BYTES) == (64_000_000, 256_000_000)
