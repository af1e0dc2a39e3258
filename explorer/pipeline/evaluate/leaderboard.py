"""The verb ``compare``: what reports say of several encoders, side by side, and how far encoders agree on neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ... import storage
from ...collection import Collection
from ...evaluation import OverlapReport, encoder_overlap
from ...reports.words import MEASURES
from ...search import SearchResult
from ...storage import Artifact
from .evaluate import FORMAT, read_report, usual_group

OVERLAP_K = 10
HEADLINES = ("MV@10", "mAP@10", "kNN, k = 5", "linear probe", "robustness index")
"""One score of each kind, for a table that fits a window."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: an embedding, and a question that all numbers of the line answer."""

    collection: str
    encoder: str
    version: str
    """Empty for the newest embedding by that encoder; else the key of the older one."""
    label: str
    group: str | None
    """Column whose values were kept apart."""
    train: str | None
    """Collection that was learnt from; None: other rows of the same one."""

    def question(self) -> tuple[str, str, str | None, str | None]:
        """The line without its encoder: numbers of equal questions may be compared."""
        return self.collection, self.label, self.group, self.train


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of the table: a score, and all that must be equal for its numbers to be comparable."""

    protocol: str
    score: str
    way: str = ""
    """Of the linear probe the published protocol, and how rows were split where not in folds; of the leak meter the column that says
    where a patch is from."""

    @property
    def title(self) -> str:
        """For the head of a column."""
        return self.score + (f" ({self.way})" if self.way else "")


@dataclass(frozen=True, slots=True)
class Score:
    """One cell: a number with its 95 % interval, and where it is from."""

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
            "protocol": measure.protocol,
            "way": measure.way or None,
            "score": measure.score,
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
    """A number that is not there yet, and the question whose answer it is."""

    line: Line
    protocol: str
    site: str | None = None

    def command(self) -> list[str]:
        """What to type for it."""
        line = self.line
        given = {"--label": line.label, "--group": line.group, "--site": self.site, "--train": line.train, "--encoder": line.encoder}
        options = [part for option, value in given.items() if value is not None for part in (option, value)]
        return ["explorer", "evaluate", line.collection, self.protocol, *options]

    def to_json(self) -> dict[str, Any]:
        """As one record."""
        return {"collection": self.line.collection, "encoder": self.line.encoder, "protocol": self.protocol, "command": self.command()}


def scores(collections: Sequence[Collection]) -> list[Score]:
    """All numbers of all reports; of one question asked with several seeds, those of the newest report."""
    found: dict[tuple[Line, Measure], Score] = {}
    for collection in collections:
        versions = _versions(collection)
        for artifact in collection.artifacts("reports", format=FORMAT):
            if artifact.recipe["embedding"] in versions:
                for score in _scores(collection.name, artifact, versions[artifact.recipe["embedding"]]):
                    found.setdefault((score.line, score.measure), score)
    return list(found.values())


def gaps(collections: Sequence[Collection], found: Sequence[Score]) -> list[Gap]:
    """What has been asked of one encoder of a collection, or is asked first of any, and not yet of another encoder of it."""
    there = {(score.line, score.measure.protocol, _site(score.measure)) for score in found}
    missing: dict[Gap, None] = {}
    for collection in collections:
        asked = {(line.question(), protocol, site) for line, protocol, site in there if line.collection == collection.name}
        for question, protocol, site in [*sorted(asked, key=str), *_first_questions(collection)]:
            for encoder in collection.encoder_names():
                line = Line(collection.name, encoder, "", *question[1:])
                if (line, protocol, site) not in there:
                    missing.setdefault(Gap(line, protocol, site))
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
    """The rows on whose neighbours two encoders agree least, least first. Of more that agree alike than are asked for, an even sample."""
    order = np.argsort(found.per_row, kind="stable")
    if n < len(order):
        shares = found.per_row[order]
        less, alike = order[shares < shares[n]], order[shares == shares[n]]
        order = np.concatenate([less, alike[np.linspace(0, len(alike) - 1, n - len(less)).astype(int)]])
    return [int(row) for row in order]


def shared_hits(results: Sequence[SearchResult]) -> dict[int, int]:
    """Row -> how many of the answers to one query hold it, for rows that more than one holds."""
    counted = Counter(hit.row for result in results for hit in result.hits)
    return {row: n for row, n in counted.items() if n > 1}


# -- within


def _versions(collection: Collection) -> dict[str, tuple[str, str]]:
    """Key of an embedding -> its encoder, and which of several by that encoder it is."""
    found, seen = {}, set()
    for artifact in collection.artifacts("embeddings"):
        name = str(artifact.recipe["encoder"]["name"])
        found[artifact.key] = (name, artifact.key[:8] if name in seen else "")
        seen.add(name)
    return found


def _scores(collection: str, artifact: Artifact, embedding: tuple[str, str]) -> Iterator[Score]:
    facts = _facts(artifact.path)
    columns = facts["columns"]
    line = Line(collection, *embedding, columns["label"], columns["group"], facts["train"])
    for measure, value, chance in facts["measures"]:
        yield Score(line, measure, value["value"], value["low"], value["high"], chance, facts["groups"], facts["seed"], artifact.key)


@lru_cache(maxsize=1024)
def _facts(path: Path) -> Mapping[str, Any]:
    """The few facts of a report that the table shows; a published report never changes."""
    document = read_report(Artifact(path, storage.read_json(path / storage.META)))
    return {name: document[name] for name in ("columns", "train", "groups", "seed")} | {"measures": list(_measures(document))}


def _measures(document: Mapping[str, Any]) -> Iterator[tuple[Measure, Mapping[str, Any], float | None]]:
    """Every score of a report with its interval and what chance would give."""
    results = document["results"]
    split = _split(results.get("split", {}))
    if found := results.get("retrieval"):
        for at in reversed(found["at"]):
            for name, value in at["scores"].items():
                yield Measure("retrieval", f"{MEASURES[name]}@{at['k']}"), value, at["chance"][name]
    if found := results.get("knn"):
        for k, each in found["knn"].items():
            yield Measure("knn", f"kNN, k = {k}", split), each["balanced_accuracy"], found["chance"]
        yield Measure("knn", "class means", split), found["prototype"]["balanced_accuracy"], found["chance"]
    if found := results.get("linear"):
        way = ", ".join(filter(None, (found["protocol"]["name"], split)))
        yield Measure("linear", "linear probe", way), found["interval"], found["chance"]
    if found := results.get("leak"):
        site = document["columns"]["site"]
        yield Measure("leak", "robustness index", site), found["robustness"], found["robustness_by_chance"]
        yield Measure("leak", "origin named by neighbours", site), found["site_accuracy"], found["site_accuracy_by_chance"]


def _split(facts: Mapping[str, Any]) -> str:
    """Empty for folds and for another collection that teaches; else whose rows are judged in the collection's own split."""
    return {"": "", "test": "own split", "val": "own split, val judged"}[facts.get("judged", "")]


def _site(measure: Measure) -> str | None:
    return measure.way if measure.protocol == "leak" else None


def _first_questions(collection: Collection) -> list[tuple[tuple[str, str, str | None, None], str, None]]:
    """What one would ask first of any embedding: how well it finds and tells apart the label; nothing without labels."""
    if collection.items["label"].nunique() < 2:
        return []
    return [((collection.name, "label", usual_group(collection), None), protocol, None) for protocol in ("retrieval", "knn", "linear")]
