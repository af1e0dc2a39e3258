"""Paths on the server's disk are removed from messages."""

from __future__ import annotations

import pytest

from explorer.app.shared.redaction import without_paths

ID, FILE = "0" * 32, "a" * 16


@pytest.mark.parametrize("place", [f".uploads/{ID}/{FILE}.zip", f"/srv/data/.uploads/{ID}/{FILE}.zip", f"{ID}/{FILE}", ID])
def test_the_path_of_an_upload_is_replaced_by_the_upload(place: str) -> None:
    assert without_paths(f"{place} holds '../../evil.png'; get a clean copy.") == "the upload holds '../../evil.png'; get a clean copy."


def test_only_the_last_part_of_a_path_is_kept() -> None:
    assert without_paths("/srv/data/lung/x.png is damaged") == "x.png is damaged"
