"""Commands that answer, and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..settings import Settings
from .base import AS_JSON, ENCODER, NAME, WEIGHTS, WHERE, conditions, load_encoder, open_named, query_picture, verb
from .output import echo_collection, echo_hits, echo_json, printable
from .progress import Bars


@click.command()
@NAME
@click.option("--image", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Query by a picture.")
@click.option("--row", type=int, default=None, help="Query by a row of the collection.")
@click.option("-k", default=10, show_default=True, help="Number of hits.")
@WHERE
@click.option("--exclude-same", multiple=True, metavar="COL", help="Leave out rows that share this column with the query.")
@ENCODER
@WEIGHTS
@AS_JSON
@verb
def search(settings: Settings, report: Bars, *, name: str, image: Path | None, as_json: bool, **given: Any) -> None:
    """Find the patches most similar to a picture or to a row."""
    from ..collection import map_quality
    from ..pipeline import site_bias

    if (image is None) == (given["row"] is None):
        raise click.UsageError("Give either --image FILE or --row N.")
    collection = open_named(settings, name)
    encoder, weights = given.pop("encoder"), given.pop("weights")
    if image is not None:
        given["image"] = query_picture(image, settings)
        embedding = collection.embedding(encoder)
        encoder = load_encoder(settings, report, embedding.recipe["encoder"]["name"], weights)
    where = conditions(given.pop("where"), [*collection.items.columns, *map_quality.COLUMNS])
    result = collection.search(where=where, encoder=encoder, **given)
    known = site_bias(collection, result.encoder)
    report.close()
    for column in result.query.get("not_excluded", ()):
        click.echo(f"The {column} of the query is not known, so patches of the same {column} were not left out.", err=True)
    if known is not None and known.warns:
        click.echo(printable(known.sentence), err=True)
    if as_json:
        echo_json(result.to_json() | ({} if known is None else {"site_bias": known.to_json()}))
    else:
        echo_hits(result.hits)


@click.command()
@NAME
@AS_JSON
@verb
def show(settings: Settings, report: Bars, *, name: str, as_json: bool) -> None:
    """Say what a collection holds: rows, rejects, columns, artifacts with their recipes."""
    echo_collection(open_named(settings, name), as_json=as_json)


@click.command(name="list")
@AS_JSON
@verb
def list_(settings: Settings, report: Bars, *, as_json: bool) -> None:
    """List the collections."""
    from ..collection import list_collections, list_damaged

    for name, fault in list_damaged(settings.home).items():
        click.echo(f"{name} does not open: {fault}", err=True)
    found = [
        {"name": c.name, "rows": c.n, "encoders": c.encoder_names(), "created": c.record["created"]}
        for c in list_collections(settings.home)
    ]
    if as_json:
        echo_json(found)
    elif not found:
        click.echo(f"No collections in {settings.home}; 'explorer demo' makes one.", err=True)
    for entry in found if not as_json else ():
        click.echo(f"{entry['name']:30} {entry['rows']:>9} rows   {', '.join(entry['encoders']) or 'not embedded'}")


@click.command()
@NAME
@AS_JSON
@verb
def verify(settings: Settings, report: Bars, *, name: str, as_json: bool) -> None:
    """Check every file of a collection against its recorded sha256."""
    faults = open_named(settings, name).verify()
    if as_json:
        echo_json({"collection": name, "faults": faults})
    else:
        click.echo("\n".join(faults) or f"{name}: every file is as it was written.")
    if faults:
        raise SystemExit(1)


@click.command()
@NAME
@click.argument("path", type=click.Path(path_type=Path))
@ENCODER
@click.option("--overwrite", is_flag=True, help="Replace the file where it exists.")
@AS_JSON
@verb
def export(settings: Settings, report: Bars, *, name: str, as_json: bool, **given: Any) -> None:
    """Write rows, map positions, groups and vectors to PATH (.csv, .parquet, .npz or .h5)."""
    from ..pipeline import export as run

    collection = open_named(settings, name)
    path = run(collection, **given)
    if as_json:
        echo_json({"collection": name, "path": str(path), "rows": collection.n})
    else:
        click.echo(path)
