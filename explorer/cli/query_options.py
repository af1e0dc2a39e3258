"""The options that define a query; used by ``search`` and ``compare``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError
from .base import WHERE, conditions, query_picture

if TYPE_CHECKING:
    from ..collection import Collection
    from ..search import Example, Query
    from ..settings import Settings

_FILE = click.Path(path_type=Path, dir_okay=False)
_OPTIONS = (
    click.option("--row", "rows", multiple=True, type=int, help="Search with a row; repeat for several."),
    click.option("--image", "images", multiple=True, type=_FILE, help="Search with a picture; repeat for several."),
    click.option("--region", metavar="X0,Y0,X1,Y1", help="Only this part of the row or picture, as fractions from 0 to 1 of its sides."),
    click.option("--selection", "selections", multiple=True, metavar="TITLE", help="Search with a saved selection; repeat for several."),
    click.option("--more-like", multiple=True, metavar="ROW|FILE", help="Move the query towards this one; repeat for several."),
    click.option("--unlike", multiple=True, metavar="ROW|FILE", help="Move the query away from this one; repeat for several."),
    WHERE,
    click.option("--exclude-same", multiple=True, metavar="COL", help="Leave out rows that share this column with the query."),
    click.option("--min-score", type=float, help="Leave out hits that are less similar than this cosine."),
    click.option("--include-query", is_flag=True, help="Let the rows searched with be found too."),
    click.option(
        "--query", "query_file", type=_FILE, help="A query as JSON, or a result of 'search --json'; instead of the options above."
    ),
)


def query_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add all options that define a query to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def asks(given: dict[str, Any]) -> bool:
    """True if anything to search with was given."""
    return any(given[name] for name in ("rows", "images", "selections", "query_file"))


def query_of(given: dict[str, Any], collection: Collection, settings: Settings) -> Query:
    """The ``Query`` of the options. Raises ``UsageError`` for options that exclude each other, ``InputError`` for unreadable ones."""
    from ..collection import map_quality
    from ..search import Query, Region, Row, Selection

    if (file := given["query_file"]) is not None:
        if any(given[name] for name in ("rows", "images", "selections", "region", "more_like", "unlike", "where", "exclude_same")):
            raise click.UsageError("--query FILE is the whole query; leave the other options out.")
        return _read(file, settings)
    if not asks(given):
        raise click.UsageError("Give --row N, --image FILE, --selection TITLE or --query FILE.")
    like: list[Example] = [Row(row) for row in given["rows"]]
    like += [_picture(path, settings) for path in given["images"]]
    if (region := given["region"]) is not None:
        if len(like) != 1 or given["selections"]:
            raise click.UsageError("--region needs exactly one --row or --image.")
        (of,) = like
        like = [Region(of, _box(region))] if not isinstance(of, Region | Selection) else like  # type: ignore[arg-type]
    like += [Selection(title) for title in given["selections"]]
    return Query(
        tuple(like),
        _examples(given["more_like"], settings),
        _examples(given["unlike"], settings),
        where=conditions(given["where"], [*collection.table().columns, *map_quality.COLUMNS]),
        exclude_same=tuple(given["exclude_same"]),
        min_score=given["min_score"],
        include_query=given["include_query"],
        k=given["k"],
    )


def needs_encoder(query: Query) -> bool:
    """True if the query contains pictures that have to be encoded."""
    from ..search import Picture, Region

    return any(isinstance(example, Picture | Region) for example in (*query.like, *query.more_like, *query.unlike))


def _examples(given: Sequence[str], settings: Settings) -> tuple[Example, ...]:
    from ..search import Row

    return tuple(Row(int(text)) if text.isdecimal() else _picture(Path(text), settings) for text in given)


def _picture(path: Path, settings: Settings) -> Example:
    from ..search import Picture

    return Picture(query_picture(path, settings))


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{text!r} is no region; give four fractions such as 0.25,0.25,0.75,0.75.") from None
    return left, top, right, bottom


def _read(path: Path, settings: Settings) -> Query:
    from ..search import Query

    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} cannot be read as a query ({error}); give a JSON file.") from error
    return Query.from_json(value["query"] if isinstance(value, dict) and "query" in value else value, limits=settings.limits)
