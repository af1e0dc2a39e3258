"""Pictures as files in a folder, or in a zip that is read without unpacking."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ..errors import ImageRejected, SourceError, UnsafeArchive
from ..storage import COLLECTION
from ..types import Limits, Reject
from ..wording import counted, verb_for
from .base import HEAD_BYTES, Listed, head, no_pictures
from .folder_layout import hidden, is_printable, leaves_root, unfit
from .images import check_bytes
from .reading import Listing, short
from .table_text import decode_name
from .tables_beside import check_options, is_candidate, list_pictures

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075


class FolderSource(Listed):
    """A folder with one folder per class (or split, then class), or with all pictures in it.

    ``labels.csv`` in it gives further columns. Folders below a class folder do not change the label.
    """

    kind = "folder"

    def __init__(self, root: Path, limits: Limits, options: Mapping[str, Any]) -> None:
        super().__init__(root, limits)
        self.options = check_options(self.kind, options)
        try:
            with os.scandir(self._root) as entries:
                empty = next(entries, None) is None
        except OSError as error:
            raise SourceError(f"Folder {root} cannot be opened ({error.strerror}); check its permissions.") from error
        if empty:
            raise SourceError(f"Folder {root} is empty; put pictures into it, one folder per class or all together.")

    def _list(self) -> Listing:
        found = sorted(self._walk())
        names = [name for name, reason in found if not reason]
        rejects = [Reject(_shown(name), reason) for name, reason in found if reason]
        listing = list_pictures(names, read=self._table, options=self.options)
        listing = listing._replace(rejects=[*rejects, *listing.rejects])
        if not listing.items:
            raise SourceError(no_pictures(f"Folder {self._root}", listing.rejects))
        return listing

    def _table(self, name: str) -> bytes:
        try:
            return (self._root / name).read_bytes()
        except OSError as error:
            raise SourceError(f"{name} in {self._root} cannot be read ({error.strerror}); check its permissions.") from error

    def _walk(self) -> Iterator[tuple[str, str]]:
        """(relative path, reason to leave it out or "") of everything below the root."""
        prefixes = [""]
        while prefixes:
            prefix = prefixes.pop()
            try:
                with os.scandir(self._root / prefix) as found:
                    entries = list(found)
            except OSError as error:
                yield prefix, f"folder cannot be opened ({error.strerror})"
                continue
            for entry in entries:
                name = prefix + entry.name
                if reason := hidden(entry.name) or self._bad_link(entry):
                    yield name, reason
                elif entry.is_dir() and Path(entry.path, COLLECTION).is_file():
                    yield name, "a collection of this program, not pictures"
                elif entry.is_dir():
                    prefixes.append(name + "/")
                elif not entry.is_file():
                    yield name, "not a regular file"
                else:
                    yield name, unfit(name, partial(head, entry.path)) if not is_candidate(name) or not is_printable(name) else ""

    def _bad_link(self, entry: os.DirEntry[str]) -> str:
        if not entry.is_symlink():
            return ""
        target = Path(os.path.realpath(entry.path))
        if not target.is_relative_to(self._root):
            return "a link that leaves the folder"
        if not target.exists():
            return "a link to a file that is gone"
        return "a link to a folder that is listed already" if target.is_dir() else ""


class ZipSource(Listed):
    """A zip with the same layouts as a folder; folders that only wrap the whole content do not count.

    Members are read by several threads at once from one open file (``zipfile`` locks around each raw read).
    Raises ``UnsafeArchive`` when members would land outside the archive's folder or unpack without end.
    """

    kind = "zip"

    def __init__(self, path: Path, limits: Limits, options: Mapping[str, Any]) -> None:
        super().__init__(path, limits)
        self.options = check_options(self.kind, options)
        try:
            self._zip = zipfile.ZipFile(self._path)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
            raise SourceError(f"{path} is not a zip archive, or is damaged; pack it again.") from error
        except OSError as error:
            raise SourceError(f"{path} cannot be opened ({error.strerror}); check its permissions.") from error
        check_archive(self._zip, self._path, limits)

    @cached_property
    def _first(self) -> dict[str, zipfile.ZipInfo]:
        """The first member of each name."""
        first: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            first.setdefault(_member_name(info), info)
        return first

    def _list(self) -> Listing:
        names: list[str] = []
        rejects: list[Reject] = []
        for info in sorted(self._zip.infolist(), key=_member_name):
            name = _member_name(info)
            if info.is_dir():
                continue
            if reason := self._unfit(info):
                rejects.append(Reject(_shown(name), reason))
            else:
                names.append(name)
        listing = list_pictures(names, read=self._table, options=self.options)
        listing = listing._replace(rejects=[*rejects, *listing.rejects], notes=(*self._name_notes(), *listing.notes))
        if not listing.items:
            raise SourceError(no_pictures(f"Archive {self._path}", listing.rejects))
        return listing

    def _name_notes(self) -> list[str]:
        guessed = [name for info in self._zip.infolist() for name, is_guess in [_decoded_name(info)] if is_guess]
        if not guessed:
            return []
        does = verb_for(len(guessed), "does")
        return [f"{counted(len(guessed), 'name')} in the archive {does} not say the encoding; it is guessed, as in {short(guessed[0])!r}"]

    def _table(self, name: str) -> bytes:
        try:
            return self._bytes(name)
        except ImageRejected as error:
            raise SourceError(f"{name} in {self._path} cannot be read ({error.reason}); pack the archive again.") from error

    def _unfit(self, info: zipfile.ZipInfo) -> str:
        name = _member_name(info)
        if reason := hidden(name):
            return reason
        if self._first[name] is not info:
            return "the archive holds this name twice; the first is used"
        if stat.S_ISLNK(info.external_attr >> 16):
            return "a link, which is not followed inside an archive"
        if info.flag_bits & 1:
            return "protected by a password"
        if info.file_size > self._limits.max_pixels and info.file_size > self._limits.max_archive_ratio * info.compress_size:
            ratio = self._limits.max_archive_ratio  # a blank tile packs a thousandfold too, but is smaller than this
            return f"it unpacks to more than {ratio} times its size (a zip bomb?); raise EXPLORER_MAX_ARCHIVE_RATIO if you trust it"
        if is_candidate(name) and is_printable(name):
            return ""
        return unfit(name, lambda: self._head(info))

    def _bytes(self, uri: str) -> bytes:
        info = self._first.get(uri)
        if info is None:
            raise ImageRejected("not in the archive")
        check_bytes(info.file_size, self._limits)
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise ImageRejected("damaged inside the archive") from error
        except NotImplementedError as error:
            raise ImageRejected("packed in a way this reader does not know") from error
        except RuntimeError as error:
            raise ImageRejected("protected by a password") from error

    def _head(self, info: zipfile.ZipInfo) -> bytes:
        try:
            with self._zip.open(info) as member:
                return member.read(HEAD_BYTES)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
            return b""


def check_archive(archive: zipfile.ZipFile, path: Path, limits: Limits) -> None:
    """Raises ``UnsafeArchive`` where members would land outside the archive's folder or unpack without end."""
    total = 0
    for info in archive.infolist():
        total += info.file_size
        if leaves_root(info.orig_filename) or leaves_root(_member_name(info)):
            raise UnsafeArchive(f"{path} holds {info.orig_filename!r}, which would be written outside; get a clean copy.")
    if total > limits.max_archive_bytes:
        raise UnsafeArchive(
            f"{path} unpacks to {total} bytes, more than {limits.max_archive_bytes}; raise max_archive_bytes if you trust it."
        )


def _member_name(info: zipfile.ZipInfo) -> str:
    return _decoded_name(info)[0].replace("\\", "/").removeprefix("./")


def _decoded_name(info: zipfile.ZipInfo) -> tuple[str, bool]:
    """The name of a member in its most likely encoding, and True if the encoding is a guess.

    A flag in the archive says that names are UTF-8. Without it: the Unicode name in the extra field 0x7075 (Info-ZIP), UTF-8
    where the bytes are valid, and the likeliest encoding else.
    """
    name = info.orig_filename.partition("\0")[0]
    if info.flag_bits & _UTF8_FLAG or name.isascii():
        return info.filename, False
    raw = name.encode("cp437")
    if unicode_name := _unicode_field(info.extra, raw):
        return unicode_name, False
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        return decode_name(raw), True


def _unicode_field(extra: bytes, raw: bytes) -> str:
    """The name in an Info-ZIP Unicode Path field whose checksum is that of the plain name; empty where there is none."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        body = extra[at + 4 : at + 4 + size]
        if kind == _UNICODE_PATH and len(body) > 5 and body[1:5] == struct.pack("<I", zlib.crc32(raw)):
            return body[5:].decode("utf-8", errors="replace")
        at += 4 + size
    return ""


def _shown(name: str) -> str:
    return name if is_printable(name) else name.encode("utf-8", "backslashreplace").decode()
