"""The verb ``evaluate``: what an embedding is worth for a label, measured with patients apart and beside its anchors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from ... import encoders, storage
from ...collection import Collection, Embedding
from ...errors import InputError
from ...evaluation import cluster_leak
from ...evaluation.reports import plain
from ...reports.html import report_html
from ...storage import Artifact
from ...types import Progress, Report, ignore
from . import baselines
from .protocols import Finding, Measurement
from .splits import Part, own_split

PROTOCOLS = ("retrieval", "knn", "linear", "leak")
FORMAT = 4
GROUPS = ("patient", "slide")
SITES = ("site", "scanner", "slide", "patient")
N_TIMED = 200


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a collection; columns left out are chosen: patient, else slide; for the leak site, scanner, slide, patient."""

    protocol: Literal["retrieval", "knn", "linear", "leak"]
    label: str = "label"
    group: str | None = None
    site: str | None = None
    encoder: str | None = None
    seed: int = 0


def evaluate(collection: Collection, question: Question, *, train: Collection | None = None, report: Report = ignore) -> Artifact:
    """A report ``report.json`` with ``report.html`` to hand on; made once for the same vectors, columns and seed.

    ``knn`` and ``linear`` learn from ``train`` where it is given, else from folds of the collection. Raises ``InputError``
    for columns that cannot be measured, ``ArtifactMissing`` where an embedding is missing.
    """
    measurement = _measurement(collection, question, train)
    embedding = collection.embedding(question.encoder).artifact
    encoder = str(embedding.recipe["encoder"]["name"])
    teaching = None if train is None else _alike(train, embedding)
    group, site = measurement.group_name or None, measurement.site_name or None
    anchors = baselines.anchors(collection, train, but=encoder)
    neighbours = _newest(collection, "neighbours", embedding=embedding.key) if question.protocol in ("retrieval", "leak") else None
    clusters = _newest(collection, "clusters", neighbours=neighbours.key) if neighbours and question.protocol == "leak" else None
    recipe = {
        "kind": "report",
        "format": FORMAT,
        "embedding": embedding.key,
        "protocol": question.protocol,
        "label": question.label,
        "group": group,
        "site": site,
        "seed": question.seed,
        "train": None if teaching is None else teaching.key,
        "anchors": {name: [each.key for each in found] for name, found in anchors.items()},
        "neighbours": None if neighbours is None else neighbours.key,
        "clusters": None if clusters is None else clusters.key,
    }

    def fill(work: Path) -> Mapping[str, Any]:
        started = time.perf_counter()
        steps = 2 + len(anchors)

        def step(done: int, note: str = "") -> None:
            report(Progress("evaluate", done, steps, unit="measurements", note=note))

        step(0)
        finding = measurement.run(*baselines.vectors(embedding, teaching))
        results = dict(finding.results)
        if question.protocol == "retrieval":
            results["index"] = _index_facts(collection.embedding(embedding.key), question.seed) if neighbours else None
        if clusters is not None:
            results["clusters"] = _cluster_leak(clusters, measurement)
            finding = replace(finding, sentences=(*finding.sentences, results["clusters"]["sentence"]))
        beside = [{"name": "chance", "title": "Chance", "value": finding.chance, "low": None, "high": None}]
        step(1)
        beside.append(_anchor("colour", "Colour histogram of the thumbnails", measurement.alone(*baselines.colours(collection, train))))
        for done, (name, found) in enumerate(anchors.items(), 2):
            step(done)
            beside.append(_anchor(name, encoders.spec(name).title, measurement.alone(*baselines.vectors(*found))))
        if (told := baselines.published(collection, encoder, results)) is not None and question.label == "label":
            beside.append(told)
        step(steps)
        document = {
            "format": FORMAT,
            "collection": collection.name,
            "train": None if train is None else train.name,
            "rows": collection.n,
            "encoder": encoder,
            "protocol": question.protocol,
            "columns": {"label": question.label, "group": group, "site": site},
            "groups": _counted(measurement.part),
            "seed": question.seed,
            "score": finding.score,
            "value": {"value": finding.value.value, "low": finding.value.low, "high": finding.value.high},
            "naive": finding.naive,
            "anchors": beside,
            "anchors_not_there": [name for name in baselines.ANCHORS if name != encoder and name not in anchors],
            "sentences": [sentence for sentence in finding.sentences if sentence],
            "results": results,
            "mistakes": [asdict(each) for each in finding.mistakes],
            "recipe": recipe,
            "hashes": _hashes(collection, embedding, teaching),
            "versions": storage.versions(),
        }
        document = plain(document)
        storage.write_json(work / "report.json", document)
        pictures = {each.row: collection.thumbnail(each.row) for each in finding.mistakes}
        (work / "report.html").write_text(report_html(document, pictures), encoding="utf-8")
        facts = {key: document[key] for key in ("encoder", "protocol", "score", "value", "naive")}
        return {**facts, "seconds": round(time.perf_counter() - started, 3)}

    waiting = f"another process is doing this for {collection.name!r}; waiting for it"
    return collection.make("reports", recipe, fill, waiting=lambda: report(Progress("evaluate", 0, note=waiting)))


def usual_group(collection: Collection) -> str | None:
    """The column that is kept apart where none is named; None where neither patients nor slides are known."""
    return next((name for name in GROUPS if _has_values(collection, name)), None)


def check_question(collection: Collection, question: Question, *, train: Collection | None = None) -> None:
    """Raise at once what ``evaluate`` would raise for these columns, without looking at a vector."""
    collection.embedding(question.encoder)
    _measurement(collection, question, train).check()


def read_report(artifact: Artifact) -> dict[str, Any]:
    """The document of a report."""
    document: dict[str, Any] = storage.read_json(storage.file(artifact, "report.json"))
    return document


# -- which columns


def _measurement(collection: Collection, question: Question, train: Collection | None) -> Measurement:
    _check(question, train)
    group, site = _group(collection, question), _site(collection, question)
    return Measurement(
        protocol=question.protocol,
        part=_part(collection, question.label, group, site),
        teacher=None if train is None else _part(train, question.label, group if group in train.items else None, None),
        group_name=group or "",
        site_name=site or "",
        seed=question.seed,
    )


def _check(question: Question, train: Collection | None) -> None:
    if question.protocol not in PROTOCOLS:
        raise InputError(f"There is no measurement {question.protocol!r}; choose one of {', '.join(PROTOCOLS)}.")
    if train is not None and question.protocol not in ("knn", "linear"):
        raise InputError(f"{question.protocol} learns from no rows, so it takes no collection to train on; leave it out.")
    if question.site is not None and question.protocol != "leak":
        raise InputError(f"A site column is for the leak meter, and {question.protocol} has no use for it; leave it out.")


def _group(collection: Collection, question: Question) -> str | None:
    """The column whose values are kept apart. A site that is itself the patient or slide is met by leaving out the query only."""
    if question.protocol == "leak" and question.group is None and _site(collection, question) in GROUPS:
        return None
    if question.group is not None:
        _column(collection, question.group)
        return question.group
    return usual_group(collection)


def _site(collection: Collection, question: Question) -> str | None:
    if question.protocol != "leak":
        return None
    if question.site is not None:
        return question.site
    if found := next(iter(site_columns(collection)), None):
        return found
    raise InputError(
        f"Collection {collection.name!r} has no site, scanner, slide or patient column; name one that says where a patch is from."
    )


def site_columns(collection: Collection) -> list[str]:
    """Columns that say where a patch is from, best first: those with several places first, then those with one."""
    known = [name for name in SITES if _has_values(collection, name)]
    return sorted(known, key=lambda name: collection.items[name].nunique() < 2)


def _has_values(collection: Collection, name: str) -> bool:
    return name in collection.items and bool(_column(collection, name).notna().any())


def _part(collection: Collection, label: str, group: str | None, site: str | None) -> Part:
    values = {name: _column(collection, name) for name in (label, group, site) if name is not None}
    return Part(
        label=values[label],
        group=None if group is None or not values[group].notna().any() else values[group],
        site=None if site is None else values[site],
        pixels=collection.items["sha256"],
        split=own_split(_column(collection, "split")),
    )


def _column(collection: Collection, name: str) -> pd.Series:
    """A column with None for every gap; numbers stay numbers."""
    if name not in collection.items:
        raise InputError(f"Collection {collection.name!r} has no column {name!r}; it has {', '.join(map(str, collection.items.columns))}.")
    column = collection.items[name].astype(object)
    text = column.map(lambda value: isinstance(value, str) and not value.strip())
    return column.where(column.notna() & ~text, None)


# -- which vectors


def _newest(collection: Collection, kind: str, **recipe: Any) -> Artifact | None:
    return next(iter(collection.artifacts(kind, **recipe)), None)


def _alike(train: Collection, embedding: Artifact) -> Artifact:
    """The other collection's embedding by the same encoder with the same weights and settings."""
    return train.artifact("embeddings", step="embed", encoder=embedding.recipe["encoder"])


# -- what goes into the document


def _anchor(name: str, title: str, finding: Finding) -> dict[str, Any]:
    return {"name": name, "title": title, "value": finding.value.value, "low": finding.value.low, "high": finding.value.high}


def _cluster_leak(clusters: Artifact, asked: Measurement) -> dict[str, Any]:
    part = asked.part
    assert part.site is not None  # the leak meter always has one
    columns = {"pixels": part.pixels, "label": part.label, "site": part.site} | ({} if part.group is None else {"group": part.group})
    once = ~pd.DataFrame(columns).duplicated().to_numpy()  # a picture and its copies count once
    found = cluster_leak(
        np.load(storage.file(clusters, "labels.npy"), allow_pickle=False)[once],
        part.label[once],
        sites=part.site[once],
        groups=None if part.group is None else part.group[once],
        site_name=asked.site_name,
        seed=asked.seed,
    )
    return {"method": clusters.recipe["method"], **found.to_json()}


def _counted(part: Part) -> int | None:
    """Patients (or slides) among the labelled rows."""
    return None if part.group is None else int(part.group[part.label.notna()].nunique())


def _index_facts(embedding: Embedding, seed: int) -> dict[str, Any]:
    """Recall of the index people search with, and how long one search takes on this machine."""
    index, vectors = embedding.index, embedding.vectors
    rows = np.sort(np.random.default_rng(seed).choice(index.n, min(N_TIMED, index.n), replace=False))
    seconds = []
    for row in rows:
        query = np.array(vectors[row][None])
        started = time.perf_counter()
        index.search(query, min(10, index.n))
        seconds.append(time.perf_counter() - started)
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    measured = embedding.neighbours.meta["measured"]
    return {
        "kind": index.kind,
        "recall_at_10": measured["recall_at_10"],
        "latency_ms": {"p50": round(float(p50), 3), "p99": round(float(p99), 3)},
        "n_timed": len(rows),
    }


def _hashes(collection: Collection, embedding: Artifact, teaching: Artifact | None) -> dict[str, Any]:
    return {
        "items_sha256": collection.record["items_sha256"],
        "vectors_sha256": embedding.meta["files"]["vectors.npy"]["sha256"],
        "weights_sha256": embedding.recipe["encoder"].get("weights_sha256"),
        "train_vectors_sha256": None if teaching is None else teaching.meta["files"]["vectors.npy"]["sha256"],
    }
