"""The documents say what the code says: the generated parts are those of the code as it stands, and nothing is left out."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from docs import docstrings, generate
from fakes import write_patches

import explorer
from explorer.cli import main
from explorer.collection import open_collection

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "explorer" / "docs"
DOCUMENTS = sorted(DOCS.glob("*.md"))


def document(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_generated_parts_are_up_to_date(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert generate.generated(text) == text, "run python tests/docs/generate.py"


def test_every_generated_part_is_in_a_document() -> None:
    found = [name for path in DOCUMENTS for name in re.findall(r"<!-- generated: (\w+) -->", path.read_text(encoding="utf-8"))]
    assert sorted(found) == sorted(generate.PARTS)


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / ".github" / "CONTRIBUTING.md", *DOCUMENTS], ids=lambda path: path.stem)
def test_every_file_of_ours_that_is_named_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8").split("## Recipes")[0]
    for name in re.findall(r"`((?:explorer|tests)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), name


def test_every_option_in_an_example_exists() -> None:
    text = document("commands").split("## Every option")[0]
    for command, options in re.findall(r"^explorer ([a-z-]+)([^#\n]*)", text, flags=re.MULTILINE):
        known = {name for option in main.commands[command].params for name in (*option.opts, *option.secondary_opts)}
        assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", options)) <= known, f"{command}{options}"


def test_every_command_is_in_the_overview() -> None:
    overview = document("commands").split("## Every option")[0]
    for name in main.commands:
        assert f"`explorer {name}" in overview, name


def test_every_room_is_in_the_architecture() -> None:
    rooms = [path for path in (ROOT / "explorer").iterdir() if not path.name.startswith("_") and path.suffix in ("", ".py")]
    assert len(rooms) > 15
    for room in rooms:
        assert f"`{room.stem}{'/' if room.is_dir() else ''}`" in document("architecture"), room.stem


def test_every_public_name_has_an_entry() -> None:
    entries = [name for names in docstrings.PUBLIC.values() for name in names]
    for name in explorer.__all__:
        assert any(entry == f"explorer.{name}" or entry.startswith(f"explorer.{name}.") for entry in entries), name


@pytest.mark.parametrize("name", [name for names in docstrings.PUBLIC.values() for name in names])
def test_a_public_name_can_be_imported_and_has_a_docstring(name: str) -> None:
    module, _, last = name.rpartition(".")
    assert getattr(importlib.import_module(module), last).__doc__
    node, path = docstrings.definition(name)
    assert node.name == last
    assert path.is_relative_to(ROOT / "explorer")


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_patches(tmp_path / "path" / "to" / "patches", per_class=5)
    example = re.findall(r"```python\n(.*?)```", document("api"), flags=re.DOTALL)[0]
    names: dict[str, object] = {}
    exec(compile(example, "api.md", "exec"), names)
    assert open_collection("lung").n == 15
    assert getattr(names["vector"], "shape", None) == (1, getattr(names["encoder"], "dim", None))


def test_signatures_are_written_in_a_readable_form() -> None:
    code = 'def f(a: int, b: str="x, y", *rest: int, c: list[int] | None=None, **more: str) -> None: ...'
    node = docstrings.ast.parse(code).body[0]
    assert isinstance(node, docstrings.ast.FunctionDef)
    wanted = 'f(a: int, b: str = "x, y", *rest: int, c: list[int] | None = None, **more: str) -> None'
    assert docstrings._signature(node, "f") == wanted
