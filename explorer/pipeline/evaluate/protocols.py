"""The four measurements in one form: a score with its interval, what chance and carelessness would give, and the whole report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...evaluation import Estimate, Mistake, few_shot, knn, linear_probe, retrieval, site_leak
from ...evaluation.inputs import check_classes
from ...evaluation.table import tabulate
from .splits import AnyVectors, Part, RowNumbers, Split, both_sides, split

FEWEST_GROUPS = 10
"""Fewer groups than these give an interval that says little."""
HEAD_K = 5
"""The k of the kNN score in large type."""
LEAK_K = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """What was measured on one set of vectors."""

    score: str
    """Name of the score in large type."""
    value: Estimate
    chance: float
    naive: float | None
    """The same score where patients are not kept apart; None where there is nothing to tell apart."""
    sentences: tuple[str, ...]
    results: Mapping[str, Any]
    """The whole reports, as JSON."""
    mistakes: tuple[Mistake, ...] = ()
    """Examples that went wrong, by their rows in the collection."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything but the vectors, so that an anchor is measured exactly as the encoder is."""

    protocol: str
    part: Part
    teacher: Part | None
    group_name: str
    site_name: str
    seed: int

    def run(self, vectors: AnyVectors, teaching: AnyVectors | None = None) -> Finding:
        """Measure these vectors (and those to learn from, where another collection teaches), with and without care for patients.

        Raises ``InputError`` as the measurements do.
        """
        finding = self.alone(vectors, teaching)
        if self.protocol in ("retrieval", "leak"):
            return finding
        found = self._split(apart=True)
        told = {"way": found.way, "left_out": dict(found.left_out), "judged": found.judged}
        finding = replace(finding, results={**finding.results, "split": told})
        given = self.teacher is not None or self.part.split is not None
        if not sum(found.left_out.values()) if given else self.part.group is None:
            return replace(finding, sentences=(*_said(self, found), *finding.sentences))
        careless = self._learnt(vectors, teaching, self._split(apart=False))
        difference = _difference(self, finding, careless.value.value, found)
        return replace(
            finding,
            naive=careless.value.value,
            sentences=(difference, *_said(self, found), *finding.sentences),
            results={**finding.results, "naive": careless.results},
        )

    def alone(self, vectors: AnyVectors, teaching: AnyVectors | None = None) -> Finding:
        """The same without the second training that a careless split would need: all that an anchor is asked for."""
        if self.protocol == "retrieval":
            return _retrieval(self, vectors)
        if self.protocol == "leak":
            return _leak(self, vectors)
        return self._learnt(vectors, teaching, self._split(apart=True))

    def check(self) -> None:
        """Raise ``InputError`` for columns that cannot be measured, whatever the vectors are."""
        if self.protocol in ("knn", "linear"):
            self._split(apart=True)
            return
        part = self.part
        any_vectors = np.arange(len(part.label), dtype=np.float32)[:, None]
        table = tabulate(any_vectors, part.label, groups=part.group, group_name=self.group_name or "group", sites=part.site)
        if part.site is not None:
            check_classes(table.site, name=self.site_name)

    def _split(self, *, apart: bool) -> Split:
        return split(self.part, teacher=self.teacher, with_val=self.protocol == "linear", apart=apart, seed=self.seed)

    def _learnt(self, vectors: AnyVectors, teaching: AnyVectors | None, found: Split) -> Finding:
        return (_linear if self.protocol == "linear" else _knn)(self, vectors, teaching, found)


def _retrieval(asked: Measurement, vectors: AnyVectors) -> Finding:
    part = asked.part
    report = retrieval(vectors, part.label, groups=part.group, group_name=asked.group_name, seed=asked.seed)
    head = report.at[-1]
    return Finding(
        score=f"MV@{head.k}",
        value=head.scores["majority_vote"],
        chance=head.chance["majority_vote"],
        naive=None if part.group is None else head.naive["majority_vote"],
        sentences=(report.sentence, _few(asked, report.n_groups)),
        results={"retrieval": _without_mistakes(report.to_json())},
        mistakes=report.mistakes,
    )


def _leak(asked: Measurement, vectors: AnyVectors) -> Finding:
    part = asked.part
    assert part.site is not None  # the leak meter always has one
    report = site_leak(
        vectors, part.label, sites=part.site, groups=part.group, k=LEAK_K, site_name=asked.site_name, seed=asked.seed
    )  # fmt: skip
    return Finding(
        score="Robustness index",
        value=report.robustness,
        chance=report.robustness_by_chance,
        naive=None,
        sentences=(report.sentence, report.site_sentence),
        results={"leak": report.to_json()},
    )


def _knn(asked: Measurement, vectors: AnyVectors, teaching: AnyVectors | None, found: Split) -> Finding:
    labels = (asked.part if asked.teacher is None else asked.teacher).label
    x_train, _, x_test = both_sides(vectors, teaching, found)
    y_train, y_test = labels.iloc[found.train], asked.part.label.iloc[found.test]
    groups = None if asked.part.group is None else asked.part.group.iloc[found.test]
    report = knn(x_train, y_train, x_test=x_test, y_test=y_test, groups=groups, seed=asked.seed)
    shots = few_shot(x_train, y_train, x_test=x_test, y_test=y_test, seed=asked.seed)
    return Finding(
        score=f"kNN balanced accuracy, k = {HEAD_K}",
        value=report.knn[HEAD_K].balanced_accuracy,
        chance=report.chance,
        naive=None,
        sentences=(_possible_leak(asked), *_judged(asked, report.knn[HEAD_K].recall, report.n_groups)),
        results={"knn": _without_mistakes(report.to_json()), "few_shot": shots.to_json()},
        mistakes=_of_collection(report.mistakes[HEAD_K], found.test),
    )


def _linear(asked: Measurement, vectors: AnyVectors, teaching: AnyVectors | None, found: Split) -> Finding:
    labels = (asked.part if asked.teacher is None else asked.teacher).label
    x_train, x_val, x_test = both_sides(vectors, teaching, found)
    y_train, y_val, y_test = labels.iloc[found.train], labels.iloc[found.val], asked.part.label.iloc[found.test]
    judged: tuple[Any, ...] = () if found.selected else (x_test, y_test)
    groups = None if asked.part.group is None else asked.part.group.iloc[found.test]
    report = linear_probe(x_train, y_train, x_val, y_val, *judged, seed=asked.seed, groups=groups)
    spread = f"Over {len(report.scores)} runs of the training the standard deviation is {report.sd:.3f}; the interval "
    spread += f"is over {asked.group_name}s." if report.n_groups else "holds for other patches of the same patients, not for new patients."
    return Finding(
        score="Linear probe, balanced accuracy",
        value=report.interval,
        chance=report.chance,
        naive=None,
        sentences=(_possible_leak(asked), spread, *_judged(asked, report.recall, report.n_groups)),
        results={"linear": _without_mistakes(report.to_json())},
        mistakes=_of_collection(report.mistakes, found.test),
    )


def _without_mistakes(report: dict[str, Any]) -> dict[str, Any]:
    """They are told once, by their rows in the collection."""
    return {name: value for name, value in report.items() if name != "mistakes"}


def _of_collection(found: Sequence[Mistake], test: RowNumbers) -> tuple[Mistake, ...]:
    return tuple(replace(each, row=int(test[each.row])) for each in found)


def _possible_leak(asked: Measurement) -> str:
    if asked.part.group is None:
        return "Leak possible: there is no patient or slide column, so patches of one patient may be on both sides."
    if asked.teacher is not None and asked.teacher.group is None:
        return f"Leak possible: the collection to learn from has no {asked.group_name} column, so patients may be on both sides."
    return ""


def _judged(asked: Measurement, recall: Mapping[str, Estimate], n_groups: int) -> tuple[str, str]:
    """What the judged rows cannot say."""
    absent = ", ".join(repr(name) for name, each in recall.items() if np.isnan(each.value))
    return f"No row of {absent} is among those judged, so the score says nothing of it." if absent else "", _few(asked, n_groups)


def _few(asked: Measurement, n_groups: int) -> str:
    if not 0 < n_groups < FEWEST_GROUPS:
        return ""
    if n_groups == 1:
        return f"Only one {asked.group_name} was judged, so nothing is known of others, and there is no interval."
    return f"Only {n_groups} {asked.group_name}s were judged, so the interval says little of others."


def _said(asked: Measurement, found: Split) -> tuple[str, ...]:
    """That the collection's own split was used, and what that means."""
    if asked.teacher is not None or asked.part.split is None:
        return ()
    apart = "" if asked.part.group is None or any(found.left_out.values()) else f"; no {asked.group_name} is on both sides of it"
    chosen = ("The checkpoint was chosen on the rows that are judged, so the score is optimistic.",) if found.selected else ()
    return (f"Measured by {found.way}{apart}.", *chosen)


def _difference(asked: Measurement, finding: Finding, naive: float, found: Split) -> str:
    value = finding.value.value
    difference = round(naive - value, 2) + 0.0  # no "-0.00"
    if asked.teacher is not None or asked.part.split is not None:
        shared = f"a picture or a {asked.group_name}" if asked.group_name else "a picture"
        return (
            f"Without the {sum(found.left_out.values())} rows to learn from that share {shared} with "
            f"the test rows it is {value:.2f}; with them it would read {naive:.2f}, a difference of {difference:+.2f}."
        )
    return (
        f"With {asked.group_name}s kept apart it is {value:.2f}; with patches of one {asked.group_name} on both sides it would read "
        f"{naive:.2f}, and the difference of {difference:+.2f} is what that would add, up to the chance of two different splits."
    )
