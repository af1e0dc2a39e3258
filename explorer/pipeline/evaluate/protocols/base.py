"""Types of an evaluation protocol: one record with a pure function, its input and its output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from jaxtyping import Int64

from ....evaluation import Estimate, Mistake
from ....evaluation.intervals import Number
from ....reports.document import EvaluationReport
from ....reports.sections import Section
from ..splits import AnyVectors, Part, Split

R = TypeVar("R")
FEWEST_GROUPS = 10
"""Fewer groups than these give an interval that says little."""


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """The search index, as measured on this machine."""

    kind: str
    recall_at_10: Number
    latency_ms: Mapping[str, Number]
    """p50 and p99 of one search."""
    n_timed: int


@dataclass(frozen=True, slots=True)
class Clusters:
    """A clustering of the rows."""

    method: str
    labels: Int64[np.ndarray, " _"]
    """Cluster of each row, -1 for none."""


@dataclass(frozen=True, slots=True)
class Question:
    """The input of an evaluation except the vectors, so that baselines are measured exactly as the encoder is."""

    part: Part
    teacher: Part | None = None
    """Rows of another collection to train on."""
    group_name: str = ""
    """Name of the column whose values are kept apart; empty for none."""
    site_name: str = ""
    seed: int = 0
    k: int | None = None
    """Neighbours asked for; None for the usual ones of the protocol."""
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class Subject:
    """The vectors to measure."""

    vectors: AnyVectors
    """(n, d), a row for each row of the part."""
    teaching: AnyVectors | None = None
    """Vectors of the training collection."""
    split: Split | None = None
    """The split, for protocols that train."""
    index: IndexFacts | None = None
    clusters: Clusters | None = None


@dataclass(frozen=True, slots=True)
class Finding(Generic[R]):
    """The result for one subject."""

    score: str
    """Name of the headline score."""
    value: Estimate
    chance: float
    results: R
    """All results, in the protocol's own type."""
    naive: float | None = None
    """The same score with nothing kept apart, where the protocol measures that itself."""
    sentences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """Sentences on why the score may be too high."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Classes that could not be measured, with their rows."""
    mistakes: tuple[Mistake, ...] = ()
    """Misclassified rows, numbered within the rows of the subject."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the leaderboard, and its value in a report."""

    score: str
    value: Estimate
    chance: float | None
    way: str = ""
    """What else must be equal for two numbers of this column to be comparable."""
    headline: bool = False
    """Whether it stands in a table that fits a window."""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Protocol(Generic[R]):
    """An evaluation protocol. A new one is a record like this in ``protocols.PROTOCOLS``; nothing else names it."""

    name: str
    """Name on the command line."""
    title: str
    asks: str
    """The question it answers, for a person who chooses."""
    explained: str
    """What the headline score is, in a sentence."""
    run: Callable[[Question, Subject], Finding[R]]
    """Pure. Raises ``InputError`` for what cannot be measured."""
    results: type[R]
    """A dataclass that JSON can hold."""
    sections: Callable[[EvaluationReport[R]], Iterable[Section]]
    columns: Callable[[EvaluationReport[R]], Iterable[Column]]
    citations: tuple[str, ...] = ()
    learns: bool = False
    """True if it trains on one part of a split and tests on another."""
    with_val: bool = False
    """True if it also needs validation rows to choose a checkpoint."""
    by_site: bool = False
    """True if it requires a column that says where a row is from."""
    beside: Literal["", "index", "clusters"] = ""
    """Other artifacts of the embedding that it uses."""
    published: bool = False
    """True if published scores on public data sets can be shown beside it."""
    asked_first: bool = False
    """True if the leaderboard proposes it for every embedding with labels."""
    takes: str = "seconds"
    """Its usual duration, in words."""


def few_groups(question: Question, n_groups: int) -> str:
    """A sentence on a small number of groups; empty where there were enough, or no groups."""
    if not 0 < n_groups < FEWEST_GROUPS:
        return ""
    if n_groups == 1:
        return f"Only one {question.group_name} was judged, so nothing is known of others, and there is no interval."
    return f"Only {n_groups} {question.group_name}s were judged, so the interval says little of others."


def absent_classes(recall: Mapping[str, Estimate]) -> str:
    """A sentence on classes of which no row was judged; empty where there are none."""
    absent = ", ".join(repr(name) for name, each in recall.items() if not each.known)
    return f"No row of {absent} is among those judged, so the score says nothing of it." if absent else ""


def possible_leakage(question: Question) -> tuple[str, ...]:
    """A warning where nothing keeps patients on one side of a split."""
    if question.part.group is None:
        return ("Leakage is possible: there is no patient or slide column, so patches of one patient may be on both sides.",)
    if question.teacher is not None and question.teacher.group is None:
        return (
            f"Leakage is possible: the collection to learn from has no {question.group_name} column, so patients may be on both sides.",
        )
    return ()


def sides(question: Question, subject: Subject) -> tuple[Split, Any, tuple[Any, Any, Any]]:
    """The split, the groups of the test rows (None where unknown), and the labels of train, validation and test rows."""
    found = subject.split
    assert found is not None, "protocols that learn are given a split"
    labels = (question.part if question.teacher is None else question.teacher).label
    group = question.part.group
    given = labels.iloc[found.train], labels.iloc[found.val], question.part.label.iloc[found.test]
    return found, None if group is None else group.iloc[found.test], given
