"""Pictures people ask about. They live in memory, under names nobody can guess, for the session that brought them.

A page opens one ``Held`` per session; what it keeps is gone when the session ends, or after an hour without a look.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from ...search import Picture
from ...types import Image
from ..api.problems import Problem

MOST_PER_SESSION = 8
LIFE_S = 3600.0


@dataclass(slots=True)
class _Kept:
    picture: Picture
    seen_s: float


_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


@dataclass(slots=True)
class Held:
    """The query pictures of one session; the oldest gives way to a ninth."""

    ids: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def keep(self, image: Image) -> str:
        """Keep a picture (h w 3); returns the id it can be asked for by."""
        query_id = secrets.token_urlsafe(24)
        with _lock:
            _forget_old()
            _kept[query_id] = _Kept(Picture(image), time.monotonic())
            self.ids[query_id] = None
            while len(self.ids) > MOST_PER_SESSION:
                _kept.pop(self.ids.popitem(last=False)[0], None)
        return query_id

    def close(self) -> None:
        """Forget them all."""
        with _lock:
            for query_id in self.ids:
                _kept.pop(query_id, None)
            self.ids.clear()


def find(query_id: str) -> Image:
    """The pixels of a kept picture. Raises ``Problem``."""
    return picture(query_id).pixels


def picture(query_id: str) -> Picture:
    """A kept picture, whose hash is computed once. Raises ``Problem``."""
    with _lock:
        _forget_old()
        kept = _kept.get(query_id)
        if kept is None:
            raise Problem(404, "This picture is no longer here; bring it again.")
        kept.seen_s = time.monotonic()
        return kept.picture


def _forget_old() -> None:
    oldest = time.monotonic() - LIFE_S
    for query_id in [query_id for query_id, kept in _kept.items() if kept.seen_s < oldest]:
        del _kept[query_id]
