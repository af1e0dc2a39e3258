"""Linear probe: can a linear head on the vectors tell the classes of other patients apart?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ....evaluation import ProbeReport, linear_probe
from ....reports.document import EvaluationReport
from ....reports.sections import Bars, Confusion, Section, facts, interval, number, table
from ..splits import both_sides
from .base import Column, Finding, Protocol, Question, Subject, absent_classes, few_groups, possible_leakage, sides
from .citations import COLOUR, EVA
from .knn import parts, split_way


def _run(question: Question, subject: Subject) -> Finding[ProbeReport]:
    found, groups, (y_train, y_val, y_test) = sides(question, subject)
    x_train, x_val, x_test = both_sides(subject.vectors, subject.teaching, found)
    judged: tuple[Any, ...] = () if found.selected else (x_test, y_test)
    report = linear_probe(x_train, y_train, x_val, y_val, *judged, seed=question.seed, groups=groups, device=question.device)
    spread = f"Over {len(report.scores)} runs of the training the standard deviation is {report.sd:.3f}; the interval "
    spread += (
        f"is over {question.group_name}s." if report.n_groups else "holds for other patches of the same patients, not for new patients."
    )
    return Finding(
        score="Linear probe, balanced accuracy",
        value=report.interval,
        chance=report.chance,
        sentences=(spread, absent_classes(report.recall), few_groups(question, report.n_groups)),
        warnings=possible_leakage(question),
        results=replace(report, mistakes=()),
        mistakes=tuple(replace(each, row=int(found.test[each.row])) for each in report.mistakes),
    )


def _sections(report: EvaluationReport[ProbeReport]) -> Iterator[Section]:
    found = report.results
    drawn = f"{found.n_groups} patients or slides" if found.n_groups else "rows"
    yield Bars("classes", "By class", found.recall, note="Share of each class named rightly, mean of the runs, with 95 % intervals.")
    yield Confusion(
        "confusion", "Confusion", found.classes, found.confusion, "Patches by what they are (line) and what all runs named them (column)."
    )
    lines = [[at + 1, number(score), found.epochs[at], found.best_epochs[at]] for at, score in enumerate(found.scores)]
    spread = (
        f"Mean {number(found.mean)}; standard deviation over {len(lines)} runs {number(found.sd)}; 95 % interval over {drawn} "
        f"{interval(found.interval)}. Protocol {found.protocol['name']} of eva."
    )
    yield table("runs", "Runs", ["run", "balanced accuracy", "epochs", "best epoch"], lines, note=spread)
    yield facts("counts", "Counts", parts(found.n, found.dropped))


def _columns(report: EvaluationReport[ProbeReport]) -> Iterator[Column]:
    found = report.results
    way = ", ".join(filter(None, (str(found.protocol["name"]), split_way(report))))
    words = "Balanced accuracy of a linear head on the vectors, by a published protocol."
    yield Column("linear probe", found.interval, found.chance, way, headline=True, help=words)


LINEAR = Protocol(
    name="linear",
    title="Linear probe",
    asks="Can a linear head on the vectors tell the classes of other patients apart? Takes a minute or more.",
    explained="The share of judged patches that a linear head on the vectors names rightly; mean over classes and runs.",
    run=_run,
    results=ProbeReport,
    sections=_sections,
    columns=_columns,
    citations=(EVA, COLOUR),
    learns=True,
    with_val=True,
    published=True,
    asked_first=True,
    takes="minutes",
)
