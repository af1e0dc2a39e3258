"""Everything that can be wrong with a collection on disk, as one sentence per fault.

The files are compared with their recorded sha256; beyond that, what a record says must agree with what lies there: keys with
recipes, numbers of rows with the table, references with the artifacts that they name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow

from .. import storage
from ..errors import ArtifactDamaged, ArtifactMissing
from ..storage import Artifact

REQUIRED_COLUMNS = ("id", "uri", "width_px", "height_px", "sha256")


@dataclass(frozen=True, slots=True)
class Kind:
    """What an artifact of a kind must have, in every version of the program that wrote one."""

    files: tuple[str, ...]
    recipe: Mapping[str, type]
    """Fields of the recipe and their types; a dot leads into an object."""
    measured: Mapping[str, type] = field(default_factory=dict)
    one_per_row: tuple[str, ...] = ()
    """Arrays whose first axis is the rows, where they are there."""
    made_from: Mapping[str, str] = field(default_factory=dict)
    """Field of the recipe -> kind of the artifact whose key it holds."""


KINDS: Mapping[str, Kind] = {
    "thumbnails": Kind(("thumbnails.bin", "offsets.npy"), {"side_px": int}),
    "embeddings": Kind(("vectors.npy",), {"items": str, "encoder.name": str}, one_per_row=("vectors.npy",)),
    "neighbours": Kind(
        ("index.faiss", "knn_rows.npy", "knn_scores.npy"),
        {"embedding": str, "k": int},
        {"index.kind": str},
        one_per_row=("knn_rows.npy", "knn_scores.npy"),
        made_from={"embedding": "embeddings"},
    ),
    "projections": Kind(
        ("xy.npy",),
        {"neighbours": str, "method": str},
        one_per_row=("xy.npy", "trustworthiness.npy", "continuity.npy"),
        made_from={"neighbours": "neighbours"},
    ),
    "stabilities": Kind(("stability.npy",), {"projection": str}, one_per_row=("stability.npy",), made_from={"projection": "projections"}),
    "clusters": Kind(
        ("labels.npy", "medoids.npy"),
        {"neighbours": str, "method": str},
        {"sizes": list},
        one_per_row=("labels.npy",),
        made_from={"neighbours": "neighbours"},
    ),
}
"""Other kinds (reports, pictures, selections) are compared with their records only."""


def collection_faults(path: Path, record: Mapping[str, Any]) -> list[str]:
    """Faults of the collection itself and of all its artifacts; empty when all is well."""
    faults = storage.verify(Artifact(path, record)) + _table_faults(path, record)
    for folder in sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")):
        faults += storage.verify_kind(path, folder.name)
        for artifact in storage.artifacts(path, folder.name):
            faults += _artifact_faults(path, record, folder.name, artifact)
    return faults


def missing_fields(kind: str, artifact: Artifact) -> list[str]:
    """Names of the files and fields that every artifact of this kind has and the record of this one lacks."""
    shape = KINDS.get(kind)
    if shape is None:
        return []
    missing = [name for name in shape.files if name not in artifact.meta["files"]]
    for within, fields in (("recipe", shape.recipe), ("measured", shape.measured)):
        for name, form in fields.items():
            value: Any = artifact.meta[within]
            for step in name.split("."):
                value = value.get(step) if isinstance(value, Mapping) else None
            if not isinstance(value, form):
                missing.append(f"{name} in its {within}")
    return missing


_UNREADABLE = (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError)
"""What pyarrow and pandas raise for a damaged Parquet file: its own kinds, and those of metadata that is no valid JSON or lacks names."""


def _table_faults(path: Path, record: Mapping[str, Any]) -> list[str]:
    tables = {}
    for name in ("items.parquet", "rejects.parquet"):
        try:
            tables[name] = pd.read_parquet(path / name)
        except _UNREADABLE as error:
            return [f"{path / name} is damaged ({str(error)[:80]}); restore it from a copy."]
    items, mend = tables["items.parquet"], "restore this collection from a copy."
    if missing := [column for column in REQUIRED_COLUMNS if column not in items.columns]:
        return [f"{path / 'items.parquet'} has no column {missing[0]}; {mend}"]
    faults = []
    if len(items) != record["n"]:
        faults.append(f"{path / 'items.parquet'} has {len(items)} rows and {storage.COLLECTION} says {record['n']}; {mend}")
    if hashlib.sha256("".join(items["sha256"].astype(str)).encode()).hexdigest() != record["items_sha256"]:
        faults.append(f"The pictures in {path / 'items.parquet'} are not those that {storage.COLLECTION} says; {mend}")
    if record.get("rejected", len(tables["rejects.parquet"])) != len(tables["rejects.parquet"]):
        faults.append(f"{path / 'rejects.parquet'} has not the {record['rejected']} rows that {storage.COLLECTION} says; {mend}")
    return faults


def _artifact_faults(root: Path, record: Mapping[str, Any], kind: str, artifact: Artifact) -> list[str]:
    path, mend = artifact.path, f"delete {artifact.path} and run the step again."
    if storage.fingerprint(artifact.recipe) != artifact.key:
        return [f"{path / storage.META} has a recipe that belongs to another key; {mend}"]
    shape = KINDS.get(kind)
    if shape is None:
        return []
    faults = [f"{path / storage.META} has no {name}; {mend}" for name in missing_fields(kind, artifact)]
    for name, of in shape.made_from.items():
        if name in artifact.recipe and not (root / of / str(artifact.recipe[name]) / storage.META).is_file():
            faults.append(f"{path} was made from {of}/{artifact.recipe[name]}, which is gone; {mend}")
    if artifact.recipe.get("items", record["items_sha256"]) != record["items_sha256"]:
        faults.append(f"{path} was made from other pictures than those of this collection; {mend}")
    for name in shape.one_per_row:
        faults += _rows_fault(artifact, name, record["n"], mend)
    if kind == "thumbnails" and not faults:
        faults += _thumbnail_faults(artifact, record["n"], mend)
    return faults


def _rows_fault(artifact: Artifact, name: str, n: int, mend: str) -> list[str]:
    try:
        path = storage.file(artifact, name)
    except (ArtifactDamaged, ArtifactMissing):  # which ``storage.verify`` names
        return []
    try:
        shape, _ = storage.array_shape(path)
    except ArtifactDamaged as damage:
        return [str(damage)]
    return [] if shape[:1] == (n,) else [f"{artifact.path / name} has not the {n} rows of its collection; {mend}"]


def _thumbnail_faults(artifact: Artifact, n: int, mend: str) -> list[str]:
    try:
        ends = storage.read_array(storage.file(artifact, "offsets.npy"))
        size = storage.file(artifact, "thumbnails.bin").stat().st_size
    except (ArtifactDamaged, ArtifactMissing) as damage:
        return [str(damage)]
    fits = ends.shape == (n + 1,) and ends.dtype == np.int64 and ends[0] == 0 and ends[-1] == size and (np.diff(ends) >= 0).all()
    return [] if fits else [f"{artifact.path / 'offsets.npy'} does not divide the thumbnails into {n}; {mend}"]
