"""An artifact is whole or absent.

A folder ``<kind>/<key>/`` holds its files and a ``meta.json`` with the recipe, the inputs, a sha256 per file
and the versions that made it. It is built under ``<kind>/.<key>.work/`` and appears by one rename. A lock file
beside it is held by the writing process and released by the operating system when that process dies, so parts
left by a killed run are found and taken up again by the next.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..errors import ArtifactDamaged, ArtifactMissing, CollectionMissing
from .disk import room_on
from .locks import locked
from .records import ArtifactRecord, read_record

COLLECTION = "collection.json"
"""The record of a collection; a folder that contains it is a collection."""
META = "meta.json"
PARTS = "parts"
FORMAT = 1
_log = logging.getLogger(__name__)
_VERSIONED = (
    "pathology-explorer",
    "numpy",
    "torch",
    "torchvision",
    "timm",
    "faiss-gpu",
    "faiss-cpu",
    "umap-learn",
    "scikit-learn",
    "igraph",
    "pillow",
)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A published folder and its record."""

    path: Path
    meta: Mapping[str, Any]

    @property
    def key(self) -> str:
        return self.path.name

    @property
    def recipe(self) -> Mapping[str, Any]:
        recipe: Mapping[str, Any] = self.meta["recipe"]
        return recipe


def fingerprint(recipe: Mapping[str, Any]) -> str:
    """Sixteen hex digits that identify a recipe: equal recipes give equal keys on every machine."""
    canonical = json.dumps(recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write beside the target, then rename: a reader sees either the old file or the new one."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def in_use(root: Path, *, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Prevent the folder ``root`` from being renamed or removed while something is written into it; several steps may do so at once.

    Raises ``CollectionMissing`` where it no longer exists, and what ``locked`` raises.
    """
    with locked(lock_of(root), what=f"collection {root.name!r}", waiting=waiting, shared=True):
        if not root.is_dir():
            raise CollectionMissing(f"Collection {root.name!r} was renamed or removed meanwhile; open it under its new name.")
        yield


def lock_of(root: Path) -> Path:
    """The lock file of a collection; whoever creates, renames or removes the collection holds it exclusively."""
    return root.with_name(f".{root.name}.lock")


def find(root: Path, kind: str, key: str) -> Artifact | None:
    """The published artifact of that key, or None. Raises ``ArtifactDamaged`` for a record that cannot be used."""
    path = root / kind / key
    return Artifact(path, read_record(path / META, ArtifactRecord)) if (path / META).is_file() else None


def artifacts(root: Path, kind: str) -> list[Artifact]:
    """All published artifacts of a kind, newest first. One with a damaged record is left out; ``verify_kind`` names it."""
    folder = root / kind
    found = []
    for name in [p.name for p in folder.iterdir() if not p.name.startswith(".")] if folder.is_dir() else []:
        try:
            found.append(find(root, kind, name))
        except ArtifactDamaged as damage:
            _log.warning("%s", damage)
    return sorted((a for a in found if a is not None), key=lambda a: (a.meta["created"], a.key), reverse=True)


def make(
    root: Path,
    kind: str,
    recipe: Mapping[str, Any],
    fill: Callable[[Path], Mapping[str, Any]],
    *,
    waiting: Callable[[], None] | None = None,
) -> Artifact:
    """The artifact of this recipe: the published one, or one made now by ``fill(folder)``.

    ``fill`` gets the work folder, writes the final files into it and returns facts for the record (``measured``). Files under
    ``parts/`` in it survive an interrupted run and are not published. Raises ``StorageFull`` where the disk is full, and what
    ``in_use`` and ``fill`` raise.
    """
    key = fingerprint(recipe)
    if present := find(root, kind, key):
        return present
    with in_use(root, waiting=waiting):
        (root / kind).mkdir(exist_ok=True)
        with locked(root / kind / f".{key}.lock", what=f"{kind}/{key}", waiting=waiting):
            if present := find(root, kind, key):
                return present
            work = root / kind / f".{key}.work"
            with room_on(root):
                (work / PARTS).mkdir(parents=True, exist_ok=True)
                if (work / META).is_file():  # killed between its record and its rename
                    return publish(work, root / kind / key, recipe, {})
                sweep(work)
                return publish(work, root / kind / key, recipe, fill(work))


def sweep(work: Path) -> None:
    """Delete what an interrupted run left in a work folder, except its parts: it would be published with the new files."""
    for path in work.iterdir():
        if path.is_dir() and not path.is_symlink():
            if path.name != PARTS:
                shutil.rmtree(path)
        else:
            path.unlink()


def publish(work: Path, target: Path, recipe: Mapping[str, Any], measured: Mapping[str, Any]) -> Artifact:
    """Write the record, force everything to disk, drop the parts, and let the folder appear under its name."""
    if not (work / META).is_file():
        files = sorted(p for p in work.rglob("*") if p.is_file() and PARTS not in p.relative_to(work).parts)
        for path in files:
            sync(path)
        record = {
            "format": FORMAT,
            "created": datetime.now(UTC).isoformat(timespec="microseconds"),
            "recipe": dict(recipe),
            "measured": dict(measured),
            "files": {p.relative_to(work).as_posix(): facts(p) for p in files},
            "versions": versions(),
        }
        write_json(work / META, record)
    shutil.rmtree(work / PARTS, ignore_errors=True)
    if target.exists():  # a folder that lost its record: nothing in it can be trusted
        shutil.rmtree(target)
    work.replace(target)
    sync(target.parent)
    return Artifact(target, read_record(target / META, ArtifactRecord))


def facts(path: Path) -> dict[str, Any]:
    """The facts that a record stores about a file."""
    return {"sha256": file_sha256(path), "bytes": path.stat().st_size}


def verify(artifact: Artifact) -> list[str]:
    """One sentence per file that is missing, cut or changed; empty when all is well."""
    faults = []
    for name, recorded in artifact.meta["files"].items():
        path = artifact.path / name
        if not path.is_file():
            faults.append(f"{path} is missing; delete {artifact.path} and run the step again.")
        elif path.stat().st_size != recorded["bytes"]:
            faults.append(
                f"{path} has {path.stat().st_size} bytes instead of {recorded['bytes']}; delete {artifact.path} and run the step again."
            )
        elif file_sha256(path) != recorded["sha256"]:
            faults.append(f"{path} was changed or is damaged (sha256 differs); delete {artifact.path} and run the step again.")
    return faults


def verify_kind(root: Path, kind: str) -> list[str]:
    """``verify`` of all artifacts of a kind, and one sentence per folder whose record is lost or damaged, and per file that
    no record names."""
    faults = []
    for path in sorted(p for p in (root / kind).iterdir() if p.is_dir() and not p.name.startswith(".")):
        try:
            artifact = find(root, kind, path.name)
        except ArtifactDamaged as damage:
            faults.append(str(damage))
        else:
            if artifact is None:
                faults.append(f"{path} has lost its {META}; delete this folder and run the step again.")
                continue
            there = {p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()}
            unknown = sorted(there - {META, *artifact.meta["files"]})
            faults += verify(artifact) + [f"{path / name} is not in the record; delete that file." for name in unknown]
    return faults


def file(artifact: Artifact, name: str, *, whole: bool = False) -> Path:
    """Path of a recorded file; raises ``ArtifactMissing`` or ``ArtifactDamaged`` where it is gone or cut.

    With ``whole`` its bytes are compared with their sha256 too, once per process as long as the file stays the same.
    """
    recorded = artifact.meta["files"].get(name)
    if recorded is None:
        raise ArtifactMissing(f"{artifact.path} has no {name}; run the step that makes it.")
    path = artifact.path / name
    if not path.is_file() or path.stat().st_size != recorded["bytes"]:
        raise ArtifactDamaged(f"{path} is missing or cut; run 'explorer verify', delete {artifact.path} and run the step again.")
    if whole and _sha256_of(path, path.stat().st_size, path.stat().st_mtime_ns) != recorded["sha256"]:
        raise ArtifactDamaged(f"{path} was changed or is damaged (sha256 differs); delete {artifact.path} and run the step again.")
    return path


@lru_cache(4096)
def _sha256_of(path: Path, size: int, changed_ns: int) -> str:
    return file_sha256(path)


def sync(path: Path) -> None:
    """Force a file, or the names in a folder, to disk."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def versions() -> dict[str, str]:
    """Versions of what can change a result; packages that are not installed are left out."""
    found = {"python": platform.python_version()}
    return found | {name: number for name in _VERSIONED if (number := _version(name)) is not None}


@cache
def _version(name: str) -> str | None:
    """The version of an installed package, looked up once; each look-up reads a file."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
