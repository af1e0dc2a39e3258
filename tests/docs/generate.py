"""Write the generated parts of ``explorer/docs``: ``python tests/docs/generate.py``.

A generated part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``. It comes from the code itself: docstrings,
the commands' options, the routes of the REST interface, the table of settings. ``test_documents.py`` compares.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import click
from docs.docstrings import PUBLIC, definition, reference

DOCS = ROOT / "explorer" / "docs"
_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->\n)", flags=re.DOTALL)


def python() -> str:
    """The public names of Python, with signatures and docstrings."""
    parts = []
    for title, names in PUBLIC.items():
        parts.append(f"## {title}\n")
        parts += [reference(*definition(name), name=name) for name in names]
    return "\n".join(parts)


def commands() -> str:
    """Every command with its arguments and options."""
    from explorer.cli import main

    return "\n".join(_command(name, command) for name, command in sorted(main.commands.items()))


def routes() -> str:
    """A table of the routes of the REST interface."""
    from explorer.app.api.application import make_api

    rows = ["| call | what it does |", "|---|---|"]
    for path, operations in make_api().openapi()["paths"].items():
        for method, operation in operations.items():
            rows.append(f"| `{method.upper()} /api{path}` | {_cell(operation.get('description', ''))} |")
    return "\n".join(rows) + "\n"


def settings() -> str:
    """The table of settings."""
    from explorer.settings import TABLE

    rows = ["| variable | default | meaning |", "|---|---|---|"]
    rows += [f"| `{one.variable}` | {f'`{one.default}`' if one.default else 'empty'} | {_cell(one.help)} |" for one in TABLE]
    return "\n".join(rows) + "\n"


PARTS: dict[str, Callable[[], str]] = {"python": python, "commands": commands, "routes": routes, "settings": settings}


def generated(text: str) -> str:
    """``text`` with its generated parts as the code has them now."""
    return _PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}{found[3]}", text)


def _command(name: str, command: click.Command) -> str:
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option) and not parameter.hidden]
    usage = " ".join(["explorer", name, *map(_argument, arguments), *(["[OPTIONS]"] if options else [])])
    help_text = inspect.cleandoc(command.help or "").replace("``", "`")
    return "\n".join([f"### explorer {name}\n", f"`{usage}`\n", f"{help_text}\n", *map(_option, options)]) + "\n"


def _argument(argument: click.Argument) -> str:
    word = (argument.metavar or argument.name or "").upper().rstrip(".") + (" ..." if argument.nargs == -1 else "")
    return word if argument.required else f"[{word}]"


def _option(option: click.Option) -> str:
    names = ", ".join(option.opts) + (f" / {', '.join(option.secondary_opts)}" if option.secondary_opts else "")
    value = "" if option.is_flag else f" {option.metavar or _type(option)}"
    default = f" [default: {option.default}]" if option.show_default and not option.is_flag else ""
    required = " [required]" if option.required else ""
    meaning = f"{' '.join((option.help or '').split())}{default}{required}".strip()
    return f"- `{names}{value}`: {meaning}"


def _type(option: click.Option) -> str:
    """The values it takes where there are few, as the help of the command shows them; else what kind of value it takes."""
    shown = option.make_metavar(click.Context(click.Command("")))
    return shown.strip("[]") if "|" in shown else option.type.name.upper()


def _cell(text: str) -> str:
    """Text for one cell of a table."""
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    for path in sorted(DOCS.glob("*.md")):
        before = path.read_text(encoding="utf-8")
        after = generated(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
