"""Nearest neighbours: do the nearest training rows have the same class, and how few examples are enough?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ....evaluation import FewShotReport, KnnReport, few_shot, knn
from ....reports.document import EvaluationReport
from ....reports.sections import Bars, Confusion, Curves, Section, facts, interval, number, table
from ..splits import both_sides
from .base import Column, Finding, Protocol, Question, Subject, absent_classes, few_groups, possible_leakage, sides
from .citations import COLOUR, INTERVALS, SIMPLESHOT

_HEAD_K = 5
_HELP = "Balanced accuracy of the vote of the nearest patches one may learn from."


@dataclass(frozen=True, slots=True)
class KnnResults:
    """Scores of nearest neighbours and class means on all training rows, and of class means on a few of them."""

    knn: KnnReport
    few_shot: FewShotReport

    @property
    def head_k(self) -> int:
        """The k of the headline score: 5, else the largest below 5, else the only one."""
        return max([k for k in self.knn.knn if k <= _HEAD_K], default=min(self.knn.knn))


def _run(question: Question, subject: Subject) -> Finding[KnnResults]:
    found, groups, (y_train, _, y_test) = sides(question, subject)
    x_train, _, x_test = both_sides(subject.vectors, subject.teaching, found)
    ks = None if question.k is None else (question.k,)
    report = knn(x_train, y_train, x_test=x_test, y_test=y_test, groups=groups, k=ks, seed=question.seed, device=question.device)
    results = KnnResults(replace(report, mistakes={}), few_shot(x_train, y_train, x_test=x_test, y_test=y_test, seed=question.seed))
    head = report.knn[results.head_k]
    return Finding(
        score=f"kNN balanced accuracy, k = {results.head_k}",
        value=head.balanced_accuracy,
        chance=report.chance,
        sentences=(report.reduced, absent_classes(head.recall), few_groups(question, report.n_groups)),
        warnings=possible_leakage(question),
        results=results,
        mistakes=tuple(replace(each, row=int(found.test[each.row])) for each in report.mistakes[results.head_k]),
    )


def _sections(report: EvaluationReport[KnnResults]) -> Iterator[Section]:
    found, shots, k = report.results.knn, report.results.few_shot, report.results.head_k
    careless = None if report.careless is None else report.careless.knn
    head = found.knn[k]
    yield Bars("classes", "By class", head.recall, note=f"Share of each class named rightly, by {k} neighbours, with 95 % intervals.")
    yield Confusion(
        "confusion",
        "Confusion",
        found.classes,
        head.confusion,
        f"Patches by what they are (line) and what {k} neighbours named them (column).",
    )
    mean = found.prototype.balanced_accuracy
    yield Curves(
        "k",
        "By the number of neighbours",
        "neighbours",
        {"kNN": tuple((each, scores.balanced_accuracy) for each, scores in found.knn.items())},
        chance=found.chance,
        faint={"nothing kept apart": tuple((each, s.balanced_accuracy.value) for each, s in careless.knn.items())} if careless else {},
        note=f"The nearest class mean (SimpleShot) reaches {number(mean.value)} ({interval(mean)}).",
    )
    drawn = f"Mean of {shots.protocol['n_draws']} draws of the examples; whiskers hold 95 % of them. {shots.left_out}"
    curve = tuple((each.shots, each.balanced_accuracy) for each in shots.curve)
    yield Curves("shots", "From a few examples", "examples of each class", {"nearest class mean": curve}, chance=shots.chance, note=drawn)
    named = {f"k = {each}": (scores, careless and careless.knn.get(each)) for each, scores in found.knn.items()}
    named["nearest class mean (SimpleShot)"] = (found.prototype, careless and careless.prototype)
    lines = [
        [
            name,
            number(own.balanced_accuracy.value),
            interval(own.balanced_accuracy),
            *([number(other.balanced_accuracy.value) if other else ""] if careless else []),
            number(found.chance),
        ]
        for name, (own, other) in named.items()
    ]
    ways = ["patients apart", "95 % interval", "not apart"] if careless else ["score", "95 % interval"]
    yield table("scores", "All scores", ["balanced accuracy", *ways, "chance"], lines)
    few = [[each.shots, number(each.balanced_accuracy.value), interval(each.balanced_accuracy)] for each in shots.curve]
    yield table("few", "Few-shot, nearest class mean", ["rows per class", "balanced accuracy", "95 % of draws"], few)
    yield facts("counts", "Counts", parts(found.n, found.dropped) | {"Groups in the test rows": found.n_groups or "no such column"})


def parts(n: Mapping[str, int], dropped: Mapping[str, int]) -> dict[str, object]:
    """Rows of each part, and those left out of it."""
    found: dict[str, object] = {f"Rows, {part}": count for part, count in n.items()}
    return found | {f"Without label or group, {part}": count for part, count in dropped.items() if count}


def split_way(report: EvaluationReport[Any]) -> str:
    """Empty for folds and for another training collection; else the rows that are tested in the collection's own split."""
    judged = "" if report.split is None else report.split.judged
    return {"": "", "test": "own split", "val": "own split, val judged"}[judged]


def _columns(report: EvaluationReport[KnnResults]) -> Iterator[Column]:
    found, way = report.results.knn, split_way(report)
    for k, scores in found.knn.items():
        yield Column(f"kNN, k = {k}", scores.balanced_accuracy, found.chance, way, headline=k == _HEAD_K, help=_HELP)
    mean = found.prototype.balanced_accuracy
    yield Column("class means", mean, found.chance, way, help="Balanced accuracy of the nearest class mean.")


KNN = Protocol(
    name="knn",
    title="Nearest neighbours",
    asks="Do the nearest patches of other patients name the class, and how few examples would do?",
    explained="The share of judged patches whose nearest neighbours among those to learn from name their class; mean over classes.",
    run=_run,
    results=KnnResults,
    sections=_sections,
    columns=_columns,
    citations=(SIMPLESHOT, COLOUR, INTERVALS),
    learns=True,
    asked_first=True,
)
