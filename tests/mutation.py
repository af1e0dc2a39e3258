"""Mutation run: change one place of the code at a time in a scratch copy, and count the changes that no test of its room notices.

    python tests/mutation.py --sample 150 --seed 0 --rooms search,index --out survivors.txt

Not part of the suite. ``mutmut`` 3.8 and ``cosmic-ray`` 8.7 were looked at: mutmut picks tests by its own coverage run of the
whole suite, and cosmic-ray has one test command for all modules; neither can give each room its own short list of tests, which
is what makes a sample affordable. A change is one of: a comparison, an arithmetic or boolean operator, a ``not``, a whole
number (plus 1), a boolean, a returned value (None), a call of ``max``/``min``, a statement (left out).
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS: dict[str, tuple[list[str], list[str]]] = {
    "storage": (
        ["storage/artifacts.py", "storage/records.py", "storage/arrays.py", "storage/disk.py", "storage/locks.py"],
        [
            "tests/storage/test_artifacts.py",
            "tests/storage/test_locks.py",
            "tests/storage/test_removal.py",
            "tests/collection/test_verification.py",
            "tests/pipeline/test_full_disk.py",
        ],
    ),
    "journal": (["storage/journal.py"], ["tests/storage/test_journal.py", "tests/collection/test_annotations.py"]),
    "search": (
        ["search/engine.py", "search/filters.py", "search/feedback.py", "search/hits.py", "search/deadline.py", "search/query.py"],
        [
            "tests/search/test_engine.py",
            "tests/search/test_filters.py",
            "tests/search/test_feedback.py",
            "tests/search/test_hits.py",
            "tests/search/test_query.py",
        ],
    ),
    "index": (
        ["index/exact.py", "index/faiss_index.py", "index/graph.py", "index/recall.py", "index/store.py"],
        ["tests/index", "tests/pipeline/test_same_bytes.py"],
    ),
    "embed": (
        ["embed.py", "pipeline/embed.py", "pipeline/common.py", "pipeline/vector_reuse.py"],
        ["tests/test_embed.py", "tests/pipeline/test_one_pass.py", "tests/pipeline/test_full_disk.py"],
    ),
    "pipeline": (
        ["pipeline/export.py", "pipeline/cluster.py", "pipeline/index.py", "pipeline/manage.py", "pipeline/ingest.py"],
        [
            "tests/pipeline/test_steps.py",
            "tests/pipeline/test_ingest.py",
            "tests/pipeline/test_manage.py",
            "tests/pipeline/test_one_pass.py",
        ],
    ),
    "evaluation": (
        [
            "evaluation/retrieval.py",
            "evaluation/site_bias.py",
            "evaluation/knn.py",
            "evaluation/intervals.py",
            "evaluation/ranking.py",
            "evaluation/overlap.py",
            "evaluation/mistakes.py",
        ],
        ["tests/evaluation"],
    ),
    "api": (
        ["app/api/limits.py", "app/api/security.py", "app/api/problems.py", "app/shared/uploads.py", "app/api/collections.py"],
        ["tests/app/api"],
    ),
}
"""Room -> (modules below ``explorer``, tests that must notice a change there)."""
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Pow: ast.Mult,
}  # fmt: skip


PRELOADED = ("numpy", "pandas", "pyarrow.parquet", "torch", "faiss", "sklearn.decomposition", "sklearn.neighbors", "scipy.sparse", "h5py",
             "hypothesis.extra.numpy", "pydantic_settings", "PIL.Image", "beartype", "jaxtyping", "click.testing", "tifffile", "timm",
             "fastapi", "httpx", "fast_hdbscan", "igraph")  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: a stretch of a module's source and what stands there instead."""

    room: str
    module: str
    line: int
    start: int
    end: int
    new: str
    old: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.old!r} -> {self.new!r}"


def mutants(room: str, module: str) -> Iterator[Mutant]:
    """Every change of a module. Annotations, docstrings and the words of messages are left alone."""
    source = (ROOT / "explorer" / module).read_text(encoding="utf-8")
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in _code(ast.parse(source)):
        for new in _changes(node):
            start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
            old = source.encode()[start:end].decode()
            yield Mutant(room, module, node.lineno, start, end, new, old)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_ignores") or isinstance(node, ast.Raise | ast.JoinedStr):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child
                yield from _code(child)


def _changes(node: ast.AST) -> Iterator[str]:
    """Sources that may stand in place of ``node``."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield ast.unparse(ast.Compare(node.left, [COMPARISONS[type(node.ops[0])]()], node.comparators))
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS and not _is_text(node):
        yield "(" + ast.unparse(ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)) + ")"
    elif isinstance(node, ast.BoolOp):
        yield "(" + ast.unparse(ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)) + ")"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield "(" + ast.unparse(node.operand) + ")"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield str(node.value + 1)
    elif isinstance(node, ast.Return) and node.value is not None:
        yield "return None"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("max", "min"):
        yield ast.unparse(ast.Call(ast.Name("min" if node.func.id == "max" else "max"), node.args, node.keywords))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "pass"


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr | ast.Constant) and not isinstance(getattr(side, "value", ""), int | float)
        for side in (node.left, node.right)
    )


def lives(mutant: Mutant, copy: Path, timeout_s: float) -> bool:
    """True if the room's tests pass with the change. A run that does not end counts as noticed."""
    path = copy / "explorer" / mutant.module
    whole = path.read_bytes()
    path.write_bytes(whole[: mutant.start] + mutant.new.encode() + whole[mutant.end :])
    try:
        return passes(copy, _tests(mutant.room, copy), timeout_s)
    finally:
        path.write_bytes(whole)


def passes(copy: Path, tests: list[str], timeout_s: float) -> bool:
    """Run tests of the copy in a fork of this process, which has the heavy packages already: that saves ten seconds a change."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _run(copy, tests)
        finally:
            os._exit(code)
    ends_s = time.monotonic() + timeout_s
    while time.monotonic() < ends_s:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run(copy: Path, tests: list[str]) -> int:
    import pytest

    os.setsid()
    os.chdir(copy)
    os.environ |= {"PYTHONPATH": str(copy), "CI": "true", "PYTHONDONTWRITEBYTECODE": "1"}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.dont_write_bytecode = True
    ours = {str(ROOT), str(ROOT / "tests"), ""}
    sys.path[:] = [str(copy), str(copy / "tests"), *(place for place in sys.path if place not in ours)]
    return int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning", *tests]))


def _tests(room: str, copy: Path) -> list[str]:
    return [test for test in ROOMS[room][1] if (copy / test).exists()]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rooms", default=",".join(ROOMS), help="names from the table ROOMS, with commas between them")
    parser.add_argument("--sample", type=int, default=150, help="changes to try, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout-s", type=float, default=300.0, help="for the tests of one change")
    parser.add_argument("--minutes", type=float, default=60.0, help="no change is begun after this")
    parser.add_argument("--out", type=Path, help="file for the survivors, one a line")
    given = parser.parse_args()
    for package in PRELOADED:
        importlib.import_module(package)
    every = [m for room in given.rooms.split(",") for module in ROOMS[room][0] for m in mutants(room, module)]
    chosen = random.Random(given.seed).sample(every, min(given.sample, len(every)))
    began_s, tried, survivors = time.monotonic(), 0, list[Mutant]()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "__pycache__", "indexes", ".venv"))
        for room in {mutant.room for mutant in chosen}:
            if not passes(copy, _tests(room, copy), given.timeout_s):
                sys.exit(f"The tests of {room} fail or do not end without any change; mend them, or give --timeout-s.")
        for mutant in chosen:
            if time.monotonic() - began_s > 60 * given.minutes:
                break
            tried += 1
            alive = lives(mutant, copy, given.timeout_s)
            survivors += [mutant] if alive else []
            print(f"{'LIVES ' if alive else 'killed'} {mutant}", flush=True)
    killed = tried - len(survivors)
    print(f"{killed} of {tried} killed ({killed / max(tried, 1):.0%}), of {len(every)} possible changes; seed {given.seed}")
    if given.out:
        given.out.write_text("".join(f"{mutant}\n" for mutant in survivors), encoding="utf-8")


if __name__ == "__main__":
    main()
