"""Download of benchmark data sets from their publishers: resumed, verified, unpacked; a part is complete or absent."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import stat
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

from ..errors import SourceError, UnsafeArchive
from ..storage import locked, write_json
from ..storage.download import CHUNK_BYTES, discard, is_safe, resume
from ..types import Limits, Progress, Report
from .benchmark_table import Benchmark, Remote
from .files import check_archive

_HARMLESS_BYTES = 1 << 20
"""A member of at most this size is no zip bomb, however well it packs: a blank picture packs a thousandfold."""


def fetch(benchmark: Benchmark, folder: Path, *, mirror: str, limits: Limits, report: Report) -> None:
    """Download everything of a data set that is missing in ``folder``; an interrupted run is resumed.

    ``mirror`` is a base address that serves ``<name>/<file>`` instead of the publisher. A record of address, md5, size, date
    and licence is stored beside the unpacked files. Raises ``SourceError`` where a file cannot be downloaded or is not the
    published one, ``UnsafeArchive`` where unpacking it could do harm.
    """
    report(Progress("fetch", 0, unit="bytes", note=benchmark.title_and_licence))

    def waiting() -> None:
        report(Progress("fetch", 0, unit="bytes", note=f"another process is fetching {benchmark.name}; waiting for it"))

    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".fetch.lock", what=str(folder), waiting=waiting):
        for remote in benchmark.remotes:
            if (folder / remote.gives).exists():
                discard(_part(remote, folder))  # of a run killed after unpacking
            else:
                _fetch_one(benchmark, remote, folder=folder, mirror=mirror, limits=limits, report=report)


def _fetch_one(benchmark: Benchmark, remote: Remote, *, folder: Path, mirror: str, limits: Limits, report: Report) -> None:
    url = f"{mirror}/{benchmark.folder}/{remote.file}" if mirror else remote.url
    if not is_safe(url):
        raise SourceError(f"{url} is neither https nor on this machine, so what it sends could be swapped; give an https address.")
    part = _part(remote, folder)
    try:
        for done, total in resume(url, part):
            report(Progress("fetch", done, total, unit="bytes"))
    except OSError as error:
        raise SourceError(
            f"{remote.file} could not be fetched ({getattr(error, 'reason', None) or error}); run this again to go on where it "
            f"stopped, or fetch {url} yourself and unpack it in {folder}."
        ) from error
    digest = _md5(part, report)
    if remote.md5 and digest != remote.md5:
        raise _other(part, digest, remote.md5, url)
    try:
        if remote.file.endswith(".zip"):
            _unzip(part, remote, folder=folder, limits=limits, report=report)
        else:
            _gunzip(part, remote, folder=folder, limits=limits, report=report)
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        discard(part)
        raise SourceError(f"{remote.file} from {url} is damaged ({error}) and was deleted; run this again to fetch it anew.") from error
    facts = {"url": url, "md5": digest, "bytes": part.stat().st_size, "licence": benchmark.licence, "licence_url": benchmark.licence_url}
    write_json(folder / f"{remote.file}.json", {**facts, "cite": benchmark.cite, "date": datetime.now(UTC).isoformat(timespec="seconds")})
    discard(part)


def _part(remote: Remote, folder: Path) -> Path:
    return folder / f".{remote.file}.part"


def _other(part: Path, digest: str, published: str, url: str) -> SourceError:
    discard(part)
    return SourceError(
        f"What came from {url} is not the published file (md5 {digest} instead of {published}) and was deleted; run this again."
    )


def _unzip(archive: Path, remote: Remote, *, folder: Path, limits: Limits, report: Report) -> None:
    """Unpack the members below ``remote.gives`` into a temporary folder beside the target, then rename it."""
    work = folder / f".{remote.file}.unpacking"
    shutil.rmtree(work, ignore_errors=True)
    with zipfile.ZipFile(archive) as opened:
        check_archive(opened, archive, limits)
        members = [info for info in opened.infolist() if info.filename.startswith(f"{remote.gives}/")]
        if not members:
            raise SourceError(f"{remote.file} holds no folder {remote.gives}; it is not the published archive.")
        for info in members:
            _check_member(info, remote, limits)
        for done, info in enumerate(members):
            opened.extract(info, work)
            report(Progress("unpack", done + 1, len(members), unit="files"))
    _appear(work / remote.gives, folder / remote.gives)
    shutil.rmtree(work)


def _check_member(info: zipfile.ZipInfo, remote: Remote, limits: Limits) -> None:
    """Raises ``UnsafeArchive`` for a member that is a link, or that unpacks to suspiciously many times its size."""
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UnsafeArchive(f"{remote.file} holds the link {info.filename!r}; get a clean copy.")
    if info.file_size > max(_HARMLESS_BYTES, limits.max_archive_ratio * info.compress_size):
        raise UnsafeArchive(
            f"{remote.file} holds {info.filename!r}, which unpacks to more than {limits.max_archive_ratio} times its size "
            "(a zip bomb?); raise EXPLORER_MAX_ARCHIVE_RATIO if you trust it."
        )


def _gunzip(archive: Path, remote: Remote, *, folder: Path, limits: Limits, report: Report) -> None:
    unpacked = folder / f".{remote.gives}.unpacking"
    with gzip.open(archive) as packed, unpacked.open("wb") as file:
        done = 0
        while chunk := packed.read(CHUNK_BYTES):
            done += len(chunk)
            if done > limits.max_archive_bytes:
                raise UnsafeArchive(
                    f"{remote.file} unpacks to more than {limits.max_archive_bytes} bytes; raise max_archive_bytes if you trust it."
                )
            file.write(chunk)
            report(Progress("unpack", done, unit="bytes"))
    digest = _md5(unpacked, report)
    if remote.md5_unpacked and digest != remote.md5_unpacked:
        unpacked.unlink()
        raise _other(archive, digest, remote.md5_unpacked, remote.url)
    _appear(unpacked, folder / remote.gives)


def _appear(artifact: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    artifact.rename(target)


def _md5(path: Path, report: Report) -> str:
    """md5 as a hex digest, because that is what the publishers provide."""
    digest = hashlib.md5(usedforsecurity=False)
    size = path.stat().st_size
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            report(Progress("check", done, size, unit="bytes"))
    return digest.hexdigest()
