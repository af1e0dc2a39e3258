"""The README is short, its links lead somewhere, and its commands are those that run."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from fakes import write_patches

from explorer.cli import main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / ".github" / "CONTRIBUTING.md", *sorted((ROOT / "explorer" / "docs").glob("*.md"))]
ENVIRONMENT = "python3 -m venv .venv && .venv/bin/pip install "


def commands(section: str) -> list[str]:
    """Shell commands of a section, one by one."""
    text = README.split(f"## {section}\n")[1].split("\n## ")[0]
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)).splitlines()
    return [command.strip() for line in lines for command in line.split("&&") if command.strip()]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 100


@pytest.mark.parametrize(
    "document", ["README.md", ".github/CONTRIBUTING.md", "CHANGELOG.md", *sorted((ROOT / "explorer/docs").glob("*.md"))]
)
def test_every_relative_link_and_picture_is_there(document: str | Path) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_every_document_is_linked_from_the_readme() -> None:
    for path in (ROOT / "explorer" / "docs").glob("*.md"):
        assert f"(explorer/docs/{path.name})" in README, path.name


@pytest.mark.parametrize(("section", "last"), [("Start", ".venv/bin/explorer demo"), ("Test", ".venv/bin/python -m pytest")])
def test_each_of_the_two_commands_makes_its_own_environment(section: str, last: str) -> None:
    line = next(line for line in README.split(f"## {section}\n")[1].splitlines() if line.startswith("python3 -m venv"))
    assert line.startswith(ENVIRONMENT)
    assert line.endswith(last)


def test_the_build_server_finds_just_these_two_commands() -> None:
    pattern = "python3 -m venv .venv && "
    assert f"grep '^{pattern}' README.md" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert len([line for line in README.splitlines() if line.startswith(pattern)]) == 2


def test_the_readme_names_only_commands_that_exist() -> None:
    for name in re.findall(r"`explorer ([a-z-]+)", README):
        assert name in main.commands, name


def test_the_explorer_commands_under_start_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but ``app``, which serves until it is stopped; on a folder and a picture under the names it uses."""
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module("explorer.pipeline.build")  # the name also stands for the function
    monkeypatch.setattr(module, "DEMO_OPTIONS", {"n": 18, "patients": 2, "seed": 0})
    patches = write_patches(tmp_path / "path" / "to" / "patches", per_class=5)
    (tmp_path / "one-patch.png").write_bytes((patches / "TUM" / "tum-001.png").read_bytes())
    ran = []
    for command in commands("Start"):
        words = shlex.split(command)
        if Path(words[0]).name == "explorer" and words[1] != "app":
            result = CliRunner().invoke(main, words[1:], catch_exceptions=False)
            assert result.exit_code == 0, result.stderr
            ran.append(words[1])
    assert ran == ["demo", "inspect", "build", "search"]
