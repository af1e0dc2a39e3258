"""What lies on the server's disk is not told."""

from __future__ import annotations

import pytest

from explorer.app.shared.redaction import without_paths

ID, FILE = "0" * 32, "a" * 16


@pytest.mark.parametrize("place", [f".uploads/{ID}/{FILE}.zip", f"/srv/data/.uploads/{ID}/{FILE}.zip", f"{ID}/{FILE}", ID])
def test_an_upload_is_called_one_wherever_it_lies(place: str) -> None:
    assert without_paths(f"{place} holds '../../evil.png'; get a clean copy.") == "the upload holds '../../evil.png'; get a clean copy."


def test_of_a_path_the_last_name_is_told() -> None:
    assert without_paths("/srv/data/lung/x.png is damaged") == "x.png is damaged"
