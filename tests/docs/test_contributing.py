"""The recipes of CONTRIBUTING.md work: each is carried out in a copy of the code, and its check passes there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^### (Add .+?)\n(.*?)(?=^### |\Z)", TEXT.split("## Recipes\n")[1], flags=re.DOTALL | re.MULTILINE))

_BLOCK = r"\n\n *```\w+\n(?P<code>.*?)\n *```"
_STEP = re.compile(
    r"New file `(?P<new>[^`]+)`[^\n]*:"
    + _BLOCK
    + r"|In `(?P<file>[^`]+)`, (?P<where>above|below) `(?P<line>[^\n]+?)`, add:"
    # a second block needs names of its own
    + _BLOCK.replace("code", "added")
    + r"|In `(?P<edited>[^`]+)`, replace `(?P<old>[^\n]+?)` by `(?P<by>[^\n]+?)`\.",
    flags=re.DOTALL,
)


def carry_out(step: re.Match[str], root: Path) -> None:
    """One step of a recipe, on the files below ``root``. Each place in a file must be there exactly once."""
    if step["new"]:
        path = root / step["new"]
        assert not path.exists(), f"{step['new']} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(step["code"]) + "\n", encoding="utf-8")
    elif step["edited"]:
        path = root / step["edited"]
        text = path.read_text(encoding="utf-8")
        assert text.count(step["old"]) == 1, f"{step['old']} is {text.count(step['old'])} times in {step['edited']}"
        path.write_text(text.replace(step["old"], step["by"]), encoding="utf-8")
    else:
        path = root / step["file"]
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        (at,) = [number for number, line in enumerate(lines) if line.strip() == step["line"]]
        added = textwrap.indent(textwrap.dedent(step["added"]), _indent(step, lines[at])) + "\n"
        lines.insert(at + (step["where"] == "below"), added)
        path.write_text("".join(lines), encoding="utf-8")


def _indent(step: re.Match[str], line: str) -> str:
    """That of the line; one level deeper below a line that opens a bracket."""
    margin = line[: len(line) - len(line.lstrip())]
    return margin + "    " * (step["where"] == "below" and line.rstrip().endswith(("(", "[", "{", ":")))


def test_every_step_of_every_recipe_is_understood() -> None:
    assert set(RECIPES) >= {"Add an encoder", "Add a source", "Add a page"}
    for name, recipe in RECIPES.items():
        numbered = re.findall(r"^\d+\. ", recipe, flags=re.MULTILINE)
        assert len(numbered) == len(list(_STEP.finditer(recipe))) > 0, name
        assert len(re.findall(r"^Check: `", recipe, flags=re.MULTILINE)) == 1, name


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_works(name: str, tmp_path: Path) -> None:
    copied = shutil.ignore_patterns("__pycache__", "images", "browser", "benchmarks")
    for folder in ("explorer", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=copied)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for step in _STEP.finditer(RECIPES[name]):
        carry_out(step, tmp_path)
    check = re.findall(r"^Check: `python (.+)`$", RECIPES[name], flags=re.MULTILINE)[0]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "EXPLORER_"))}
    done = subprocess.run(
        [sys.executable, *shlex.split(check), "-p", "no:cacheprovider"],
        cwd=tmp_path, env=environment | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
