"""The house stays in order: who may import whom, what pure rooms may see, how long a file may be."""

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
    "directions": 1,
    "settings": 1,
    "storage": 1,
    "transfer": 1,
    "sources": 2,
    "encoders": 3,
    "embed": 4,
    "index": 4,
    "projection": 4,
    "clustering": 4,
    "search": 5,
    "matching": 5,
    "trust": 5,
    "collection": 6,
    "quality": 8,
    "evaluation": 9,
    "pipeline": 10,
    "jobs": 11,
    "app": 12,
    "cli": 13,
}
PURE = {"directions", "embed", "index", "projection", "clustering", "quality", "evaluation"}
PURE_MAY_IMPORT = {"types", "errors", "directions"}
NOT_IN_PURE = {"pathlib", "os", "streamlit", "click", "tqdm", "shutil", "sqlite3"}
MAX_LINES = 320


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, str]]:
    """(room or "", top-level package) of everything a file imports."""
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
        for name in names:
            parts = name.split(".")
            found.append((parts[1] if parts[0] == "explorer" and len(parts) > 1 else "", parts[0]))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_downhill(path: Path) -> None:
    here = room(path)
    if here in ("__init__", "__main__"):
        return
    assert here in RANK, f"{here} has no rank; add it to the table"
    for target, _ in imports(path):
        if target in RANK and target != here:
            assert RANK[target] < RANK[here], f"{path.name} ({here}) imports {target}, which is not below it"
            if here in PURE:
                assert target in PURE_MAY_IMPORT, f"{here} is pure and may not import {target}"


@pytest.mark.parametrize("path", [p for p in FILES if room(p) in PURE], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_pure_rooms_see_no_disk_and_no_screen(path: Path) -> None:
    assert not {package for _, package in imports(path)} & NOT_IN_PURE
    calls = {
        n.func.id for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert not calls & {"open", "print", "input"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_fits_a_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_importing_the_package_is_light() -> None:
    code = "import sys, explorer; print(sorted({'torch', 'umap', 'streamlit', 'faiss', 'timm'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
