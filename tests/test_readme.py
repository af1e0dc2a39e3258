"""The README says what is there, and its commands are those that run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from fakes import write_patches

from explorer.cli import main
from explorer.collection import open_collection
from explorer.settings import TABLE

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_every_verb_is_in_the_readme() -> None:
    for name in main.commands:
        assert f"`explorer {name}" in README, name


def test_every_room_is_in_the_readme() -> None:
    built = README.split("## How it is built")[1].split("\n## ")[0]
    rooms = [path for path in (ROOT / "explorer").iterdir() if not path.name.startswith("_") and path.suffix in ("", ".py")]
    assert len(rooms) > 15
    for room in rooms:
        assert f"`{room.stem}{'/' if room.is_dir() else ''}`" in built, room.stem


def test_every_setting_is_in_the_readme_with_its_default() -> None:
    for setting in TABLE:
        default = f"`{setting.default}`" if setting.default else "empty"
        assert f"| `{setting.variable}` | {default} | {setting.help} |" in README


def test_the_readme_names_no_verb_that_is_not_there() -> None:
    for line in "\n".join(blocks("sh")).splitlines():
        for command in line.split("&&"):
            words = shlex.split(command)
            if words[:1] == ["explorer"]:
                assert words[1] in main.commands, line


def test_the_commands_under_start_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ``explorer`` line of the first section, on a folder and a picture under the names it uses."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("explorer.pipeline.build.DEMO_OPTIONS", {"n": 18, "patients": 2, "seed": 0})
    patches = write_patches(tmp_path / "path" / "to" / "patches", per_class=5)
    (tmp_path / "one-patch.png").write_bytes((patches / "TUM" / "tum-001.png").read_bytes())
    start = README.split("## Start")[1].split("\n## ")[0]
    ran = []
    for line in re.findall(r"```sh\n(.*?)```", start, flags=re.DOTALL):
        for command in line.replace("\n", "&&").split("&&"):
            words = shlex.split(command)
            if words[:1] == ["explorer"]:
                result = CliRunner().invoke(main, words[1:], catch_exceptions=False)
                assert result.exit_code == 0, result.stderr
                ran.append(words[1])
    assert ran == ["demo", "build", "search"]


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_patches(tmp_path / "path" / "to" / "patches", per_class=5)
    (example,) = blocks("python")
    seen: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), seen)
    assert open_collection("lung").n == 15
    assert getattr(seen["vector"], "shape", None) == (1, seen["encoder"].dim)  # type: ignore[attr-defined]
