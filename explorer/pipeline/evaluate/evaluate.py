"""The verb ``evaluate``: what an embedding is worth for a label, with patients kept apart, and the same for baselines."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ... import encoders, storage
from ...collection import Collection, Embedding
from ...collection.artifact_files import load_array
from ...encoders import devices
from ...errors import ArtifactMissing, InputError
from ...evaluation import Estimate
from ...reports import document
from ...reports.document import Baseline, EvaluationReport, Hashes, Selection, SplitFacts
from ...reports.format_4 import protocol_name
from ...reports.html import report_html
from ...storage import Artifact
from ...types import Progress, Report, ignore
from ...wording import counted, verb_for
from . import baselines
from .baselines import load
from .measure import Measured, check, measure, measure_baseline
from .protocols import protocol, shown
from .protocols.base import Clusters, IndexFacts
from .questions import Prepared, Question, classes_left_out, prepare
from .splits import AnyVectors

N_TIMED = 200


def evaluate(
    collection: Collection, question: Question, *, train: Collection | None = None, device: str = "auto", report: Report = ignore
) -> Artifact:
    """Make a report ``report.json`` with ``report.html``; made once per vectors, columns, rows and seed.

    Protocols that train use ``train`` where it is given, else folds of the collection. ``device`` is where searches and linear
    heads run (auto, cpu, cuda, ...). Raises ``InputError`` for columns that cannot be measured, ``ArtifactMissing`` where an
    embedding is missing, ``DeviceUnavailable``.
    """
    handle = collection.embedding(question.encoder)
    embedding = handle.artifact
    prepared = prepare(collection, question, train, device=str(devices.choose(device)))
    encoder = handle.encoder_name
    teaching = (
        None
        if train is None
        else train.artifact("embeddings", step="embed", options=f" --encoder {encoder}", encoder=embedding.recipe["encoder"])
    )
    others = baselines.baselines(collection, train, but=encoder)
    neighbours, clusters = _beside(handle, prepared.protocol.beside)
    leave_out = classes_left_out(question.leave_out)
    recipe = {
        "kind": "report",
        "format": document.FORMAT,
        "embedding": embedding.key,
        "protocol": prepared.protocol.name,
        "label": question.label,
        "group": prepared.group,
        "site": prepared.site,
        "seed": question.seed,
        "k": question.k,
        "where": dict(question.where),
        "leave_out": list(leave_out),
        "train": None if teaching is None else teaching.key,
        "baselines": {name: [each.key for each in found] for name, found in others.items()},
        "neighbours": None if neighbours is None else neighbours.key,
        "clusters": None if clusters is None else clusters.key,
    }
    if prepared.annotations_sha256 is not None:  # another label by people is another report
        recipe["annotations_sha256"] = prepared.annotations_sha256

    def fill(work: Path) -> Mapping[str, Any]:
        started = time.perf_counter()
        steps = 2 + len(others)

        def step(done: int, note: str = "") -> None:
            report(Progress("evaluate", done, steps, unit="measurements", note=note))

        step(0)
        found = measure(
            prepared.protocol,
            prepared.columns,
            *_vectors(prepared, embedding, teaching),
            index=_index_facts(handle, question.seed) if neighbours and prepared.protocol.beside == "index" else None,
            clusters=None if clusters is None else _clusters(clusters, prepared),
        )
        beside = [Baseline("chance", "Chance", Estimate(found.finding.chance))]
        step(1)
        colours = baselines.colours(collection), None if train is None else baselines.colours(train)
        beside.append(_baseline(prepared, baselines.COLOUR, baselines.COLOUR_TITLE, *colours))
        for done, (name, artifacts) in enumerate(others.items(), 2):
            step(done)
            beside.append(_baseline(prepared, name, encoders.spec(name).title, *artifacts))
        if prepared.protocol.published and question.label == "label" and not question.where and not leave_out:
            judged = "" if found.split is None else found.split.judged
            if (known := baselines.published(collection, encoder, judged)) is not None:
                beside.append(Baseline("published", known[0], Estimate(known[1])))
        step(steps)
        finding = found.finding
        result = EvaluationReport(
            format=document.FORMAT,
            collection=collection.name,
            train=None if train is None else train.name,
            rows=collection.n,
            encoder=encoder,
            protocol=prepared.protocol.name,
            label=question.label,
            group=prepared.group,
            site=prepared.site,
            groups=_counted(prepared),
            seed=question.seed,
            selection=Selection(dict(question.where), leave_out, question.k),
            score=finding.score,
            value=finding.value,
            naive=finding.naive if found.careless is None else found.careless.value.value,
            baselines=tuple(beside),
            baselines_missing=tuple(name for name in baselines.BASELINES if name != encoder and name not in others),
            warnings=finding.warnings,
            sentences=(*filter(None, finding.sentences), *_rows_left_out(prepared, leave_out)),
            results=finding.results,
            careless=None if found.careless is None else found.careless.results,
            split=_split_facts(found),
            left_out=dict(finding.left_out),
            copies=prepared.copies,
            unlabelled=prepared.unlabelled,
            mistakes=tuple(replace(each, row=int(prepared.rows[each.row])) for each in finding.mistakes),
            recipe=recipe,
            hashes=_hashes(collection, embedding, teaching),
            versions=storage.versions(),
        )
        json = document.to_json(result)
        storage.write_json(work / "report.json", json)
        pictures = {each.row: collection.thumbnail(each.row) for each in result.mistakes}
        (work / "report.html").write_text(report_html(result, shown(result), pictures), encoding="utf-8")
        facts = {name: json[name] for name in ("encoder", "protocol", "score", "value", "naive")}
        return {**facts, "seconds": round(time.perf_counter() - started, 3)}

    waiting = f"another process is doing this for {collection.name!r}; waiting for it"
    return collection.make("reports", recipe, fill, waiting=lambda: report(Progress("evaluate", 0, note=waiting)))


def check_question(collection: Collection, question: Question, *, train: Collection | None = None) -> None:
    """Raise the errors that ``evaluate`` would raise for these columns, without reading a vector."""
    collection.embedding(question.encoder)
    prepared = prepare(collection, question, train)
    try:
        check(prepared.protocol, prepared.columns)
    except InputError as error:
        if not prepared.copies:
            raise
        n = len(prepared.rows)
        rows = f"of {counted(n + prepared.copies, 'row')} with a label, {n} {verb_for(n, 'is')} left without exact copies"
        raise InputError(f"{str(error).removesuffix('.')} ({rows}).") from error


def reports(collection: Collection, *, embedding: str | None = None, protocol: str | None = None) -> list[Artifact]:
    """Reports that this program can read, newest first: all, or those on an embedding (by its key) or by a protocol."""
    found = (each for each in collection.artifacts("reports") if each.recipe.get("format") in document.READABLE)
    return [
        each
        for each in found
        if embedding in (None, each.recipe["embedding"]) and (protocol is None or protocol == protocol_name(each.recipe))
    ]


def read_report(artifact: Artifact) -> EvaluationReport[Any]:
    """The report of an artifact. Raises ``ArtifactDamaged``, or ``InputError`` for a protocol that this program does not know."""
    path = storage.file(artifact, "report.json")
    return document.read(storage.read_json(path), protocol(protocol_name(artifact.recipe)).results, where=str(path))


# -- which vectors


def _beside(embedding: Embedding, beside: str) -> tuple[Artifact | None, Artifact | None]:
    """The neighbours of the embedding, and its newest clustering, where the protocol uses them and they are there."""
    if not beside:
        return None, None
    try:
        neighbours = embedding.neighbours
    except ArtifactMissing:  # a report can do without
        return None, None
    return neighbours, next(iter(embedding.clusterings()), None) if beside == "clusters" else None


def _vectors(prepared: Prepared, measured: Artifact, teaching: Artifact | None) -> tuple[AnyVectors, AnyVectors | None]:
    """The vectors of the rows to measure and of the rows to train on."""
    return np.array(load(measured)[prepared.rows]), None if teaching is None else np.array(load(teaching)[prepared.teaching_rows])


def _baseline(prepared: Prepared, name: str, title: str, measured: Artifact, teaching: Artifact | None = None) -> Baseline:
    finding = measure_baseline(prepared.protocol, prepared.columns, *_vectors(prepared, measured, teaching))
    return Baseline(name, title, finding.value)


def _clusters(artifact: Artifact, prepared: Prepared) -> Clusters:
    labels = load_array(artifact, "labels.npy")[prepared.rows]
    return Clusters(str(artifact.recipe["method"]), labels.astype(np.int64))


# -- what goes into the report


def _rows_left_out(prepared: Prepared, leave_out: tuple[str, ...]) -> list[str]:
    """Sentences on rows that did not count, and why."""
    sentences = []
    if prepared.copies:
        n = len(prepared.rows)
        sentences.append(f"{n + prepared.copies} labelled rows, {n} after leaving out exact copies, which count once.")
    part, group = prepared.columns.part, prepared.group
    by_split = prepared.protocol.learns and (prepared.columns.teacher is not None or part.split is not None)
    if part.group is not None and not by_split and (n := int(part.group.isna().sum())):
        was, its = verb_for(n, "was"), verb_for(n, "its")
        sentences.append(f"{counted(n, 'row')} with a label {was} left out, because {its} {group} is not known.")
    if leave_out:
        sentences.append(f"Left out as asked: {', '.join(leave_out)}.")
    return sentences


def _split_facts(found: Measured) -> SplitFacts | None:
    return None if found.split is None else SplitFacts(found.split.way, dict(found.split.left_out), found.split.judged)


def _counted(prepared: Prepared) -> int | None:
    """Number of patients (or slides) among the rows that count."""
    group = prepared.columns.part.group
    return None if group is None else int(group.nunique())


def _index_facts(embedding: Embedding, seed: int) -> IndexFacts:
    """Recall of the search index, and the duration of one search on this machine."""
    index, vectors = embedding.index, embedding.vectors
    rows = np.sort(np.random.default_rng(seed).choice(len(vectors), min(N_TIMED, len(vectors)), replace=False))
    seconds = []
    for row in rows:
        query = np.array(vectors[row][None])
        started = time.perf_counter()
        index.search(query, min(10, index.n))
        seconds.append(time.perf_counter() - started)
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    recall = float(embedding.neighbours.meta["measured"]["recall_at_10"])
    return IndexFacts(index.kind, recall, {"p50": round(float(p50), 3), "p99": round(float(p99), 3)}, len(rows))


def _hashes(collection: Collection, embedding: Artifact, teaching: Artifact | None) -> Hashes:
    def sha256(artifact: Artifact) -> str:
        return str(artifact.meta["files"]["vectors.npy"]["sha256"])

    weights = embedding.recipe["encoder"].get("weights_sha256")
    return Hashes(collection.record["items_sha256"], sha256(embedding), weights, None if teaching is None else sha256(teaching))
