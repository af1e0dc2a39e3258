"""The command that evaluates an embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError
from .base import AS_JSON, ENCODER, NAME, SEED, WHERE, TextType, conditions, open_named, verb
from .output import echo_json, echo_table, printable
from .progress import Bars

if TYPE_CHECKING:
    from ..evaluation import Estimate
    from ..reports.document import EvaluationReport
    from ..settings import Settings


_MOST_CHARACTERS = 300
"""Of one sentence; the report has it in full."""


class ProtocolName(TextType):
    """The name of a protocol of the table; names that older versions used are understood too."""

    name = "protocol"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The present name."""
        from ..pipeline.evaluate.protocols import protocol

        try:
            return protocol(str(value)).name
        except InputError as error:
            self.fail(str(error), param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """All names, for the help."""
        from ..pipeline import PROTOCOLS

        return f"[{'|'.join(PROTOCOLS)}]"


@click.command()
@NAME
@click.argument("protocol", type=ProtocolName())
@click.option("--label", default="label", show_default=True, metavar="COL", help="Column that is to be found or predicted.")
@click.option("--group", default=None, metavar="COL", help="Column kept apart.  [default: patient, else slide]")
@click.option(
    "--site", default=None, metavar="COL", help="site-bias: column that says where a patch is from.  [default: site, scanner, ...]"
)
@click.option("--train", default=None, metavar="OTHER", help="knn, linear: collection to learn from instead of folds of NAME.")
@click.option("-k", type=int, default=None, help="Neighbours.  [default: the usual ones, fewer where there are fewer patches]")
@click.option("--leave-out", multiple=True, metavar="CLASS", help="Class that takes no part; repeat for several.")
@WHERE
@click.option(
    "--baselines/--no-baselines",
    default=None,
    help="First embed the patches by models that know no pathology, to hold the score against.  [default: up to 20000 patches]",
)
@click.option("--anchors/--no-anchors", default=None, hidden=True)  # what older versions called it
@ENCODER
@SEED
@AS_JSON
@verb
def evaluate(
    settings: Settings,
    report: Bars,
    *,
    name: str,
    train: str | None,
    where: tuple[str, ...],
    baselines: bool | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Measure what an embedding is worth for a label, with patients kept apart, and the same for baselines."""
    from ..pipeline import Question, check_question, embed_baselines, read_report
    from ..pipeline import evaluate as run
    from ..pipeline.evaluate.baselines import MOST_ROWS
    from ..reports.document import to_json

    older = given.pop("anchors")
    baselines = older if baselines is None else baselines
    collection = open_named(settings, name)
    teacher = None if train is None else open_named(settings, train)
    question = Question(where=conditions(where, collection.table().columns), **given)
    check_question(collection, question, train=teacher)
    for each in (collection,) if teacher is None else (collection, teacher):
        if baselines or (baselines is None and each.n <= MOST_ROWS):
            embed_baselines(each, settings=settings, report=report)
    artifact = run(collection, question, train=teacher, device=settings.device, report=report)
    report.close()
    found = read_report(artifact)
    if as_json:
        echo_json({"key": artifact.key, "html": str(artifact.path / "report.html"), **to_json(found)})
        return
    _echo(found, name)
    click.echo(f"\n{artifact.path / 'report.html'}")


def _echo(report: EvaluationReport[Any], name: str) -> None:
    from ..reports.geometry import beside
    from ..sources.reading import short

    lines = [(report.encoder, report.value), *((title, score) for title, score, _ in beside(report))]
    cells = [{"": title, "score": _number(score), "95 % interval": _interval(score)} for title, score in lines]
    click.echo(f"{report.score} of {report.label!r} in {name}\n")
    echo_table(cells, ("", "score", "95 % interval"))
    sentences = (short(sentence, _MOST_CHARACTERS) for sentence in (*report.warnings, *report.sentences))
    click.echo("\n" + "\n".join(map(printable, sentences)))


def _number(score: Estimate) -> str:
    return f"{score.value:.3f}" if score.known else "unknown"


def _interval(score: Estimate) -> str:
    return f"{score.low:.3f} to {score.high:.3f}" if score.has_interval else ""
