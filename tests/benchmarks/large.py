"""Collections of any size for the benchmarks of the app: few pictures, many rows, written by the program's own writers."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from browser import data

from explorer import pipeline, settings, storage
from explorer.collection import RECORD, Collection, open_collection
from explorer.sources import open_source

PICTURES, SIDE_PX, DIM, GROUPS = 1000, 16, 32, 12
TISSUES = ("adipose", "debris", "lymphocytes", "mucosa", "muscle", "normal mucosa", "stroma", "tumour")


def make(home: Path, name: str, n: int, *, dim: int = DIM) -> Collection:
    """``n`` rows with label, patient, vectors of ``dim`` numbers, neighbours, a map and groups, as if UMAP and k-means had made them."""
    few = _few(home, name)
    _widen(few, n)
    opened = open_collection(name, home=home)
    cloud, rng = data.clouds(n), np.random.default_rng(9)
    encoder = {"name": "drawn", "dim": dim}
    embedded = storage.make(
        opened.path,
        "embeddings",
        {"kind": "embedding", "items": opened.record["items_sha256"], "encoder": encoder},
        lambda work: _vectors(work, rng.normal(0, 1, (GROUPS, dim))[cloud] + rng.normal(0, 0.3, (n, dim))),
    )
    made = pipeline.index(opened)
    umap = {"kind": "projection", "neighbours": made.key, "method": "umap", "n_neighbors": 15, "min_dist": 0.1, "seed": 0}
    storage.make(opened.path, "projections", umap, lambda work: _saved(work, {"trustworthiness": 0.9}, xy=data.positions(n)))
    kmeans = {"kind": "clusters", "neighbours": made.key, "method": "kmeans", "seed": 0, "n_clusters": GROUPS}
    typical = np.array([np.flatnonzero(cloud == group)[:8] for group in range(GROUPS)])
    sizes = np.bincount(cloud, minlength=GROUPS).tolist()
    storage.make(
        opened.path,
        "clusters",
        kmeans,
        lambda work: _saved(
            work, {"clusters": GROUPS, "sizes": sizes, "in_none": 0}, labels=cloud.astype(np.int32), medoids=typical, borderline=typical
        ),
    )
    assert embedded.key
    return opened


def _few(home: Path, name: str) -> Path:
    """A collection of small pictures, as it comes from an HDF5 file."""
    file = home.parent / f"{name}.h5"
    with h5py.File(file, "w") as out:
        out["x"] = np.random.default_rng(0).integers(0, 255, (PICTURES, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    return pipeline.ingest(open_source(file), name=name, settings=settings.read(home=home)).path


def _widen(path: Path, n: int) -> None:
    """Repeat the rows and their thumbnails; the record is written anew."""
    items = pd.read_parquet(path / "items.parquet")
    rows = np.arange(n) % PICTURES
    wide = items.iloc[rows].reset_index(drop=True)
    wide["id"] = pd.Series([f"patch {k}" for k in range(n)], dtype="string")
    wide["label"] = pd.Series([TISSUES[c % len(TISSUES)] for c in data.clouds(n)], dtype="string")
    wide["patient"] = pd.Series([f"P{k % 97}" for k in range(n)], dtype="string")
    wide.to_parquet(path / "items.parquet", index=False)
    record = storage.read_json(path / RECORD)
    sha256 = hashlib.sha256("".join(wide["sha256"]).encode()).hexdigest()
    record |= {"n": n, "items_sha256": sha256, "files": {file.name: storage.facts(file) for file in sorted(path.glob("*.parquet"))}}
    storage.write_json(path / RECORD, record)
    (small,) = storage.artifacts(path, "thumbnails")
    ends, blob = np.load(small.path / "offsets.npy"), (small.path / "thumbnails.bin").read_bytes()
    whole, rest = divmod(n, PICTURES)
    repeated = blob * whole + blob[: ends[rest]]
    offsets = np.concatenate([[0], np.cumsum(np.diff(ends)[rows])])
    recipe = dict(small.recipe)
    shutil.rmtree(small.path)

    def fill(work: Path) -> Mapping[str, Any]:
        (work / "thumbnails.bin").write_bytes(repeated)
        np.save(work / "offsets.npy", offsets)
        return {}

    storage.make(path, "thumbnails", recipe, fill)


def _vectors(work: Path, vectors: np.ndarray) -> Mapping[str, Any]:
    return _saved(work, {}, vectors=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))


def _saved(work: Path, measured: Mapping[str, Any], **arrays: np.ndarray) -> Mapping[str, Any]:
    for name, array in arrays.items():
        np.save(work / f"{name}.npy", array)
    return measured
