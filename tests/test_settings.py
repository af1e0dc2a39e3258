"""Settings: a value that would fail later is refused where it is read, in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer import settings
from explorer.errors import InputError


@pytest.mark.parametrize(
    ("name", "value"), [("thumbnail_px", 0), ("thumbnail_px", 15), ("thumbnail_px", 1025), ("max_pixels", 0), ("max_pixels", 10**13)]
)
def test_numbers_out_of_bounds_are_refused(name: str, value: int) -> None:
    with pytest.raises(InputError, match=rf"^Setting {name} is {value}; use a number from \d+ to \d+\.$"):
        settings.read({f"EXPLORER_{name.upper()}": str(value)})


def test_numbers_at_their_bounds_are_taken() -> None:
    assert settings.read({}, thumbnail_px=16).thumbnail_px == 16
    assert settings.read({}, thumbnail_px=1024).thumbnail_px == 1024
    assert settings.read({}, max_pixels=1).limits.max_pixels == 1


@pytest.mark.parametrize("text", ["many", "-1", "1.5", "²", ""])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="whole number"):
        settings.read({"EXPLORER_THREADS": text})


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^Setting home is .*file, which is a file; give a folder\.$"):
        settings.read({}, home=tmp_path / "file")
    assert settings.read({}, home=tmp_path).home == tmp_path
    assert settings.read({}, home=tmp_path / "new").home == tmp_path / "new"


@pytest.mark.parametrize("name", ["weights_mirror", "data_mirror"])
@pytest.mark.parametrize("address", ["foo", "ftp://host/weights", "/srv/weights"])
def test_a_mirror_that_is_no_web_address_is_refused(name: str, address: str) -> None:
    with pytest.raises(InputError, match=name):
        settings.read({}, **{name: address})
