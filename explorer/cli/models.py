"""Commands about the encoders themselves."""

from __future__ import annotations

from pathlib import Path

import click

from ..settings import Settings
from .base import AS_JSON, WEIGHTS, load_encoder, verb
from .output import echo_json, echo_table
from .progress import Bars


@click.command()
@AS_JSON
@verb
def encoders(settings: Settings, report: Bars, *, as_json: bool) -> None:
    """List the encoders with dimension, licence, gate, and whether their weights are here."""
    from .. import encoders as table

    records = [table.describe(name, weights_dir=settings.weights_dir) for name in table.names()]
    if as_json:
        echo_json(records)
        return
    echo_table(records, ("name", "dim", "licence", "access", "weights"))


@click.command()
@click.argument("encoder")
@WEIGHTS
@AS_JSON
@verb
def weights(settings: Settings, report: Bars, *, encoder: str, weights: Path | None, as_json: bool) -> None:
    """Fetch the weights of ENCODER into the cache, or check those in a file, and say their sha256."""
    ready = load_encoder(settings, report, encoder, weights)
    report.close()
    if as_json:
        echo_json(dict(ready.recipe))
    else:
        click.echo(f"{encoder}: {ready.recipe.get('weights_sha256') or 'needs no weights'}")
