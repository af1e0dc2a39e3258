"""Run a protocol on vectors, and run it again without keeping groups apart where that makes a difference. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...evaluation.counted_rows import tabulate
from ...evaluation.inputs import check_classes, classes_of
from .protocols.base import Clusters, Finding, IndexFacts, Protocol, Question, Subject
from .splits import AnyVectors, Split, split


@dataclass(frozen=True, slots=True)
class Measured:
    """A finding, and the finding without keeping groups apart."""

    finding: Finding[Any]
    split: Split | None = None
    careless: Finding[Any] | None = None
    """The finding without keeping groups apart; None where that is the same, or where the protocol measures it itself."""


def measure(
    protocol: Protocol[Any],
    question: Question,
    vectors: AnyVectors,
    teaching: AnyVectors | None = None,
    *,
    index: IndexFacts | None = None,
    clusters: Clusters | None = None,
) -> Measured:
    """Measure these vectors, also without keeping groups apart. Raises ``InputError`` as the protocol does."""
    if not protocol.learns:
        finding = protocol.run(question, Subject(vectors, index=index, clusters=clusters))
        return Measured(replace(finding, sentences=(*_left_out(question, finding.left_out), *finding.sentences)))
    found = _split(protocol, question)
    finding = protocol.run(question, Subject(vectors, teaching, found))
    sentences = (*_left_out(question, found.classes_left_out), *_own_split(question, found))
    finding = replace(finding, left_out=found.classes_left_out)
    given = question.teacher is not None or question.part.split is not None
    if not (sum(found.left_out.values()) if given else question.part.group is not None):
        return Measured(replace(finding, sentences=(*sentences, *finding.sentences)), found)
    names = tuple(found.classes_left_out)  # the same classes, or the two could not be compared
    teacher = None if question.teacher is None else question.teacher.without(names)
    same = replace(question, part=question.part.without(names), teacher=teacher)
    careless = protocol.run(same, Subject(vectors, teaching, _split(protocol, same, apart=False)))
    difference = _difference(question, finding.value.value, careless.value.value, found)
    return Measured(replace(finding, sentences=(difference, *sentences, *finding.sentences)), found, careless)


def measure_baseline(protocol: Protocol[Any], question: Question, vectors: AnyVectors, teaching: AnyVectors | None) -> Finding[Any]:
    """The same for a baseline, only with groups kept apart."""
    found = _split(protocol, question) if protocol.learns else None
    finding: Finding[Any] = protocol.run(question, Subject(vectors, teaching, found))
    return finding


def check(protocol: Protocol[Any], question: Question) -> None:
    """Raise ``InputError`` for columns that cannot be measured, whatever the vectors are."""
    if protocol.learns:
        _split(protocol, question)
        return
    part = question.part
    any_vectors = np.arange(len(part.label), dtype=np.float32)[:, None]
    rows = tabulate(any_vectors, part.label, groups=part.group, group_name=question.group_name or "group", sites=part.site)
    if part.site is not None:
        check_classes(rows.site, name=question.site_name)


def _split(protocol: Protocol[Any], question: Question, *, apart: bool = True) -> Split:
    return split(question.part, teacher=question.teacher, with_val=protocol.with_val, apart=apart, seed=question.seed)


def _left_out(question: Question, classes: Mapping[str, int]) -> tuple[str, ...]:
    """A sentence that names every class that could not be measured."""
    if not classes:
        return ()
    what = f"too few {question.group_name}s" if question.group_name else "too few rows"
    was = "was" if len(classes) == 1 else "were"
    return (f"{classes_of(classes, most_characters=None)} {was} left out, because {what} hold {'it' if len(classes) == 1 else 'them'}.",)


def _own_split(question: Question, found: Split) -> tuple[str, ...]:
    """Sentences on the use of the collection's own split."""
    if question.teacher is not None or question.part.split is None:
        return ()
    apart = "" if question.part.group is None or any(found.left_out.values()) else f"; no {question.group_name} is on both sides of it"
    chosen = ("The checkpoint was chosen on the rows that are judged, so the score is optimistic.",) if found.selected else ()
    return (f"Measured by {found.way}{apart}.", *chosen)


def _difference(question: Question, value: float, naive: float, found: Split) -> str:
    difference = round(naive - value, 2) + 0.0  # no "-0.00"
    if question.teacher is not None or question.part.split is not None:
        shared = f"a picture or a {question.group_name}" if question.group_name else "a picture"
        return (
            f"Without the {sum(found.left_out.values())} rows to learn from that share {shared} with "
            f"the test rows it is {value:.2f}; with them it would read {naive:.2f}, a difference of {difference:+.2f}."
        )
    name = question.group_name
    return (
        f"With {name}s kept apart it is {value:.2f}; with patches of one {name} on both sides it would read "
        f"{naive:.2f}, and the difference of {difference:+.2f} is what that would add, up to the chance of two different splits."
    )
