"""Signatures and docstrings of public names, read from the source: nothing heavy is imported and no decorator is in the way."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "explorer"

PUBLIC = {
    "Collections": (
        "explorer.build",
        "explorer.open_collection",
        "explorer.collection.Collection",
        "explorer.collection.Embedding",
        "explorer.collection.annotations.Annotations",
    ),
    "Searching": (
        "explorer.search.search",
        "explorer.search.Query",
        "explorer.search.Row",
        "explorer.search.Rows",
        "explorer.search.Picture",
        "explorer.search.Region",
        "explorer.search.Selection",
        "explorer.search.SearchResult",
        "explorer.search.Hit",
        "explorer.search.Facts",
    ),
    "Vector stores": ("explorer.types.VectorStore",),
    "Encoders": (
        "explorer.encoders.names",
        "explorer.encoders.spec",
        "explorer.encoders.load",
        "explorer.encoders.EncoderSpec",
        "explorer.types.Encoder",
    ),
    "Sources": ("explorer.sources.open_source", "explorer.types.Source", "explorer.types.Item"),
    "Progress and errors": ("explorer.types.Progress", "explorer.errors.ExplorerError"),
}
"""The names that people build on, by heading. A class brings its public methods, properties and fields."""

Definition = ast.FunctionDef | ast.ClassDef
_RIGHT_MARGIN = 100


def definition(name: str) -> tuple[Definition, Path]:
    """Where a public name is defined, followed through the imports of the modules that pass it on. Raises ``KeyError``."""
    *modules, last = name.split(".")
    path = _module(modules)
    while True:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == last and node in _tree(path).body:
                return node, path
        path = _imported_from(path, last)


def reference(node: Definition, path: Path, *, name: str) -> str:
    """The entry of a function, or of a class with its members, in Markdown."""
    parts = [f"### {name}\n"]
    if isinstance(node, ast.FunctionDef):
        return "\n".join([*parts, _code(_signature(node, name.rpartition(".")[2])), _text(node)])
    parts.append(_text(node))
    parts += _fields(node)
    for member in _members(node, path):
        parts += [_code(_member(node, member)), _text(member)]
    return "\n".join(parts)


def _members(node: ast.ClassDef, path: Path) -> list[ast.FunctionDef]:
    """Public methods and properties, those of base classes of ours that are not abstract included."""
    found = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")}
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id.startswith("Stored"):
            name = ".".join(["explorer", *path.relative_to(PACKAGE).with_suffix("").parts, base.id])
            owner, place = definition(name)
            if isinstance(owner, ast.ClassDef):
                found = {each.name: each for each in _members(owner, place)} | found
    return list(found.values())


def _member(owner: ast.ClassDef, member: ast.FunctionDef) -> str:
    decorators = {_source(one) for one in member.decorator_list}
    if decorators & {"property", "cached_property"}:
        return f"{owner.name}.{member.name}: {_source(member.returns) if member.returns else 'Any'}"
    return _signature(member, f"{owner.name}.{member.name}", skip_first="staticmethod" not in decorators)


def _signature(node: ast.FunctionDef, name: str, *, skip_first: bool = False) -> str:
    arguments = _arguments(node.args)[skip_first:]
    returned = f" -> {_source(node.returns)}" if node.returns else ""
    one_line = f"{name}({', '.join(arguments)}){returned}"
    if len(one_line) <= _RIGHT_MARGIN:
        return one_line
    return "\n".join([f"{name}(", *(f"    {argument}," for argument in arguments), f"){returned}"])


def _arguments(given: ast.arguments) -> list[str]:
    positional = [*given.posonlyargs, *given.args]
    without_default = len(positional) - len(given.defaults)
    parts = [_argument(one) for one in positional[:without_default]]
    parts += [_argument(one, default) for one, default in zip(positional[without_default:], given.defaults, strict=True)]
    if given.vararg is not None:
        parts.append(f"*{_argument(given.vararg)}")
    elif given.kwonlyargs:
        parts.append("*")
    parts += [_argument(one, default) for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return parts + ([f"**{_argument(given.kwarg)}"] if given.kwarg is not None else [])


def _argument(one: ast.arg, default: ast.expr | None = None) -> str:
    annotation = f": {_source(one.annotation)}" if one.annotation else ""
    equals = " = " if annotation else "="
    return f"{one.arg}{annotation}{equals}{_source(default)}" if default is not None else f"{one.arg}{annotation}"


def _fields(node: ast.ClassDef) -> list[str]:
    """Fields of a data class with the docstrings that stand below them."""
    lines = []
    for at, member in enumerate(node.body):
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name) and not member.target.id.startswith("_"):
            after = node.body[at + 1] if at + 1 < len(node.body) else None
            text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            meaning = f": {_plain(str(text))}" if text else ""
            lines.append(f"- `{member.target.id}: {_source(member.annotation)}`{meaning}")
    return [*lines, ""] if lines else []


def _text(node: Definition) -> str:
    return f"{_plain(ast.get_docstring(node) or '')}\n"


def _plain(docstring: str) -> str:
    return re.sub(r"``(.+?)``", r"`\1`", inspect.cleandoc(docstring))


def _source(node: ast.expr) -> str:
    """As the formatter writes it: in double quotes, so that a formatted document stays what is generated."""
    return re.sub(r"'([^'\"\\]*)'", r'"\1"', ast.unparse(node))


def _code(text: str) -> str:
    return f"```python\n{text}\n```\n"


def _module(parts: list[str]) -> Path:
    path = PACKAGE.joinpath(*parts[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _imported_from(path: Path, name: str) -> Path:
    here = ("explorer", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
            base = list(here[: len(here) - node.level + 1])
            return _module([*base, *(node.module.split(".") if node.module else [])])
    raise KeyError(f"{name} is neither defined in {path} nor imported there")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
