"""What was worked out of content that never changes, by its digests, so that it is worked out once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar, cast

T = TypeVar("T")
MOST = 4096
"""Entries; the one that was asked for longest ago goes first."""


class Kept:
    """A bounded memory that many threads share. Two that ask at once may both work it out; both find the same."""

    def __init__(self, most: int = MOST) -> None:
        """Begin with nothing."""
        self._most, self._found, self._lock = most, OrderedDict[Hashable, object](), Lock()

    def get(self, key: Hashable) -> object | None:
        """Return what is kept under *key*, or None."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, key: Hashable, value: object) -> None:
        """Keep *value* under *key*."""
        with self._lock:
            self._found[key] = value
            self._found.move_to_end(key)
            while len(self._found) > self._most:
                self._found.popitem(last=False)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what is kept under *key*, or what *make* returns, which is kept from then on."""
        found = self.get(key)
        if found is None:
            found = make()
            self.put(key, found)
        return cast("T", found)
