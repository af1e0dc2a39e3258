"""Sources of images. ``open_source`` opens any of them; ``reading_of`` says how one was read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import SourceError
from ..types import Limits, Source
from ..wording import counted
from .benchmark_table import BENCHMARKS
from .folder_layout import hidden
from .reading import Reading, reading_of

KINDS = ("folder", "upload", "zip", "table", "hdf5", "synthetic", *BENCHMARKS)
_MOST_WRAPPERS = 4
_ARCHIVES = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")

__all__ = ["KINDS", "Reading", "open_source", "reading_of"]


def open_source(
    uri: str | Path, *, kind: str | None = None, options: Mapping[str, Any] | None = None, limits: Limits | None = None
) -> Source:
    """The source at ``uri``: a folder, a zip, a table (CSV, Parquet, Excel), an HDF5 file, or ``synthetic``.

    ``kind`` is found from the uri where it is None. ``options`` belong to the kind (folder, zip, upload: ``table``,
    ``columns``, ``empty``, ``encoding``, ``folders``; table: ``columns``, ``empty``, ``encoding``, ``root``; synthetic: its own).
    The benchmark data sets ``bach``, ``crc``, ``crc-val``, ``mhist`` and ``pcam`` are folders that ``kind`` takes with their
    published splits. Nothing is decoded here. Raises ``SourceError`` (``UnsafeArchive`` for a hostile zip).
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
    if kind in ("hdf5", *BENCHMARKS):
        if options:
            raise SourceError(f"A source of kind {kind} takes no options, but got {', '.join(options)}; leave them out.")
        from .hdf5 import Hdf5Source

        return Hdf5Source(path, limits)
    if kind == "upload":
        from .uploads import UploadSource

        return UploadSource(path, limits, options)
    from .files import FolderSource, ZipSource

    return FolderSource(path, limits, options) if kind == "folder" else ZipSource(path, limits, options)


def _kind(uri: str, path: Path) -> str:
    """The kind of a source by its name, and where the name is not enough, by the first bytes of the file."""
    if uri == "synthetic":
        return "synthetic"
    if path.is_dir():
        return _folder_kind(path)
    if not path.exists():
        raise SourceError(f"{path} does not exist; check the path.")
    from .images import SUFFIXES
    from .table_reader import is_table

    name = path.name.lower()
    if name.endswith(".zip"):
        return "zip"
    if name.endswith((".h5", ".hdf5")):
        return "hdf5"
    if name.endswith(_ARCHIVES):
        raise SourceError(f"{path.name} is a kind of archive that is not read; unpack it, and give the folder or a zip of it.")
    if name.endswith((".h5.gz", ".hdf5.gz")):
        raise SourceError(f"{path.name} is packed; unpack it with 'gunzip {path.name}' and give the .h5 file.")
    if is_table(name) or name.removesuffix(".gz").endswith(".txt"):
        return "table"
    if path.suffix.lower() in SUFFIXES:
        raise SourceError(f"{path} is one picture, neither a folder nor a table; give the folder that holds the pictures.")
    raise SourceError(
        f"{path} is neither a folder nor a .zip, a table (.csv, .tsv, .parquet, .xlsx) or a .h5 file; "
        "give the folder that holds the pictures, or say with --kind what it is."
    )


def _folder_kind(path: Path) -> str:
    """``upload`` for a folder the server filled, ``pcam`` for the files of PatchCamelyon, which hold no picture files."""
    from .uploads import is_upload

    if is_upload(path):
        return "upload"
    pcam = BENCHMARKS["pcam"]
    missing = pcam.missing(path)
    if not missing:
        return "pcam"
    packed = [name for name in missing if (path / f"{name}.gz").exists()]
    if packed:
        absent = len(missing) - len(packed)
        raise SourceError(
            f"{path.name} holds {pcam.title} with {counted(len(packed), 'file')} packed"
            + (f" and {counted(absent, 'file')} missing" if absent else "")
            + "; unpack them there with 'gunzip *.h5.gz', then build with --kind pcam."
        )
    inner = _only_folder(path)
    if inner is not None and any((inner / f"{name}{packed}").exists() for name in pcam.needs for packed in ("", ".gz")):
        raise SourceError(f"{pcam.title} lies in {inner.relative_to(path)} of {path.name}; give that folder.")
    return "folder"


def _only_folder(path: Path) -> Path | None:
    """The innermost of folders that each hold one folder and nothing else; None where there is none."""
    found = None
    for _ in range(_MOST_WRAPPERS):
        try:
            inside = [entry for entry in (found or path).iterdir() if not hidden(entry.name)][:2]
        except OSError:
            break
        if len(inside) != 1 or not inside[0].is_dir():
            break
        found = inside[0]
    return found
