"""Query pictures of users, kept in memory under random ids for the session that uploaded them, and never written to disk.

The browser announces a picture and sends its file, which waits here for its page to take it (``announce``, ``receive``,
``take_received``).

A page opens one ``Held`` per session; its pictures are dropped when the session ends, or after an hour without use. All
sessions together hold at most ``MAX_BYTES``; the least recently used pictures are dropped first.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from cachetools import TTLCache

from ...errors import InputError, NotFound
from ...search import Picture
from ...types import Image

MOST_PER_SESSION = 8
"""Pictures per session, and as many regions cut from them or from patches."""
MAX_SESSION_BYTES = 64_000_000
"""Bytes of a session's pictures, and of its regions: the oldest are dropped first, the newest is kept whatever its size."""
MAX_BYTES = 256_000_000
"""Bytes of all sessions together."""
LIFE_S = 3600.0
MOST_FILE_BYTES = 20_000_000
"""Bytes of the file of one query picture."""
MAX_WAITING_BYTES = 128_000_000
"""Bytes of all files that wait for their page; the oldest are dropped first."""
_WAITING_LIFE_S = 600.0


_GONE = "This picture is no longer here; bring it again."


@dataclass(slots=True)
class _Entry:
    picture: Picture
    seen_s: float


_entries: OrderedDict[str, _Entry] = OrderedDict()
"""Pictures by id, in order of their last use."""
_waiting: TTLCache[str, tuple[str, bytes]] = TTLCache(MAX_WAITING_BYTES, _WAITING_LIFE_S, getsizeof=lambda file: 1000 + len(file[1]))
"""Name and bytes of each announced file; no bytes before it has arrived."""
_lock = threading.Lock()


@dataclass(slots=True)
class Held:
    """The query pictures of one session and the regions it searched with; a region never displaces a picture."""

    pictures: OrderedDict[Hashable, str] = field(default_factory=OrderedDict)
    """Ids of pictures, oldest first."""
    regions: OrderedDict[Hashable, str] = field(default_factory=OrderedDict)
    """Ids of regions by what they were cut from, oldest first."""

    def keep(self, image: Image) -> str:
        """Store a picture (h w 3); returns its id. Raises ``InputError`` where it is too large."""
        with _lock:
            query_id = _add(image)
            self.pictures[query_id] = query_id
            _trim(self.pictures)
        return query_id

    def keep_region(self, image: Image, source: Hashable) -> str:
        """Store a region (h w 3) under its original and position; the same region again gets the same id."""
        with _lock:
            query_id = self.regions.get(source, "")
            if query_id not in _entries:
                query_id = self.regions[source] = _add(image)
            self.regions.move_to_end(source)
            _trim(self.regions)
        return query_id

    def close(self) -> None:
        """Drop all pictures of the session."""
        with _lock:
            for query_id in (*self.pictures.values(), *self.regions.values()):
                _entries.pop(query_id, None)
            self.pictures.clear()
            self.regions.clear()


def announce() -> str:
    """A new id for a file that will be sent."""
    upload_id = secrets.token_hex(16)
    with _lock:
        _waiting[upload_id] = ("", b"")
    return upload_id


def receive(upload_id: str, name: str, data: bytes) -> None:
    """Store an announced file. Raises ``NotFound``."""
    with _lock:
        if upload_id not in _waiting:
            raise NotFound(_GONE)
        _waiting[upload_id] = (name, data)


def take_received(upload_id: str) -> tuple[str, bytes]:
    """Name and bytes of an announced file, which is forgotten here. Raises ``NotFound``."""
    with _lock:
        file = _waiting.pop(upload_id, None)
    if file is None:
        raise NotFound(_GONE)
    return file


def find(query_id: str) -> Image:
    """The pixels of a stored picture. Raises ``NotFound``."""
    return picture(query_id).pixels


def picture(query_id: str) -> Picture:
    """A stored picture, whose hash is computed once. Raises ``NotFound``."""
    with _lock:
        _forget_old()
        entry = _entries.get(query_id)
        if entry is None:
            raise NotFound(_GONE)
        entry.seen_s = time.monotonic()
        _entries.move_to_end(query_id)
        return entry.picture


def waiting_bytes() -> int:
    """Memory in bytes used by files that wait for their page."""
    return int(_waiting.currsize)


def held_bytes() -> int:
    """Memory in bytes used by the pictures of all sessions."""
    return sum(entry.picture.pixels.nbytes for entry in _entries.values())


def _add(image: Image) -> str:
    if image.nbytes > MAX_BYTES:
        raise InputError(
            f"This picture takes {image.nbytes / 1e6:.0f} MB of memory, more than the {MAX_BYTES / 1e6:.0f} MB there are; "
            "bring a smaller one, or a part of it."
        )
    _forget_old()
    while held_bytes() + image.nbytes > MAX_BYTES:
        _entries.popitem(last=False)
    query_id = secrets.token_urlsafe(24)
    _entries[query_id] = _Entry(Picture(image), time.monotonic())
    return query_id


def _trim(ids: OrderedDict[Hashable, str]) -> None:
    """Drop the oldest entries of a session until it is within its limits."""
    while len(ids) > 1 and (len(ids) > MOST_PER_SESSION or _bytes_of(ids) > MAX_SESSION_BYTES):
        _, query_id = ids.popitem(last=False)
        _entries.pop(query_id, None)


def _bytes_of(ids: OrderedDict[Hashable, str]) -> int:
    return sum(_entries[query_id].picture.pixels.nbytes for query_id in ids.values() if query_id in _entries)


def _forget_old() -> None:
    oldest_s = time.monotonic() - LIFE_S
    while _entries and next(iter(_entries.values())).seen_s < oldest_s:
        _entries.popitem(last=False)
