"""Export a collection: its table, vectors, map and clusters in one file."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import storage
from ..collection import Collection, Embedding, map_quality
from ..errors import ArtifactMissing, InputError
from ..types import Vectors

FORMATS = (".csv", ".parquet", ".npz", ".h5")
_TEXT_BYTES = 64
"""What HDF5 stores with each text, generously."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def export(collection: Collection, path: Path, *, encoder: str | None = None, overwrite: bool = False) -> Path:
    """Write the rows with map positions and cluster, and, except to CSV, the vectors; the suffix of ``path`` sets the format.

    ``.csv`` and ``.parquet`` hold one line per row; ``.npz`` and ``.h5`` hold ``vectors`` (n d) float32 with the columns beside
    it. In CSV, text that a spreadsheet would run as a formula is prefixed with an apostrophe (see ``defused``); the other
    formats store every text unchanged. An existing file is replaced only with ``overwrite``. Raises ``InputError``
    or ``StorageFull``, and leaves no part of a file then.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path.name} does not say a format; end the name in one of {', '.join(FORMATS)}.")
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists; choose another name or pass --overwrite.")
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent}; make it first.")
    with_vectors = path.suffix.lower() != ".csv"
    embedding = collection.embedding(encoder) if with_vectors or encoder or collection.embeddings() else None
    table = _table(collection, embedding)
    unfinished = path.with_name(f".{path.name}.part{path.suffix}")
    try:
        with storage.room_on(path.parent):
            if embedding is not None and with_vectors:
                _with_vectors(unfinished, table, embedding.vectors)
            else:
                defused(table).to_csv(unfinished, index=False)
            storage.sync(unfinished)
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _table(collection: Collection, embedding: Embedding | None) -> pd.DataFrame:
    """The rows, their annotations, then our own columns; a name that the user already has gets a trailing underscore."""
    table = collection.table().copy()
    if embedding is None:
        return table
    for method in ("umap", "pca"):
        with suppress(ArtifactMissing):  # a collection without a map or groups is exported without them
            x, y = np.asarray(embedding.positions(method)).T
            table[_free(f"{method}_x", table)], table[_free(f"{method}_y", table)] = x, y
    for name, values in embedding.described().items():
        if name in map_quality.COLUMNS and name not in table:
            table[str(name)] = values
    with suppress(ArtifactMissing):
        newest = {str(artifact.recipe["method"]): artifact for artifact in reversed(embedding.clusterings())}
        for method, artifact in newest.items():
            table[_free(f"group_{method}", table)] = embedding.labels(artifact)
    return table


def defused(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before names and texts that begin with = + - @ or a control character (OWASP, "CSV
    injection"), so that a spreadsheet shows them instead of running them. Numbers, also those kept as text, stay as they are.
    """
    texts = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    safe = table.assign(**{name: table[name].map(_as_text_cell, na_action="ignore") for name in texts})
    return safe.rename(columns=_as_text_cell)


def _as_text_cell(text: Any) -> Any:
    dangerous = isinstance(text, str) and text.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text)
    return f"'{text}" if dangerous else text


def _free(name: str, table: pd.DataFrame) -> str:
    while name in table.columns:
        name += "_"
    return name


def _with_vectors(path: Path, table: pd.DataFrame, vectors: Vectors) -> None:
    if path.suffix.lower() == ".parquet":
        table.assign(**{_free("embedding", table): list(np.asarray(vectors))}).to_parquet(path, index=False)
        return
    columns = {str(name): _plain_array(table[name]) for name in table.columns}
    if path.suffix.lower() == ".npz":
        np.savez(path, vectors=vectors, **{f"column_{name}": values for name, values in columns.items()})
        return
    import h5py

    texts = [values for values in columns.values() if values.dtype.kind == "U"]
    storage.check_room(path, vectors.nbytes + sum(values.nbytes for values in columns.values()) + _TEXT_BYTES * len(table) * len(texts))
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=vectors)
        for name, values in columns.items():
            text = values.dtype.kind == "U"
            file.create_dataset(
                f"items/{name}", data=values.astype(object) if text else values, dtype=h5py.string_dtype() if text else None
            )


def _plain_array(column: pd.Series[Any]) -> Any:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=np.float64 if column.hasnans or pd.api.types.is_float_dtype(column) else np.int64, na_value=np.nan)
    return column.astype("string").fillna("").to_numpy(dtype=str)
