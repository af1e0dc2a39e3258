"""The same small pictures and tables as a folder, as a zip and as an upload, and what a source makes of them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from bad_files import encoded, patch

from explorer.sources.uploads import HEADER, NAMES
from explorer.types import Source

PNG = encoded(patch(8), "PNG")


def contents(*pictures: str, **tables: bytes | str) -> dict[str, bytes]:
    """Name -> bytes: a picture under each name, and other files by ``name=content`` (``__`` for a dot)."""
    others = {name.replace("__", "."): data.encode() if isinstance(data, str) else data for name, data in tables.items()}
    return {**dict.fromkeys(pictures, PNG), **others}


def write_folder(root: Path, files: Mapping[str, bytes]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_upload(root: Path, files: Mapping[str, bytes]) -> Path:
    root.mkdir(parents=True)
    lines = []
    for number, (name, data) in enumerate(files.items()):
        (root / f"{number:04x}").write_bytes(data)
        lines.append(json.dumps({"stored": f"{number:04x}", "name": name, "bytes": len(data)}))
    (root / NAMES).write_text(HEADER + "\n".join(lines), encoding="utf-8")
    return root


def written(kind: str, place: Path, files: Mapping[str, bytes]) -> Path:
    """The files as a source of that kind: folder, zip or upload."""
    if kind == "zip":
        return write_zip(place / "files.zip", files)
    return {"folder": write_folder, "upload": write_upload}[kind](place / "files", files)


def fields(source: Source, *names: str) -> dict[str, tuple[object, ...]]:
    """Picture -> these fields of it."""
    return {item.uri: tuple(getattr(item, name) for name in names) for item in source.items()}
