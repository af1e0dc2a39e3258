"""The command that judges an embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import click

from ..settings import Settings
from .base import AS_JSON, ENCODER, NAME, SEED, open_named, verb
from .output import echo_json, echo_table, printable
from .progress import Bars


@click.command()
@NAME
@click.argument("protocol", type=click.Choice(["retrieval", "knn", "linear", "leak"]))
@click.option("--label", default="label", show_default=True, metavar="COL", help="Column that is to be found or predicted.")
@click.option("--group", default=None, metavar="COL", help="Column kept apart.  [default: patient, else slide]")
@click.option("--site", default=None, metavar="COL", help="leak: column that says where a patch is from.  [default: site, scanner, ...]")
@click.option("--train", default=None, metavar="OTHER", help="knn, linear: collection to learn from instead of folds of NAME.")
@click.option(
    "--anchors/--no-anchors",
    default=None,
    help="First describe the patches by models that know no pathology, to hold the score against.  [default: up to 20000 patches]",
)
@ENCODER
@SEED
@AS_JSON
@verb
def evaluate(
    settings: Settings,
    report: Bars,
    *,
    name: str,
    protocol: Literal["retrieval", "knn", "linear", "leak"],
    train: str | None,
    anchors: bool | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Measure what an embedding is worth for a label, with patients kept apart, beside its anchors."""
    from ..pipeline import Question, check_question, embed_anchors, read_report
    from ..pipeline import evaluate as run
    from ..pipeline.evaluate.baselines import MOST_ROWS

    collection = open_named(settings, name)
    teacher = None if train is None else open_named(settings, train)
    question = Question(protocol, **given)
    check_question(collection, question, train=teacher)
    for each in (collection,) if teacher is None else (collection, teacher):
        if anchors or (anchors is None and each.n <= MOST_ROWS):
            embed_anchors(each, settings=settings, report=report)
    artifact = run(collection, question, train=teacher, report=report)
    report.close()
    document = read_report(artifact)
    if as_json:
        echo_json({"key": artifact.key, "html": str(artifact.path / "report.html"), **document})
        return
    value = document["value"]
    own = {"": document["encoder"], "score": _number(value["value"]), "95 % interval": _interval(value)}
    careless = {"": "nothing kept apart", "score": _number(document["naive"])}
    beside = [{"": each["title"], "score": _number(each["value"]), "95 % interval": _interval(each)} for each in document["anchors"]]
    click.echo(f"{document['score']} of {document['columns']['label']!r} in {name}\n")
    echo_table([own, *([careless] if document["naive"] is not None else []), *beside], ("", "score", "95 % interval"))
    click.echo("\n" + "\n".join(map(printable, document["sentences"])))
    click.echo(f"\n{artifact.path / 'report.html'}")


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _interval(estimate: Mapping[str, Any]) -> str:
    return "" if estimate["low"] is None else f"{_number(estimate['low'])} to {_number(estimate['high'])}"
