"""Commands for encoders and their weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .base import AS_JSON, WEIGHTS, load_encoder, verb
from .output import echo_json, echo_table
from .progress import Bars

if TYPE_CHECKING:
    from ..encoders import EncoderSpec
    from ..settings import Settings

COLUMNS = ("encoder", "dim", "mpp", "weights", "licence")


@click.command()
@AS_JSON
@verb
def encoders(settings: Settings, report: Bars, *, as_json: bool) -> None:
    """List the encoders with dimension, licence, gate, and whether their weights are here."""
    from .. import encoders as table

    specs = [table.spec(name) for name in table.names()]
    if as_json:
        echo_json([spec.to_json() | {"weights": table.weights_state(spec, settings.weights_dir)} for spec in specs])
        return
    echo_table([_line(spec, table.weights_state(spec, settings.weights_dir)) for spec in specs], COLUMNS)
    click.echo("\nMost weights are for non-commercial use; --json gives licence addresses and how to ask for access.", err=True)


def _line(spec: EncoderSpec, weights: str) -> dict[str, object]:
    mpp = f"{spec.mpp[0]:g}-{spec.mpp[1]:g}" if spec.mpp else ""
    return {"encoder": spec.name, "dim": spec.dim, "mpp": mpp, "weights": weights, "licence": spec.license}


@click.command()
@click.argument("encoder")
@WEIGHTS
@AS_JSON
@verb
def weights(settings: Settings, report: Bars, *, encoder: str, weights: Path | None, as_json: bool) -> None:
    """Download the weights of ENCODER into the cache, or check those in a file, and print their sha256."""
    ready = load_encoder(settings, report, encoder, weights)
    report.close()
    if as_json:
        echo_json(dict(ready.recipe))
    else:
        click.echo(f"{encoder}: {ready.recipe.get('weights_sha256') or 'needs no weights'}")
