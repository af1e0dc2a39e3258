"""The command ``inspect``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..wording import counted
from .base import AS_JSON, KIND, OPTIONS, pairs, verb
from .output import echo_json, echo_table, printable
from .progress import Bars

if TYPE_CHECKING:
    from ..settings import Settings
    from ..sources import Reading
    from ..sources.reading import TableReading

_FIELDS = {"patient": "patients", "slide": "slides", "site": "sites", "split": "splits"}
_MOST_LABELS = 20
_MOST_NAMES = 10


@click.command()
@click.argument("source")
@KIND
@OPTIONS
@AS_JSON
@verb
def inspect(settings: Settings, report: Bars, *, source: str, kind: str | None, options: tuple[str, ...], as_json: bool) -> None:
    """Show what SOURCE contains and how each column of its tables is read; nothing is built and no picture is decoded."""
    from ..sources import open_source, reading_of

    opened = open_source(source, kind=kind, options=pairs(options, json_values=True), limits=settings.limits)
    reading, rejects = reading_of(opened), opened.rejects()
    report.close()
    if as_json:
        echo_json({**reading.to_json(), "passed_over": [asdict(reject) for reject in rejects]})
        return
    _echo(reading)
    for reject in rejects[:_MOST_NAMES]:
        click.echo(printable(f"passed over {reject.uri}: {reject.reason}"))
    if len(rejects) > _MOST_NAMES:
        click.echo(f"... and {len(rejects) - _MOST_NAMES} more; --json lists them all")
    for table in reading.tables:
        _echo_table(table)
    if reading.notes:
        click.echo("\nNotes:")
    for note in reading.notes:
        click.echo(printable(f"- {note}"))


def _echo(reading: Reading) -> None:
    layout = f", laid out as {reading.layout}" if reading.layout else ""
    click.echo(f"{reading.kind}{layout}: {counted(reading.pictures, 'picture')}, {counted(reading.rejected, 'file')} passed over")
    if reading.labels:
        named = [f"{label} {count}" for label, count in reading.labels.items()]
        more = f" and {len(named) - _MOST_LABELS} more" if len(named) > _MOST_LABELS else ""
        on = f"{reading.distinct['label']} on {counted(reading.labelled, 'picture')}"
        click.echo(printable(f"labels: {on}: {', '.join(named[:_MOST_LABELS])}{more}"))
    else:
        click.echo("labels: none")
    click.echo(", ".join(f"{plural}: {reading.distinct[field]}" for field, plural in _FIELDS.items()))


def _echo_table(table: TableReading) -> None:
    from ..sources.reading import outcomes, short

    click.echo()
    results = f"; {', '.join(outcomes(asdict(table)))}" if table.lines else ""
    click.echo(printable(f"{table.name} ({table.form}): {counted(table.lines, 'line')}{results}"))
    records = [
        {
            "column": column.name,
            "taken for": column.taken_for.replace("uri", "name of the picture") or "own column",
            "holds": column.holds,
            "lines": column.filled,
            "such as": ", ".join(column.examples),
        }
        for column in table.columns
    ]
    echo_table(records, ("column", "taken for", "holds", "lines", "such as"))
    lost = [
        {"names no picture": printable(short(name)), "nearest are": printable(", ".join(short(picture, 40) for picture in near))}
        for name, near in zip(table.names_without_picture, table.nearest_pictures, strict=True)
    ]
    if lost:
        click.echo()
        echo_table(lost[:_MOST_NAMES], ("names no picture", "nearest are"))
    if table.unmatched > _MOST_NAMES:
        click.echo(f"... and {table.unmatched - _MOST_NAMES} more; --json lists {len(lost)} of them")
