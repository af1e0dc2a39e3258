"""The browser's files: all served, none from elsewhere, none unsafe, none too long."""

from __future__ import annotations

import gzip
import posixpath
import re
import tomllib
from pathlib import Path

import pytest

from explorer.app.shared import assets
from explorer.app.ui import charts, theme

NAMES = sorted(assets.files())
MODULES = [name for name in NAMES if name.endswith(".js")]


def test_only_files_of_this_version_are_served() -> None:
    content, media_type = assets.read(assets.digest(), "map/map.js") or (b"", "")
    assert b"export async function mount(" in content and media_type.startswith("text/javascript")
    assert assets.read("0" * 16, "map/map.js") is None
    assert assets.read(assets.digest(), "map.js") is None
    assert assets.read(assets.digest(), "../widgets/map.py") is None
    assert assets.address("/atlas/api", "map/map.js") == f"/atlas/api/web/{assets.digest()}/map/map.js"


@pytest.mark.parametrize("name", MODULES)
def test_modules_import_modules_of_their_own_folder_or_the_common_one_only(name: str) -> None:
    text = (assets.FOLDER / name).read_text(encoding="utf-8")
    for target in re.findall(r'(?:from|import) "([^"]+)"', text):
        assert target.startswith(("./", "../common/")), target
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        assert path in NAMES, target


@pytest.mark.parametrize("name", NAMES)
def test_nothing_comes_from_elsewhere_and_nothing_is_set_as_markup(name: str) -> None:
    text = assets.files()[name].decode()
    addresses = set(re.findall(r"https?://[^\"'\s)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "a namespace is a name, everything else would be a request"
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "@import", "url("):
        assert word not in text


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_at_most_320_lines(name: str) -> None:
    assert len(assets.files()[name].decode().splitlines()) <= 320


def test_all_modules_together_stay_light() -> None:
    """As they are sent: compressed."""
    assert sum(len(gzip.compress(content)) for content in assets.files().values()) < 60_000


def test_comments_on_lines_of_their_own_are_not_served_and_all_else_is() -> None:
    text = """// One
/** @type {number} */
const a = 1; // stays
  /**
   * Two
   * @param {string} x
   */
const b = /** @type {string} */ (c); const d = "// not a comment"; /* stays */
"""
    served = assets.without_comments(text)
    lines = ["", "", "const a = 1; // stays", "", "", "", "", text.splitlines()[7], ""]
    assert served.split("\n") == lines


@pytest.mark.parametrize("name", MODULES)
def test_a_served_module_has_the_lines_of_its_file_at_the_same_numbers(name: str) -> None:
    written = (assets.FOLDER / name).read_text(encoding="utf-8").splitlines()
    served = assets.files()[name].decode().splitlines()
    assert len(served) == len(written)
    removed = [line.strip() for line, sent in zip(written, served, strict=True) if line != sent]
    assert all(line.startswith(("//", "/**", "*")) for line in removed)
    assert not any(line.startswith(("//", "/**")) and line.endswith("*/") for line in (line.strip() for line in served))


@pytest.mark.parametrize("path", [Path(theme.__file__).with_name("theme.toml"), Path(__file__).parents[3] / ".streamlit" / "config.toml"])
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
