"""Values that are dear to make, kept within a bound of bytes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

V = TypeVar("V")


class ByteCache(Generic[V]):
    """Keeps the values used last, as many as fit into ``most_bytes``; one larger than that is kept alone.

    Safe to use from several threads: a value is made once, and who asks for it meanwhile waits.
    """

    def __init__(self, most_bytes: int, size: Callable[[V], int]) -> None:
        self._size, self._most_bytes = size, most_bytes
        self._values: LRUCache[Hashable, V] = LRUCache(most_bytes, getsizeof=lambda value: min(size(value), most_bytes))
        self._lock, self._making = Lock(), dict[Hashable, Lock]()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of ``key``, made by ``make`` where it is not kept."""
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
        """Bytes of what is kept; a value larger than the bound counts as the bound."""
        return int(self._values.currsize)

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._values.clear()
