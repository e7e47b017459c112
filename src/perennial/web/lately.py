"""What was read a moment ago, for the many who ask at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Lately(Generic[T]):
    """Holds the last thing that was read, and when. Whoever asks while it is read anew waits for that, and reads nothing."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock, self._held = Lock(), list[tuple[datetime, T]]()

    def get(self, now: datetime, age: timedelta, read: Callable[[], T]) -> T:
        """Return what was read less than *age* ago, or what *read* returns."""
        with self._lock:
            if not self._held or not timedelta(0) <= now - self._held[0][0] < age:
                self._held = [(now, read())]
            return self._held[0][1]
