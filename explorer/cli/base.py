"""The command group, and options and functions that several commands use."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ImageRejected, InputError
from . import edge
from .progress import Bars

if TYPE_CHECKING:
    from ..collection import Collection
    from ..settings import Settings
    from ..types import Encoder, Image

    TextType = click.ParamType[str]
else:
    TextType = click.ParamType  # which is no generic class before click 8.5

NAME = click.argument("name")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
ENCODER = click.option("--encoder", default=None, help="Encoder; the newest embedding's where left out.")
NEW_ENCODER = click.option("--encoder", default="descriptor", show_default=True, help="Encoder; 'explorer encoders' lists them.")
WEIGHTS = click.option("--weights", type=click.Path(path_type=Path), default=None, help="Local weight file instead of a download.")


class _SourceKind(TextType):
    """One of ``sources.KINDS``, which are asked for when the option is used: the help of all commands needs no sources."""

    name = "kind"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # click before 8.2 gives no context
        """The kinds, as shown in the help of a command."""
        from ..sources import KINDS

        return f"[{'|'.join(KINDS)}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The kind; fails with a usage error for an unknown one."""
        from ..sources import KINDS

        return click.Choice(KINDS).convert(value, param, ctx)


KIND = click.option("--kind", type=_SourceKind(), default=None, help="What SOURCE is.  [default: seen from it]")
OPTIONS = click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="Option of the source; JSON values are understood.")
WHERE = click.option(
    "--where", multiple=True, metavar="COL=VALUE", help="Only rows with this value, or in a range such as 'age>=50'; repeat for several."
)
SEED = click.option("--seed", default=0, show_default=True, help="Seed of everything random in this step.")
_SIGN = re.compile(r">=|<=|>|<|=")


class Commands(click.Group):
    """A command group that prints errors as one sentence and exits with code 1; see ``edge``."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; with ``--debug`` an error is raised with its traceback."""
        with edge.prepared(), edge.sentences(debug=bool(ctx.params.get("debug"))):
            return super().invoke(ctx)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--home", type=click.Path(path_type=Path), help="Folder of the collections; else EXPLORER_HOME, else 'indexes'.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="pathology-explorer", message="%(version)s")
@click.pass_context
def main(ctx: click.Context, *, home: Path | None, debug: bool) -> None:
    """Embed histology, search it, map it, and judge the models."""
    from .. import settings

    ctx.obj = settings.read(home=home)
    edge.make_ready(ctx.obj.home)


def verb(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for a command that takes the settings and shows progress."""

    @wraps(function)
    def run(settings: Settings, **given: Any) -> Any:
        with Bars() as report:
            return function(settings, report, **given)

    return click.pass_obj(run)


def open_named(settings: Settings, name: str) -> Collection:
    """The collection of that name under the home of this run."""
    from ..collection import open_collection

    return open_collection(name, home=settings.home, limits=settings.limits)


def load_encoder(settings: Settings, report: Bars, name: str, weights: Path | None) -> Encoder:
    """The encoder of that name on the device of this run."""
    from .. import encoders

    return encoders.load_as_set(name, settings, weights=weights, report=report)


def pairs(texts: tuple[str, ...], *, json_values: bool = False) -> dict[str, Any]:
    """``COL=VALUE`` texts as a mapping; a column named twice maps to the list of its values. Raises ``InputError``."""
    found: dict[str, list[Any]] = {}
    for text in texts:
        column, equals, value = text.partition("=")
        if not equals or not column:
            raise InputError(f"{text!r} is not of the form NAME=VALUE; write for example label=TUM.")
        found.setdefault(column, []).append(_json_or_text(value) if json_values else value)
    return {column: values[0] if len(values) == 1 else values for column, values in found.items()}


def conditions(texts: tuple[str, ...], columns: Iterable[str]) -> dict[str, Any]:
    """``COL=VALUE`` and ``COL>=NUMBER`` (or ``>``, ``<=``, ``<``) as ``allowed_rows`` takes them.

    A column named twice by ``=`` may have either value; its ends of a range must all hold. Of columns that begin alike the
    longest name counts. Raises ``InputError``.
    """
    by_length = sorted(map(str, columns), key=len, reverse=True)
    found: dict[str, Any] = {}
    for text in texts:
        known = next((name for name in by_length if text.startswith(name) and _SIGN.match(text, len(name))), None)
        sign = _SIGN.search(text, 1) if known is None else _SIGN.match(text, len(known))
        if sign is None:
            raise InputError(f"{text!r} is not of the form COL=VALUE or COL>=NUMBER; write for example label=TUM or 'age>=50'.")
        column, value = text[: sign.start()], text[sign.end() :]
        earlier = found.setdefault(column, [] if sign[0] == "=" else {})
        if isinstance(earlier, list) != (sign[0] == "="):
            raise InputError(f"{column} is filtered by a value and by a range; choose one of the two.")
        if sign[0] == "=":
            earlier.append(value)
        elif sign[0] in earlier:
            raise InputError(f"{column} has two ends by {sign[0]}; give one.")
        else:
            earlier[sign[0]] = value
    return {column: value[0] if isinstance(value, list) and len(value) == 1 else value for column, value in found.items()}


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def query_picture(path: Path, settings: Settings) -> Image:
    """A query picture from a file. Raises ``InputError`` where it cannot be read."""
    from ..sources.images import decode

    if not path.is_file():
        raise InputError(f"There is no file {path}; give the path of a picture.")
    try:
        return decode(path.read_bytes(), name=path.name, limits=settings.limits)
    except ImageRejected as rejected:
        raise InputError(f"{path} cannot be searched by: {rejected.reason}; give another picture.") from rejected
