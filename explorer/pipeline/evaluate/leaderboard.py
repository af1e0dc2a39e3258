"""The leaderboard: scores of several encoders side by side, and their agreement on neighbours."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ... import storage
from ...collection import Collection
from ...errors import InputError
from ...evaluation import Estimate, OverlapReport, encoder_overlap
from ...reports.document import EvaluationReport
from ...search import SearchResult
from ...storage import Artifact
from .evaluate import read_report, reports
from .protocols import PROTOCOLS, protocol
from .questions import usual_group

OVERLAP_K = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: an embedding and a question; all numbers of the line answer that question."""

    collection: str
    encoder: str
    version: str
    """Empty for the newest embedding by that encoder; else the key of the older one."""
    label: str
    group: str | None
    """Column whose values were kept apart."""
    train: str | None
    """The training collection; None for other rows of the same one."""
    rows: tuple[str, ...] = ()
    """Options that restrict the rows, as they are typed; empty for all rows."""

    def question(self) -> tuple[str, str, str | None, str | None, tuple[str, ...]]:
        """The line without its encoder: numbers of equal questions may be compared."""
        return self.collection, self.label, self.group, self.train, self.rows


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of the table: a score, and everything that must be equal for its numbers to be comparable."""

    protocol: str
    score: str
    way: str = ""
    """Other settings of the measurement that must be equal for numbers to be comparable."""
    site: str | None = None
    """Column that says where a patch is from, for protocols that ask for one."""
    headline: bool = False
    """True if it belongs in the short table that fits a window."""
    help: str = ""

    @property
    def title(self) -> str:
        """Title for the head of a column."""
        way = ", ".join(filter(None, (self.site, self.way)))
        return self.score + (f" ({way})" if way else "")

    @property
    def order(self) -> tuple[bool, int, str, str]:
        """Sort key: headline scores first, then by protocol in the order of their table."""
        names = list(PROTOCOLS)
        return not self.headline, names.index(self.protocol) if self.protocol in names else len(names), self.score, self.title


@dataclass(frozen=True, slots=True)
class Score:
    """One cell: a number with its 95 % interval, and the report it comes from."""

    line: Line
    measure: Measure
    value: float | None
    low: float | None
    high: float | None
    chance: float | None
    n_groups: int | None
    """Patients (or slides) that were kept apart."""
    seed: int
    report: str
    """Key of the report."""

    @property
    def estimate(self) -> Estimate:
        """The number with its interval, NaN where unknown."""
        return Estimate(*(math.nan if each is None else each for each in (self.value, self.low, self.high)))

    def to_json(self) -> dict[str, Any]:
        """One flat record, as the CSV has it."""
        line, measure = self.line, self.measure
        return {
            "collection": line.collection,
            "encoder": line.encoder,
            "embedding": line.version or "newest",
            "label": line.label,
            "kept_apart": line.group,
            "learnt_from": line.train,
            "rows": " ".join(line.rows) or None,
            "protocol": measure.protocol,
            "site": measure.site,
            "way": measure.way or None,
            "score": measure.score,
            "title": measure.title,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "chance": self.chance,
            "groups": self.n_groups,
            "seed": self.seed,
            "report": self.report,
        }


@dataclass(frozen=True, slots=True)
class Gap:
    """A missing number, and the question that would give it."""

    line: Line
    protocol: str
    site: str | None = None

    def command(self) -> list[str]:
        """The command that measures it."""
        line = self.line
        given = {"--label": line.label, "--group": line.group, "--site": self.site, "--train": line.train, "--encoder": line.encoder}
        options = [part for option, value in given.items() if value is not None for part in (option, value)]
        return ["explorer", "evaluate", line.collection, self.protocol, *options, *line.rows]

    def to_json(self) -> dict[str, Any]:
        """A flat record."""
        return {"collection": self.line.collection, "encoder": self.line.encoder, "protocol": self.protocol, "command": self.command()}


def scores(collections: Sequence[Collection]) -> list[Score]:
    """All numbers of all reports; of reports that differ only in their seed, the newest."""
    found: dict[tuple[Line, Measure], Score] = {}
    for collection in collections:
        versions = _versions(collection)
        for artifact in reports(collection):
            if artifact.recipe["embedding"] in versions:
                for score in _scores(collection.name, artifact, versions[artifact.recipe["embedding"]]):
                    found.setdefault((score.line, score.measure), score)
    return list(found.values())


def gaps(collections: Sequence[Collection], found: Sequence[Score]) -> list[Gap]:
    """For each encoder, the questions that other encoders of the collection were evaluated on, and the default first ones,
    without an answer.
    """
    there = {(score.line, score.measure.protocol, score.measure.site) for score in found}
    missing: dict[Gap, None] = {}
    for collection in collections:
        asked = {(line.question(), name, site) for line, name, site in there if line.collection == collection.name}
        for question, name, site in [*sorted(asked, key=str), *_first_questions(collection)]:
            for encoder in collection.encoder_names():
                line = Line(collection.name, encoder, "", *question[1:])
                if (line, name, site) not in there:
                    missing.setdefault(Gap(line, name, site))
    return list(missing)


def overlap(collection: Collection, one: str, other: str, *, k: int = OVERLAP_K) -> OverlapReport:
    """How far two encoders of a collection agree on neighbours, from their stored graphs.

    The interval draws patients, else slides, else rows. Raises ``ArtifactMissing`` where an encoder has no graph,
    ``InputError`` where the graphs hold fewer than k neighbours.
    """
    group = usual_group(collection)
    return encoder_overlap(
        collection.embedding(one).graph,
        collection.embedding(other).graph,
        k=k,
        groups=None if group is None else collection.items[group],
        group_name=group or "row",
    )


def least_agreed(found: OverlapReport, n: int = 12) -> list[int]:
    """The rows on whose neighbours two encoders agree least, in ascending order of agreement; among equal rows an even sample."""
    order = np.argsort(found.per_row, kind="stable")
    if n < len(order):
        shares = found.per_row[order]
        less, alike = order[shares < shares[n]], order[shares == shares[n]]
        order = np.concatenate([less, alike[np.linspace(0, len(alike) - 1, n - len(less)).astype(int)]])
    return [int(row) for row in order]


def shared_hits(results: Sequence[SearchResult]) -> dict[int, int]:
    """Row -> number of encoders' results that contain it, for rows in more than one."""
    counted = Counter(hit.row for result in results for hit in result.hits)
    return {row: n for row, n in counted.items() if n > 1}


# -- within


def _versions(collection: Collection) -> dict[str, tuple[str, str]]:
    """Key of an embedding -> its encoder, and its version among several embeddings by that encoder."""
    found, seen = {}, set()
    for artifact in collection.artifacts("embeddings"):
        name = str(artifact.recipe["encoder"]["name"])
        found[artifact.key] = (name, artifact.key[:8] if name in seen else "")
        seen.add(name)
    return found


def _scores(collection: str, artifact: Artifact, embedding: tuple[str, str]) -> Iterator[Score]:
    try:
        facts = _facts(artifact.path)
    except InputError:  # by a protocol of another version, which is no part of this one's table
        return
    line = Line(collection, *embedding, facts.label, facts.group, facts.train, facts.rows)
    for measure, value, chance in facts.measures:
        low, high = (value.low, value.high) if value.has_interval else (None, None)
        known = value.value if value.known else None
        yield Score(line, measure, known, low, high, chance, facts.groups, facts.seed, artifact.key)


@dataclass(frozen=True, slots=True)
class _Facts:
    """The facts of a report that the table shows."""

    label: str
    group: str | None
    train: str | None
    rows: tuple[str, ...]
    groups: int | None
    seed: int
    measures: tuple[tuple[Measure, Estimate, float | None], ...]


@lru_cache(maxsize=1024)
def _facts(path: Path) -> _Facts:
    """The facts of the report in a folder; cached, because a published report never changes."""
    report = read_report(Artifact(path, storage.read_json(path / storage.META)))
    measures = [
        (Measure(report.protocol, each.score, each.way, report.site, each.headline, each.help), each.value, each.chance)
        for each in protocol(report.protocol).columns(report)
    ]
    return _Facts(report.label, report.group, report.train, _rows(report), report.groups, report.seed, tuple(measures))


def _rows(report: EvaluationReport[Any]) -> tuple[str, ...]:
    """The command-line options that restrict the rows of a report."""
    where = [part for name, value in report.selection.where.items() for part in _conditions(name, value)]
    return (*where, *(part for name in report.selection.leave_out for part in ("--leave-out", name)))


def _conditions(name: str, value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [part for sign, end in value.items() for part in ("--where", f"{name}{sign}{end}")]
    return [part for each in (value if isinstance(value, list) else [value]) for part in ("--where", f"{name}={each}")]


def _first_questions(collection: Collection) -> list[tuple[tuple[str, str, str | None, None, tuple[str, ...]], str, None]]:
    """The default first questions for any embedding: retrieval and classification of the label; none without labels."""
    if collection.items["label"].nunique() < 2:
        return []
    asked = (each.name for each in PROTOCOLS.values() if each.asked_first)
    return [((collection.name, "label", usual_group(collection), None, ()), name, None) for name in asked]
