"""Places images come from. ``open_source`` is the one way in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import SourceError
from ..types import Limits, Source
from .benchmark_table import BENCHMARKS

KINDS = ("folder", "upload", "zip", "table", "hdf5", "synthetic", *BENCHMARKS)
_BY_SUFFIX = {".zip": "zip", ".csv": "table", ".tsv": "table", ".parquet": "table", ".h5": "hdf5", ".hdf5": "hdf5"}


def open_source(
    uri: str | Path, *, kind: str | None = None, options: Mapping[str, Any] | None = None, limits: Limits | None = None
) -> Source:
    """The source at ``uri``: a folder, a zip, a CSV or Parquet table, an HDF5 file, or ``synthetic``.

    ``kind`` is found from the uri where it is None. ``options`` belong to the kind (table: ``columns``, ``root``;
    synthetic: its own). The benchmark data sets ``bach``, ``crc``, ``crc-val``, ``mhist`` and ``pcam`` are folders that only
    ``kind`` tells apart. Nothing is decoded here. Raises ``SourceError`` (``UnsafeArchive`` for a hostile zip).
    """
    path = Path(uri).expanduser()
    kind = kind or _kind(str(uri), path)
    limits = limits or Limits()
    options = dict(options or {})
    if kind not in KINDS:
        raise SourceError(f"There is no kind of source called {kind!r}; use {', '.join(KINDS)}.")
    if kind == "synthetic":
        from .synthetic import SyntheticSource

        return SyntheticSource(options)
    if kind in BENCHMARKS and not options:
        from .benchmarks import SOURCES

        return SOURCES[kind](kind, path, limits)
    if not path.exists():
        raise SourceError(f"{path} does not exist; check the path.")
    if kind == "table":
        from .tables import TableSource

        return TableSource(path, options, limits)
    if options:
        raise SourceError(f"A source of kind {kind} takes no options, but got {', '.join(options)}; leave them out.")
    if kind == "hdf5":
        from .hdf5 import Hdf5Source

        return Hdf5Source(path, limits)
    if kind == "upload":
        from .uploads import UploadSource

        return UploadSource(path, limits)
    from .files import FolderSource, ZipSource

    return FolderSource(path, limits) if kind == "folder" else ZipSource(path, limits)


def _kind(uri: str, path: Path) -> str:
    if uri == "synthetic":
        return "synthetic"
    if path.is_dir():
        from .uploads import is_upload

        return "upload" if is_upload(path) else "folder"
    if not path.exists():
        raise SourceError(f"{path} does not exist; check the path.")
    if path.suffix.lower() in _BY_SUFFIX:
        return _BY_SUFFIX[path.suffix.lower()]
    raise SourceError(f"{path} is neither a folder nor a .zip, .csv, .parquet or .h5 file; give the folder that holds the pictures.")
