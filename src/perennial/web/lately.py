"""What was read a moment ago, for the many who ask at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 24
"""Things that are held; the one that was asked for longest ago goes first."""


@dataclass(slots=True)
class _Held(Generic[T]):
    """One thing, as a list that is empty before it was read, and when it was read."""

    lock: Lock = field(default_factory=Lock)
    read: list[tuple[datetime, T]] = field(default_factory=list)


class Lately(Generic[T]):
    """Holds what was read last by its name, and when. Whoever asks while it is read anew waits for that, and reads nothing."""

    def __init__(self, most: int = MOST) -> None:
        """Begin with nothing."""
        self._most, self._lock, self._held = most, Lock(), OrderedDict[Hashable, _Held[T]]()

    def get(self, key: Hashable, now: datetime, age: timedelta, read: Callable[[], T]) -> T:
        """Return what was read of *key* less than *age* ago, or what *read* returns."""
        held = self._of(key)
        with held.lock:
            if not held.read or not timedelta(0) <= now - held.read[0][0] < age:
                held.read = [(now, read())]
            return held.read[0][1]

    def _of(self, key: Hashable) -> _Held[T]:
        with self._lock:
            found = self._held.setdefault(key, _Held())
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return found
