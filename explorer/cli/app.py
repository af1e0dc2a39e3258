"""The command that opens the app."""

from __future__ import annotations

import click

from ..settings import Settings
from .base import verb
from .progress import Bars


@click.command()
@verb
def app(settings: Settings, report: Bars) -> None:
    """Open the web app (not yet)."""
    click.echo("The web app is not there yet; use 'explorer search'.", err=True)
