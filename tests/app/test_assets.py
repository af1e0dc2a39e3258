"""The browser's files: all served, none from elsewhere, none unsafe, none too long."""

from __future__ import annotations

import gzip
import posixpath
import re
import tomllib
from pathlib import Path

import pytest

from explorer.app import server
from explorer.app.shared import assets
from explorer.app.ui import charts, theme

NAMES = sorted(assets.files())
MODULES = [name for name in NAMES if name.endswith(".js")]


def test_only_files_of_this_version_are_served() -> None:
    content, media_type = assets.read(assets.digest(), "map/map.js") or (b"", "")
    assert content.startswith(b"//") and media_type.startswith("text/javascript")
    assert assets.read("0" * 16, "map/map.js") is None
    assert assets.read(assets.digest(), "map.js") is None
    assert assets.read(assets.digest(), "../widgets/map.py") is None
    assert assets.address("/atlas/api", "map/map.js") == f"/atlas/api/web/{assets.digest()}/map/map.js"


@pytest.mark.parametrize("name", MODULES)
def test_modules_import_modules_of_their_own_folder_or_the_common_one_only(name: str) -> None:
    text = assets.files()[name].decode()
    for target in re.findall(r'(?:from|import) "([^"]+)"', text):
        assert target.startswith(("./", "../common/")), target
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        assert path in NAMES, target


@pytest.mark.parametrize("name", NAMES)
def test_nothing_comes_from_elsewhere_and_nothing_is_set_as_markup(name: str) -> None:
    text = assets.files()[name].decode()
    addresses = set(re.findall(r"https?://[^\"'\s)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "a namespace is a name, everything else would be a request"
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "url("):
        assert word not in text
    assert "@import" not in text or name.endswith(".js"), "in a module it is a comment that names types"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_at_most_320_lines(name: str) -> None:
    assert len(assets.files()[name].decode().splitlines()) <= 320


def test_all_modules_together_stay_light() -> None:
    """As they are sent: compressed."""
    assert sum(len(gzip.compress(content)) for content in assets.files().values()) < 70_000


@pytest.mark.parametrize("path", [Path(server.__file__).with_name("config.toml"), Path(__file__).parents[2] / ".streamlit" / "config.toml"])
def test_the_accent_colour_of_charts_is_that_of_streamlits_theme(path: Path) -> None:
    colours = tomllib.loads(path.read_text(encoding="utf-8"))["theme"]
    assert {name: colours[name]["primaryColor"] for name in theme.ACCENT} == theme.ACCENT


def test_style_sheets_take_the_accent_colour_from_streamlits_theme() -> None:
    sheets = {name: content.decode() for name, content in assets.files().items() if name.endswith(".css")}
    assert "--accent: var(--st-primary-color);" in sheets["common/base.css"]
    for name, text in sheets.items():
        assert not [colour for colour in theme.ACCENT.values() if colour in text.lower()], name
        assert "--st-primary-color" not in text or name == "common/base.css"


def test_charts_colour_classes_as_the_map_does() -> None:
    text = assets.files()["map/palette.js"].decode()
    rows = re.search(r"const OKABE_ITO = \[(.*?)\];", text, re.DOTALL)
    assert rows
    colours = [f"#{int(r):02x}{int(g):02x}{int(b):02x}" for r, g, b in re.findall(r"\[(\d+), (\d+), (\d+)\]", rows[1])]
    assert tuple(colours) == charts.MAP_COLOURS
