"""The command that repeats a published table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .base import AS_JSON, verb
from .output import echo_json, echo_table
from .progress import Bars

if TYPE_CHECKING:
    from ..settings import Settings


@click.command()
@click.option("--tasks", default="bach,crc,mhist,pcam", show_default=True, help="Data sets, with commas between them.")
@click.option("--encoders", default="", help="Encoders, with commas between them.  [default: the five kaiko.ai ViTs]")
@click.option("--protocol", default="eva-2024", show_default=True, help="eva-2024 (the paper's) or eva-2025 (eva's current one).")
@click.option("--accept-licence", is_flag=True, help="Accept the licences of data sets that are not here, and fetch them.")
@AS_JSON
@verb
def benchmark(settings: Settings, report: Bars, *, tasks: str, encoders: str, protocol: str, accept_licence: bool, as_json: bool) -> None:
    """Measure encoders on BACH, CRC, MHIST and PatchCamelyon, and print the scores beside the published ones."""
    from ..pipeline.evaluate.benchmark import KAIKO
    from ..pipeline.evaluate.benchmark import benchmark as run

    table = run(
        _names(tasks),
        encoders=_names(encoders) or KAIKO,
        settings=settings,
        protocol=protocol,
        accept_licence=accept_licence,
        report=report,
    )
    report.close()
    if as_json:
        echo_json(table.to_json())
    elif table.cells:
        _echo(table)
    for name, why in table.left_out.items():
        click.echo(f"left out {name}: {why}", err=True)
    if table.left_out:
        raise SystemExit(1)


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _echo(table: Any) -> None:
    """Print measured score, published score and difference of each encoder; then the baselines, chance and the tolerance."""
    title = {key: f"{column.title}{'*' if column.selected else ''}" for key, column in table.columns.items()}
    lines: list[dict[str, str]] = []
    for encoder in dict.fromkeys(cell.encoder for cell in table.cells):
        cells = {cell.column: cell for cell in table.cells if cell.encoder == encoder}
        lines.append(_line(encoder, "measured", {title[key]: _score(c.mean, c.sd) for key, c in cells.items()}))
        if any(cell.published is not None for cell in cells.values()):
            lines.append(_line("", "published", {title[key]: _score(c.published, c.published_sd) for key, c in cells.items()}))
            lines.append(_line("", "difference", {title[key]: _difference(c) for key, c in cells.items()}))
        else:
            lines.append(_line("", "not in the published table", {}))
    for name, scores in table.baselines.items():
        lines.append(_line(name, "published", {title[key]: _score(*score) for key, score in scores.items()}))
    lines.append(_line("chance", "", {title[key]: f"{1 / column.classes:.3f}" for key, column in table.columns.items()}))
    lines.append(_line("tolerance", "", {title[key]: f"{column.tolerance:.2f}" for key, column in table.columns.items()}))
    echo_table(lines, ("encoder", "", *title.values()))
    click.echo(f"\nBalanced accuracy, mean ± deviation over runs, protocol {table.protocol}.")
    if any(column.selected for column in table.columns.values()):
        click.echo("* The checkpoint was chosen on the rows it is reported on, here as in the paper, so the score is optimistic.")
    if not table.baselines:
        click.echo(f"For {table.protocol} no scores of models that never saw tissue are published; --encoders can add dino-vits16.")


def _line(encoder: str, what: str, scores: dict[str, str]) -> dict[str, str]:
    return {"encoder": encoder, "": what, **scores}


def _score(mean: float | None, sd: float | None) -> str:
    if mean is None:
        return "-"
    return f"{mean:.3f}" if sd is None else f"{mean:.3f} ± {sd:.3f}"


def _difference(cell: Any) -> str:
    return "-" if cell.difference is None else f"{cell.difference:+.3f} {'ok' if cell.within else 'OUTSIDE'}"
