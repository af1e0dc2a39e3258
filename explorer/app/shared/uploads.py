"""Uploads from a browser to disk: one request per file, with only a few chunks in memory at a time.

An upload is a folder ``<home>/.uploads/<id>/``. The id and the file names in it are random; the names used by the browser are
stored as text in a list beside the files (see ``sources.uploads``) and never become a path.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import anyio
from anyio import to_thread

from ... import storage
from ...errors import InputError, NotFound, StorageFull, TooLarge
from ...sources.table_reader import is_table
from ...sources.tables_beside import is_labels
from ...sources.uploads import HEADER, NAMES, read_names

FOLDER = ".uploads"
ALONE = (".zip", ".h5", ".hdf5")
"""Suffixes of files that are a source by themselves and keep the suffix on disk. Tables keep it too, also beside pictures."""
SPARE_BYTES = 1_000_000_000
"""Bytes that must stay free on the disk."""
MOST_NAME = 200
"""Maximal number of characters in one part of a name."""
MOST_PARTS = 20
UNUSED_LIFE_S = 24 * 3600.0
_PIECE_BYTES = 1 << 20
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload and the files received so far."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    def names(self) -> list[str]:
        """The user's names of the files, in order."""
        return sorted(name for _, name, _ in read_names(self.path))

    def source(self) -> Path:
        """The path to build from: the only archive or table of the upload, else the folder of pictures. Raises ``InputError``."""
        arrived = read_names(self.path)
        if not arrived:
            raise InputError("Nothing has arrived yet; choose pictures, a folder or a zip.")
        if len(arrived) == 1 and (arrived[0][0].endswith(ALONE) or is_table(arrived[0][0])):
            return self.path / arrived[0][0]
        if any(stored.endswith(ALONE) for stored, _, _ in arrived):
            raise InputError("A zip or HDF5 file is a collection by itself; bring it alone, or bring only pictures and tables.")
        return self.path


def begin(home: Path) -> Upload:
    """A new, empty upload."""
    path = home / FOLDER / secrets.token_hex(16)
    storage.private_folder(path)
    (path / NAMES).write_text(HEADER, encoding="utf-8")
    return Upload(path)


def find(home: Path, upload_id: str) -> Upload:
    """The upload of that id. Raises ``NotFound``."""
    path = home / FOLDER / upload_id
    if not _ID.fullmatch(upload_id) or not (path / NAMES).is_file():
        raise NotFound("This upload is no longer here; begin again.")
    return Upload(path)


def remove(upload: Upload) -> None:
    """Delete an upload and its files."""
    shutil.rmtree(upload.path)
    _arrived.pop(upload.path, None)


def remove_orphan(home: Path, source: Path, *, used: Collection[Path]) -> None:
    """Delete the upload that contains ``source``, if there is one and no path in ``used`` lies in it."""
    folder = (home / FOLDER).resolve()
    if source.is_relative_to(folder) and source != folder:
        path = folder / source.relative_to(folder).parts[0]
        if path.is_dir() and not any(place.is_relative_to(path) for place in used):
            remove(Upload(path))


def remove_unused(home: Path, *, used: Collection[Path]) -> None:
    """Delete uploads older than a day that are not used. ``used`` are the sources of collections and jobs."""
    folder = home / FOLDER
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        old = time.time() - path.stat().st_mtime > UNUSED_LIFE_S
        if old and _ID.fullmatch(path.name) and not any(place.is_relative_to(path.resolve()) for place in used):
            shutil.rmtree(path)


async def receive(upload: Upload, name: str, pieces: AsyncIterator[bytes], *, announced_bytes: int, most_bytes: int) -> int:
    """Write one file while it is received; returns its size in bytes. Raises ``TooLarge`` or ``StorageFull``.

    ``announced_bytes`` is the size the browser announced, ``most_bytes`` the limit for the whole upload.
    """
    name = safe_name(name)
    _check_room(upload, announced_bytes, most_bytes)
    stored = upload.path / (secrets.token_hex(8) + _kept_suffix(name))
    part = stored.with_name(f".{stored.name}.part")
    size = 0
    try:
        async with await anyio.open_file(part, "wb") as file:
            async for piece in _gathered(pieces):
                size += len(piece)
                _arrived[upload.path] += len(piece)
                _check_room(upload, 0, most_bytes)
                await file.write(piece)
        await to_thread.run_sync(_take_in, upload, part, stored, name, size)
    except OSError as error:
        if not storage.is_full(error):
            raise
        raise StorageFull("The disk of the server is full; ask its administrator.") from error
    finally:
        if part.exists():  # it did not arrive whole
            part.unlink()
            _arrived[upload.path] -= size
    return size


def _kept_suffix(name: str) -> str:
    """The suffix, if a file with it is a source by itself (such as a zip); empty for every other file."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    suffix = "".join(suffixes[-2:]) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])
    return suffix if suffix in ALONE or (is_table(name) and not is_labels(name)) else ""


def safe_name(name: str) -> str:
    """The browser's name as a relative path that is safe to show: no ``..``, no control characters, limited length.

    Raises ``InputError`` where nothing is left.
    """
    parts = [re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "_", part) for part in re.split(r"[/\\]", name)]
    parts = ["_" * len(part) if set(part) <= {".", " "} else part for part in parts if part not in ("", ".")]
    if not parts:
        raise InputError("A file needs a name; give it one and send it again.")
    parts[0] = re.sub(r"^([A-Za-z]):", r"\1_", parts[0])
    if len(parts) > MOST_PARTS:
        parts = [*parts[: MOST_PARTS - 1], parts[-1]]
    return "/".join(_short(part) for part in parts)


def _short(part: str) -> str:
    """The part shortened in the middle where it is too long; its suffix is preserved."""
    return part if len(part) <= MOST_NAME else part[: MOST_NAME - 21] + "…" + part[-20:]


_arrived: dict[Path, int] = {}
"""Bytes received of each upload, including files still being received."""


def _check_room(upload: Upload, more_bytes: int, most_bytes: int) -> None:
    if upload.path not in _arrived:
        _arrived[upload.path] = sum(size for _, _, size in read_names(upload.path))
    if _arrived[upload.path] + more_bytes > most_bytes:
        raise TooLarge(
            f"An upload may hold {most_bytes / 1e9:.1f} GB and this one is larger; bring less, or have the files put on the server."
        )
    if more_bytes and shutil.disk_usage(upload.path).free - more_bytes < SPARE_BYTES:
        raise StorageFull("The disk of the server is too full for this file; ask its administrator.")


async def _gathered(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in larger chunks, because handing a chunk to a thread costs more than writing it."""
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        if len(waiting) >= _PIECE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def _take_in(upload: Upload, part: Path, stored: Path, name: str, size: int) -> None:
    part.replace(stored)
    with (upload.path / NAMES).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"stored": stored.name, "name": name, "bytes": size}) + "\n")
