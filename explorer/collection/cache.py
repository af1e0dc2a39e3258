"""A cache of expensive values with a limit in bytes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

V = TypeVar("V")


class ByteCache(Generic[V]):
    """Keeps the most recently used values within ``most_bytes``; a larger value is kept alone.

    Safe to use from several threads: a value is made once while other callers wait.
    """

    def __init__(self, most_bytes: int, size: Callable[[V], int]) -> None:
        self._values: LRUCache[Hashable, V] = LRUCache(most_bytes, getsizeof=lambda value: min(size(value), most_bytes))
        self._lock, self._making = Lock(), dict[Hashable, Lock]()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of ``key``; made by ``make`` where it is not cached."""
        with self._lock:
            if key in self._values:
                return self._values[key]
            making = self._making.setdefault(key, Lock())
        with making:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            try:
                value = make()
                with self._lock:
                    self._values[key] = value
            finally:  # also where it could not be made: who waited tries it, and the lock is kept for nobody
                with self._lock:
                    self._making.pop(key, None)
            return value

    @property
    def n_bytes(self) -> int:
        """Bytes of the cached values; a value larger than the limit counts as the limit."""
        return int(self._values.currsize)

    def clear(self) -> None:
        """Remove all values."""
        with self._lock:
            self._values.clear()
