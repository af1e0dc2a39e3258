"""The report of one evaluation as typed records, and the same as JSON.

``EvaluationReport`` is what ``explorer evaluate`` writes; every reader (page, HTML, leaderboard, command line) uses its fields.
Numbers that are unknown are NaN here and null in JSON.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from ..errors import ArtifactDamaged
from ..evaluation import Estimate, Mistake
from ..evaluation.intervals import Number
from ..evaluation.reports import plain
from .format_4 import upgraded

FORMAT = 5
READABLE = (4, FORMAT)
"""Formats on disk that ``read`` understands."""
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Baseline:
    """A score to compare the measured one with."""

    name: str
    title: str
    score: Estimate


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """How rows were split into training and test rows."""

    way: str
    left_out: Mapping[str, int]
    """Rows left out of training, by reason."""
    judged: str = ""
    """"test" or "val" of the collection's own split; empty where folds or another collection decided."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """sha256 of what was measured."""

    items_sha256: str
    vectors_sha256: str
    weights_sha256: str | None = None
    train_vectors_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The restriction of the rows, where the user gave one."""

    where: Mapping[str, Any]
    """Column -> value, values or range; empty for all rows."""
    leave_out: tuple[str, ...] = ()
    """Classes that were left out because it was asked for."""
    k: int | None = None
    """Neighbours asked for; None for the usual ones."""


@dataclass(frozen=True, slots=True)
class EvaluationReport(Generic[R]):
    """One evaluation of one embedding for one label; ``R`` is the type of the protocol's own results."""

    format: int
    collection: str
    train: str | None
    """The training collection; None for other rows of the same one."""
    rows: int
    encoder: str
    protocol: str
    label: str
    group: str | None
    """Column whose values were kept apart."""
    site: str | None
    groups: int | None
    """Different values of ``group`` among the labelled rows."""
    seed: int
    selection: Selection
    score: str
    """Name of the headline score."""
    value: Estimate
    naive: Number | None
    """The headline score without keeping groups apart; None where that is the same."""
    baselines: tuple[Baseline, ...]
    baselines_missing: tuple[str, ...]
    warnings: tuple[str, ...]
    """Sentences on why the score may be too high."""
    sentences: tuple[str, ...]
    results: R
    careless: R | None
    """The same results without keeping groups apart, where that needed a second training."""
    split: SplitFacts | None
    left_out: Mapping[str, int]
    """Classes that could not be measured, with their rows."""
    copies: int
    """Rows that are exact copies of another and so did not count."""
    unlabelled: int
    mistakes: tuple[Mistake, ...]
    """Misclassified examples, by their rows in the collection."""
    recipe: Mapping[str, Any]
    hashes: Hashes
    versions: Mapping[str, str]


def to_json(report: EvaluationReport[Any]) -> dict[str, Any]:
    """The report as JSON values."""
    document: dict[str, Any] = plain(report)
    return document


def read(document: Mapping[str, Any], results: type[Any], *, where: str) -> EvaluationReport[Any]:
    """A report from its JSON, of the present format or of format 4.

    ``results`` is the type of the protocol's own results. Raises ``ArtifactDamaged``, which names ``where`` it lies.
    """
    try:
        document = upgraded(document) if document["format"] == 4 else document
        report: EvaluationReport[Any] = _adapter(results).validate_python(document)  # type: ignore[arg-type] # a class is hashable
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactDamaged(f"{where} is not a report that this program can read; delete its folder and evaluate again.") from error
    return report


@lru_cache(maxsize=32)
def _adapter(results: Hashable) -> Any:
    return TypeAdapter(EvaluationReport[results])  # type: ignore[valid-type]
