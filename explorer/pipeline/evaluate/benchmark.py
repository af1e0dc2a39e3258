"""The verb ``benchmark``: Table I of the kaiko paper, measured here and compared with the published scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ... import encoders as models
from ...collection import Collection
from ...collection.artifact_files import load_array
from ...encoders import devices
from ...errors import InputError, SourceError, WeightsMissing, WeightsRefused
from ...evaluation import EVA_2024, PROTOCOLS, ProbeReport, linear_probe
from ...evaluation.published import BASELINES, COLUMNS, PUBLISHED, Column
from ...settings import Settings
from ...sources.benchmark_table import BENCHMARKS, Benchmark
from ...storage import Artifact
from ...types import Encoder, Progress, Report, ignore
from ..datasets import take_in
from ..embed import embed

N_RUNS = 5
SEED = 42
TASKS = tuple(dict.fromkeys(column.task for column in COLUMNS.values()))
KAIKO = ("kaiko-vits16", "kaiko-vits8", "kaiko-vitb16", "kaiko-vitb8", "kaiko-vitl14")


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of the table. Scores are mean balanced accuracies over runs."""

    encoder: str
    column: str
    """A key of ``evaluation.published.COLUMNS``."""
    mean: float
    sd: float
    low: float
    high: float
    """95 % interval of the mean over the evaluated rows."""
    published: float | None
    """None where the encoder is not in the published table."""
    published_sd: float | None
    tolerance: float
    selected_on_reported_split: bool
    artifact: str
    """Folder of the full report, relative to the home of the collections."""

    @property
    def difference(self) -> float | None:
        """Measured less published."""
        return None if self.published is None else self.mean - self.published

    @property
    def within(self) -> bool | None:
        """Whether the difference is within the tolerance."""
        return None if self.difference is None else abs(self.difference) <= self.tolerance

    def to_json(self) -> dict[str, Any]:
        """The fields and the values derived from them, as JSON values."""
        return asdict(self) | {"difference": self.difference, "within": self.within}


@dataclass(frozen=True, slots=True)
class Table:
    """All cells, the published scores they are compared with, and what could not be measured."""

    protocol: str
    columns: Mapping[str, Column]
    cells: tuple[Cell, ...]
    baselines: Mapping[str, Mapping[str, tuple[float, float | None]]]
    """Published scores of encoders without pathology training, by encoder and column; empty where the protocol has none."""
    left_out: Mapping[str, str]
    """Task or encoder -> why it is not in the table."""

    def to_json(self) -> dict[str, Any]:
        """The document ``explorer benchmark --json`` prints."""
        columns = {
            name: asdict(column) | {"chance": 1 / column.classes, "selected_on_reported_split": column.selected}
            for name, column in self.columns.items()
        }
        data = {task: BENCHMARKS[task] for task in dict.fromkeys(column.task for column in self.columns.values())}
        return {
            "protocol": self.protocol,
            "n_runs": N_RUNS,
            "seed": SEED,
            "columns": columns,
            "cells": [cell.to_json() for cell in self.cells],
            "baselines": {name: dict(scores) for name, scores in self.baselines.items()},
            "data": {name: {"title": b.title, "licence": b.licence, "cite": b.cite} for name, b in data.items()},
            "left_out": dict(self.left_out),
        }


def benchmark(
    tasks: Sequence[str],
    *,
    encoders: Sequence[str],
    settings: Settings,
    protocol: str = "eva-2024",
    accept_licence: bool = False,
    max_steps: int | None = None,
    report: Report = ignore,
) -> Table:
    """Measure each encoder on each task; completed measurements are reused.

    Data sets lie in ``settings.data_dir``, one folder each, and are downloaded only with ``accept_licence``. Each becomes the
    collection ``benchmark-<task>``, and each measurement an artifact ``benchmarks/<key>`` in it. A task without data or an
    encoder without weights is left out, and reported as such. Raises ``InputError`` for an unknown name.
    """
    _check_names(tasks, encoders, protocol)
    columns = {name: column for name, column in COLUMNS.items() if column.task in tasks}
    left_out: dict[str, str] = {}
    collections: dict[str, Collection] = {}
    for task in tasks:
        try:
            collections[task] = take_in(
                BENCHMARKS[task], name=f"benchmark-{task}", settings=settings, accept_licence=accept_licence, report=report
            )
        except SourceError as error:
            left_out[task] = str(error)
    cells = []
    for name in encoders if collections else ():
        try:
            encoder = models.load_as_set(name, settings, report=report)
        except (WeightsMissing, WeightsRefused) as error:
            left_out[name] = str(error)
            continue
        for key, column in columns.items():
            if column.task in collections:
                artifact = measure(
                    collections[column.task], key, encoder=encoder, settings=settings, protocol=protocol, max_steps=max_steps, report=report
                )
                cells.append(_cell(name, key, artifact, PUBLISHED[protocol].get(name, {}).get(key)))
    baselines = {
        name: {key: PUBLISHED[protocol][name][key] for key in columns} for name in BASELINES if name in PUBLISHED[protocol] and columns
    }
    return Table(protocol, columns, tuple(cells), baselines, left_out)


def measure(
    collection: Collection,
    key: str,
    *,
    encoder: Encoder,
    settings: Settings,
    protocol: str,
    max_steps: int | None,
    report: Report = ignore,
) -> Artifact:
    """The probe report of one column for the collection of its task, made once per vectors and settings."""
    column = COLUMNS[key]
    embedding = embed(collection, encoder=encoder, settings=settings, report=report)
    chosen: Mapping[str, Any] = EVA_2024[column.task] if protocol == "eva-2024" else {}
    recipe = {
        "kind": "benchmark",
        "embedding": embedding.key,
        "column": key,
        "protocol": protocol,
        "n_runs": N_RUNS,
        "seed": SEED,
        "max_steps": max_steps,
        **chosen,
    }

    def waiting() -> None:
        report(Progress("probe", 0, note=f"another process is measuring {key}; waiting for it"))

    def fill(work: Path) -> Mapping[str, Any]:
        report(Progress("probe", 0, 1, unit="probes", note=f"{encoder.name} on {column.title}"))
        vectors = load_array(embedding, "vectors.npy")
        parts = _parts(collection, BENCHMARKS[column.task], vectors, test=column.split == "test")
        found = linear_probe(
            *parts, protocol=protocol, n_runs=N_RUNS, seed=SEED, max_steps=max_steps, device=str(devices.choose(settings.device)), **chosen
        )
        named = _named(found, BENCHMARKS[column.task].classes)
        (work / "report.json").write_text(json.dumps(named.to_json(), indent=1, allow_nan=False), encoding="utf-8")
        report(Progress("probe", 1, 1, unit="probes"))
        measured = {name: named.to_json()[name] for name in ("mean", "sd", "scores", "interval", "seconds")}
        return measured | {"encoder": encoder.name, "device": found.protocol["device"]}

    return collection.make("benchmarks", recipe, fill, waiting=waiting)


def _check_names(tasks: Sequence[str], encoders: Sequence[str], protocol: str) -> None:
    if protocol not in PROTOCOLS:
        raise InputError(f"There is no protocol {protocol!r}; choose one of {', '.join(PROTOCOLS)}.")
    if unknown := [task for task in tasks if task not in TASKS]:
        raise InputError(f"There is no benchmark {unknown[0]!r}; choose from {', '.join(TASKS)}.")
    if not tasks or not encoders:
        raise InputError("A benchmark needs at least one task and one encoder; name them with --tasks and --encoders.")
    for name in encoders:
        models.spec(name)


def _parts(collection: Collection, known: Benchmark, vectors: Any, *, test: bool) -> list[Any]:
    """Vectors and class numbers of train, val and, where asked for, test, as ``linear_probe`` takes them."""
    number = {label: code for code, label in enumerate(known.classes)}
    codes = collection.items["label"].map(number).to_numpy(dtype=np.int64)
    split = collection.items["split"].to_numpy(dtype=str)
    parts: list[Any] = []
    for name in ("train", "val", "test") if test else ("train", "val"):
        rows = np.flatnonzero(split == name)
        parts += [np.array(vectors[rows]), codes[rows]]
    return parts


def _named(found: ProbeReport, classes: Sequence[str]) -> ProbeReport:
    """The report with labels instead of the class numbers that the probe used."""
    names = tuple(classes[int(code)] for code in found.classes)
    return replace(found, classes=names, recall=dict(zip(names, found.recall.values(), strict=True)))


def _cell(encoder: str, key: str, artifact: Artifact, published: tuple[float, float | None] | None) -> Cell:
    measured, (mean, sd) = artifact.meta["measured"], published or (None, None)
    return Cell(
        encoder=encoder,
        column=key,
        mean=measured["mean"],
        sd=measured["sd"],
        low=measured["interval"]["low"],
        high=measured["interval"]["high"],
        published=mean,
        published_sd=sd,
        tolerance=COLUMNS[key].tolerance,
        selected_on_reported_split=COLUMNS[key].selected,
        artifact="/".join(artifact.path.parts[-3:]),
    )
