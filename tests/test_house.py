"""Structure of the package: which room imports which, what pure rooms may import, and the length of files."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "explorer"
FILES = sorted(PACKAGE.rglob("*.py"))

RANK = {
    "errors": 0,
    "types": 0,
    "wording": 0,
    "cosine": 1,
    "settings": 1,
    "storage": 1,
    "sources": 2,
    "encoders": 3,
    "embed": 4,
    "index": 4,
    "projection": 4,
    "clustering": 4,
    "quality": 4,
    "evaluation": 5,
    "collection": 6,
    "search": 5,
    "reports": 7,
    "pipeline": 8,
    "jobs": 9,
    "app": 10,
    "cli": 11,
}
"""A room imports only rooms of lower rank, and itself."""
APP_RANK = {
    "web": 0,
    "shared": 0,
    "widgets": 1,
    "api": 2,
    "ui": 2,
    "library": 3,
    "map": 3,
    "search": 3,
    "clusters": 3,
    "evaluate": 3,
    "compare": 3,
    "about": 3,
    "frame": 4,
    "main": 5,
    "server": 5,
}
"""The same within ``app``: no page imports another."""
PURE = {"cosine", "embed", "index", "projection", "clustering", "quality", "evaluation"}
PURE_MAY_IMPORT = {"types", "errors", "cosine", "wording"}
NOT_IN_PURE = {"pathlib", "os", "streamlit", "click", "tqdm", "shutil", "sqlite3"}
MAX_LINES = 320


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> list[str]:
    """Dotted names of everything a file imports."""
    package = ("explorer", *path.relative_to(PACKAGE).parent.parts)
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{stem}.{alias.name}" for alias in node.names]
        else:
            continue
        found += names
    return found


def imports(path: Path) -> list[tuple[str, str]]:
    """(room or "", top-level package) of everything a file imports."""
    parts = [name.split(".") for name in imported(path)]
    return [(name[1] if name[0] == "explorer" and len(name) > 1 else "", name[0]) for name in parts]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_rooms_of_lower_rank(path: Path) -> None:
    here = room(path)
    if here in ("__init__", "__main__"):
        return
    assert here in RANK, f"{here} has no rank; add it to the table"
    for target, _ in imports(path):
        if target in RANK and target != here:
            assert RANK[target] < RANK[here], f"{path.name} ({here}) imports {target}, which is not below it"
            if here in PURE:
                assert target in PURE_MAY_IMPORT, f"{here} is pure and may not import {target}"


@pytest.mark.parametrize("path", [p for p in FILES if room(p) == "app"], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_of_the_app_imports_only_rooms_of_lower_rank(path: Path) -> None:
    here = path.relative_to(PACKAGE / "app").parts[0].removesuffix(".py")
    if here == "__init__":
        return
    assert here in APP_RANK, f"app/{here} has no rank; add it to the table"
    for name in imported(path):
        parts = name.split(".")
        target = parts[2] if parts[:2] == ["explorer", "app"] and len(parts) > 2 else here
        if target in APP_RANK and target != here:
            assert APP_RANK[target] < APP_RANK[here], f"app/{here} ({path.name}) imports app/{target}, which is not below it"


def test_the_app_has_few_rooms() -> None:
    entries = [path.name for path in (PACKAGE / "app").iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 16, entries
    assert max(APP_RANK.values()) < 6, "no chain of imports between rooms is longer than 6"


def test_streamlit_is_only_in_the_app() -> None:
    for path in FILES:
        if room(path) not in ("app", "cli"):
            assert "streamlit" not in {package for _, package in imports(path)}, path


@pytest.mark.parametrize("path", [p for p in FILES if room(p) in PURE], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_pure_rooms_import_no_storage_and_no_user_interface(path: Path) -> None:
    unseen = NOT_IN_PURE - ({"pathlib"} if room(path) == "index" else set())  # an engine writes and reads its own files
    assert not {package for _, package in imports(path)} & unseen
    calls = {
        n.func.id for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert not calls & {"open", "print", "input"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_file_has_more_than_320_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_importing_the_package_is_light() -> None:
    code = "import sys, explorer; print(sorted({'torch', 'umap', 'streamlit', 'faiss', 'timm'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_files_that_streamlit_runs_as_scripts_use_absolute_imports() -> None:
    """A script has no package, so a relative import in it fails at once."""
    for path in [PACKAGE / "app" / "main.py", *(PACKAGE / "app").glob("*/page.py")]:
        relative = [node.lineno for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom) and node.level]
        assert relative == [], path
