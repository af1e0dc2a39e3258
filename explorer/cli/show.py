"""Commands that only read: show, list, verify, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..wording import noun_for
from .base import AS_JSON, ENCODER, NAME, open_named, verb
from .output import echo_collection, echo_json
from .progress import Bars

if TYPE_CHECKING:
    from ..settings import Settings


@click.command()
@NAME
@AS_JSON
@verb
def show(settings: Settings, report: Bars, *, name: str, as_json: bool) -> None:
    """Show what a collection contains: rows, rejects, columns, artifacts with their recipes."""
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
        click.echo(
            f"{entry['name']:30} {entry['rows']:>9} {noun_for(entry['rows'], 'row'):4}   {', '.join(entry['encoders']) or 'not embedded'}"
        )


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
