"""Commands that rename and remove collections, and name clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..wording import counted
from .base import ENCODER, NAME, open_named, verb
from .output import printable
from .progress import Bars

if TYPE_CHECKING:
    from ..settings import Settings


@click.command()
@NAME
@click.argument("new_name")
@verb
def rename(settings: Settings, report: Bars, *, name: str, new_name: str) -> None:
    """Give the collection NAME another name."""
    from ..pipeline import rename as run

    click.echo(run(open_named(settings, name), new_name).path)


@click.command()
@NAME
@click.option("--yes", is_flag=True, help="Do not ask.")
@verb
def remove(settings: Settings, report: Bars, *, name: str, yes: bool) -> None:
    """Delete the collection NAME; the pictures it was made from are not deleted."""
    from ..errors import ArtifactDamaged
    from ..pipeline import remove as run
    from ..pipeline import remove_damaged

    try:
        collection = open_named(settings, name)
    except ArtifactDamaged as fault:
        if not yes:
            click.confirm(f"{name} does not open: {fault}\nDelete it and everything in it?", abort=True, err=True)
        remove_damaged(settings.home / name)
        click.echo(f"{name} is gone.", err=True)
        return
    target = collection.path.resolve() if collection.path.is_symlink() else None
    what = (
        f"{name} with its {counted(collection.n, 'row')} and everything made from them"
        if target is None
        else f"the link {name} to {target}"
    )
    if not yes:
        click.confirm(f"Delete {what}?", abort=True, err=True)
    run(collection)
    click.echo(f"{name} is gone." if target is None else f"The link {name} is gone; {target} stays as it is.", err=True)


@click.command(name="name-group")
@NAME
@click.argument("number", type=int)
@click.argument("title")
@ENCODER
@verb
def name_group(settings: Settings, report: Bars, *, name: str, number: int, title: str, encoder: str | None) -> None:
    """Name cluster NUMBER (from 1) of the newest clustering TITLE; an empty TITLE removes the name."""
    from ..errors import ArtifactMissing

    collection = open_named(settings, name)
    embedding = collection.embedding(encoder)
    clusterings = embedding.clusterings()
    if not clusterings:
        by = embedding.encoder_name
        raise ArtifactMissing(f"Collection {name!r} has no groups by {by} yet; run 'explorer cluster {name} --encoder {by}'.")
    for group, group_name in collection.annotations.name_clusters(clusterings[0], {number - 1: title}).items():
        click.echo(f"{group + 1:4} {printable(group_name)}")
