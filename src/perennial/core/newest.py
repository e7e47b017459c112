"""What was made last, kept as far as it is not too large: for what is asked for several times in a row."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Newest(Generic[K, V]):
    """Values by key, of which those that were asked for longest ago go first. Threads may share it."""

    def __init__(self, most: int, size: Callable[[V], int]) -> None:
        """Keep nothing yet, and never more than *most* bytes, where a value takes about *size* of them."""
        self._most, self._size = most, size
        self._lock, self._kept, self._bytes = Lock(), OrderedDict[K, V](), 0

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of *key*; *make* it if it is not kept. One that is too large by itself is not kept at all."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = make()
        self._keep(key, value)
        return value

    def _keep(self, key: K, value: V) -> None:
        size = self._size(value)
        if size > self._most:
            return
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = value
            self._bytes += size
            while self._bytes > self._most:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= self._size(oldest)
