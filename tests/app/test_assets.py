"""The browser's files: all served, none from elsewhere, none unsafe, none too long."""

from __future__ import annotations

import re

import pytest

from explorer.app.shared import assets

NAMES = sorted(assets.files())
MODULES = [name for name in NAMES if name.endswith(".js")]


def test_only_files_of_this_version_are_served() -> None:
    content, media_type = assets.read(assets.digest(), "map.js") or (b"", "")
    assert content.startswith(b"//") and media_type.startswith("text/javascript")
    assert assets.read("0" * 16, "map.js") is None
    assert assets.read(assets.digest(), "../widgets.py") is None
    assert assets.address("/atlas/api", "map.js") == f"/atlas/api/web/{assets.digest()}/map.js"


@pytest.mark.parametrize("name", MODULES)
def test_modules_import_their_siblings_only(name: str) -> None:
    text = assets.files()[name].decode()
    for target in re.findall(r'(?:from|import) "([^"]+)"', text):
        assert target.removeprefix("./") in NAMES and target.startswith("./")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_comes_from_elsewhere_and_nothing_is_set_as_markup(name: str) -> None:
    text = assets.files()[name].decode()
    addresses = set(re.findall(r"https?://[^\"'\s)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "a namespace is a name, everything else would be a request"
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "@import", "url("):
        assert word not in text


@pytest.mark.parametrize("name", NAMES)
def test_a_file_fits_a_sitting(name: str) -> None:
    assert len(assets.files()[name].decode().splitlines()) <= 320


def test_all_modules_together_stay_light() -> None:
    assert sum(map(len, assets.files().values())) < 150_000
