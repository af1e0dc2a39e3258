"""Pictures as files: in a folder, or in a zip that is read without being unpacked."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ..errors import ImageRejected, SourceError, UnsafeArchive
from ..types import Image, Item, Limits, Reject
from .images import check_bytes, decode
from .layout import LABELS, hidden, is_printable, leaves_root, make_items, unfit, wrapper

OUTSIDE = "its path leaves the folder"
GONE = "there is no such file"
_HEAD = 16
_SMALL = 256 * 1024  # an uncompressed blank patch packs a thousandfold and harms nobody


class FolderSource:
    """A folder with one folder per class (or split, then class), or with all pictures in it.

    ``labels.csv`` in it gives further columns. Folders below a class folder do not change the label.
    """

    kind = "folder"

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root.resolve()
        self._limits = limits
        self.options: Mapping[str, Any] = {}
        try:
            with os.scandir(self._root) as entries:
                empty = next(entries, None) is None
        except OSError as error:
            raise SourceError(f"Folder {root} cannot be opened ({error.strerror}); check its permissions.") from error
        if empty:
            raise SourceError(f"Folder {root} is empty; put pictures into it, one folder per class or all together.")

    @property
    def uri(self) -> str:
        return str(self._root)

    def items(self) -> Sequence[Item]:
        return self._listing[0]

    def rejects(self) -> Sequence[Reject]:
        return self._listing[1]

    def read(self, uri: str) -> Image:
        return decode(read_file(self._root, uri, self._limits), name=uri, limits=self._limits)

    @cached_property
    def _listing(self) -> tuple[list[Item], list[Reject]]:
        found = sorted(self._walk())
        names = [name for name, reason in found if not reason and name != LABELS]
        rejects = [Reject(_shown(name), reason) for name, reason in found if reason]
        labels = self._labels() if (LABELS, "") in found else None
        items, more = make_items(names, labels=labels)
        if not items:
            raise SourceError(no_pictures(f"Folder {self._root}", rejects))
        return items, rejects + more

    def _labels(self) -> bytes:
        try:
            return (self._root / LABELS).read_bytes()
        except OSError as error:
            raise SourceError(f"{LABELS} in {self._root} cannot be read ({error.strerror}); check its permissions.") from error

    def _walk(self) -> Iterator[tuple[str, str]]:
        """(relative path, why it is passed over or "") of everything below the root."""
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
                elif entry.is_dir():
                    prefixes.append(name + "/")
                elif not entry.is_file():
                    yield name, "not a regular file"
                else:
                    yield name, "" if name == LABELS else unfit(name, partial(head, entry.path))

    def _bad_link(self, entry: os.DirEntry[str]) -> str:
        if not entry.is_symlink():
            return ""
        target = Path(os.path.realpath(entry.path))
        if not target.is_relative_to(self._root):
            return "a link that leaves the folder"
        if not target.exists():
            return "a link to a file that is gone"
        return "a link to a folder that is listed already" if target.is_dir() else ""


class ZipSource:
    """A zip with the same layouts as a folder; folders that only wrap the whole content do not count.

    Members are read by several threads at once from one open file (``zipfile`` locks around each raw read).
    Raises ``UnsafeArchive`` when members would land outside the archive's folder or unpack without end.
    """

    kind = "zip"

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path.resolve()
        self._limits = limits
        self.options: Mapping[str, Any] = {}
        try:
            self._zip = zipfile.ZipFile(self._path)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
            raise SourceError(f"{path} is not a zip archive, or is damaged; pack it again.") from error
        except OSError as error:
            raise SourceError(f"{path} cannot be opened ({error.strerror}); check its permissions.") from error
        check_archive(self._zip, self._path, limits)

    @property
    def uri(self) -> str:
        return str(self._path)

    def items(self) -> Sequence[Item]:
        return self._listing[0]

    def rejects(self) -> Sequence[Reject]:
        return self._listing[1]

    def read(self, uri: str) -> Image:
        return decode(self._bytes(uri), name=uri, limits=self._limits)

    @cached_property
    def _first(self) -> dict[str, zipfile.ZipInfo]:
        """Each name's first member."""
        first: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            first.setdefault(_member_name(info), info)
        return first

    @cached_property
    def _listing(self) -> tuple[list[Item], list[Reject]]:
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
        labels = {name for name in names if name.rpartition("/")[2] == LABELS}
        pictures = [name for name in names if name not in labels]
        root = wrapper(pictures)
        at_root = root + LABELS in labels
        rejects += [Reject(name, f"only the {LABELS} beside the class folders is read") for name in sorted(labels - {root + LABELS})]
        items, more = make_items(pictures, labels=self._labels(root + LABELS) if at_root else None, root=root)
        if not items:
            raise SourceError(no_pictures(f"Archive {self._path}", rejects))
        return items, rejects + more

    def _labels(self, name: str) -> bytes:
        try:
            return self._bytes(name)
        except ImageRejected as error:
            raise SourceError(f"{name} in {self._path} cannot be read ({error.reason}); pack the archive again.") from error

    def _unfit(self, info: zipfile.ZipInfo) -> str:
        name = _member_name(info)
        if reason := next((reason for part in name.split("/") if (reason := hidden(part))), ""):
            return reason
        if self._first[name] is not info:
            return "the archive holds this name twice; the first is used"
        if stat.S_ISLNK(info.external_attr >> 16):
            return "a link, which is not followed inside an archive"
        if info.flag_bits & 1:
            return "protected by a password"
        return "" if name.rpartition("/")[2] == LABELS else unfit(name, lambda: self._head(info))

    def _bytes(self, name: str) -> bytes:
        info = self._first.get(name)
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
                return member.read(_HEAD)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
            return b""


def check_archive(archive: zipfile.ZipFile, path: Path, limits: Limits) -> None:
    """Raises ``UnsafeArchive`` where members would land outside the archive's folder or unpack without end."""
    total = 0
    for info in archive.infolist():
        total += info.file_size
        if leaves_root(info.orig_filename):
            raise UnsafeArchive(f"{path} holds {info.orig_filename!r}, which would be written outside; get a clean copy.")
        if info.file_size > max(_SMALL, limits.max_archive_ratio * info.compress_size):
            raise UnsafeArchive(
                f"{path} holds {info.filename!r}, which unpacks to more than {limits.max_archive_ratio} times its size "
                "(a zip bomb?); raise max_archive_ratio if you trust it."
            )
    if total > limits.max_archive_bytes:
        raise UnsafeArchive(
            f"{path} unpacks to {total} bytes, more than {limits.max_archive_bytes}; raise max_archive_bytes if you trust it."
        )


def read_file(root: Path, uri: str, limits: Limits) -> bytes:
    """All bytes of a file below ``root`` (a resolved path).

    Raises ``ImageRejected`` where it lies elsewhere, is gone, closed to us, or larger than any picture allowed.
    """
    try:
        path = Path(os.path.realpath(root / uri))
        if not path.is_relative_to(root):
            raise ImageRejected(OUTSIDE)
        check_bytes(path.stat().st_size, limits)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageRejected(GONE) from error
    except (OSError, ValueError) as error:  # ValueError: a name no file can have
        raise ImageRejected(f"the file cannot be opened ({getattr(error, 'strerror', None) or 'not a file name'})") from error


def no_pictures(where: str, rejects: Sequence[Reject]) -> str:
    """The sentence for a source in which everything was passed over."""
    if not rejects:
        return f"{where} holds no pictures; put PNG, JPEG, TIFF, BMP or WebP files into it."
    return f"{where} holds no pictures ({len(rejects)} entries passed over, such as {rejects[0].uri}: {rejects[0].reason}); check the path."


def _member_name(info: zipfile.ZipInfo) -> str:
    return info.filename.replace("\\", "/").removeprefix("./")


def head(path: str | Path) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a DirEntry's path
            return file.read(_HEAD)
    except OSError:
        return b""


def _shown(name: str) -> str:
    return name if is_printable(name) else name.encode("utf-8", "backslashreplace").decode()
