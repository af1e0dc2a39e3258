"""The command ``search``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .base import AS_JSON, ENCODER, NAME, WEIGHTS, load_encoder, open_named, verb
from .output import echo_hits, echo_json, printable
from .progress import Bars
from .query_options import needs_encoder, query_of, query_options

if TYPE_CHECKING:
    from ..collection import Collection
    from ..search import SearchResult
    from ..settings import Settings


@click.command()
@NAME
@query_options
@click.option("-k", default=10, show_default=True, help="Number of hits.")
@ENCODER
@WEIGHTS
@AS_JSON
@verb
def search(settings: Settings, report: Bars, *, name: str, encoder: str | None, weights: Path | None, as_json: bool, **given: Any) -> None:
    """Find the patches most similar to rows, pictures, regions of them, or a saved selection."""
    from ..pipeline import site_bias
    from ..search import search as run

    collection = open_named(settings, name)
    query = query_of(given, collection, settings)
    embedding = collection.embedding(encoder)
    if needs_encoder(query):
        embedding = collection.embedding_by(load_encoder(settings, report, embedding.encoder_name, weights))
    result = run(embedding, query)
    known = site_bias(collection, embedding.key)
    report.close()
    echo_facts(result, collection)
    if known is not None and known.warns:
        click.echo(printable(known.sentence), err=True)
    if as_json:
        echo_json(result.to_json() | ({} if known is None else {"site_bias": known.to_json()}))
    else:
        echo_hits(result.hits, filtered=bool(query.where or query.exclude_same or query.min_score is not None))


def echo_facts(result: SearchResult, collection: Collection) -> None:
    """Print the facts about the query on standard error."""
    from ..search import Picture

    for column in result.facts.not_excluded:
        click.echo(f"The {column} of the query is not known, so patches of the same {column} were not left out.", err=True)
    pictures = [] if result.query.include_query else [each for each in result.query.like if isinstance(each, Picture)]
    for row in (collection.row_by_sha256.get(picture.sha256) for picture in pictures):
        if row is not None:
            click.echo(f"The picture is row {row} of the collection, pixel for pixel; that row is left out.", err=True)
    if result.facts.closeness:
        click.echo(result.facts.closeness, err=True)
