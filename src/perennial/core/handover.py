"""A short queue between two threads, one of which gives what the other one takes, and either of which may fail."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty, Queue
from threading import Event
from typing import Generic, TypeVar

T = TypeVar("T")


class Handover(Generic[T]):
    """Items on their way from the thread that makes them to the thread that uses them.

    Attributes:
        over: Whether the taker has met the end, or the giver's error.
    """

    def __init__(self, depth: int) -> None:
        """Let at most *depth* items lie ready; with one more, the giver waits."""
        self._ready: Queue[tuple[T] | BaseException | None] = Queue(maxsize=depth)
        self._left = Event()
        self.over = False

    def give(self, item: T) -> bool:
        """Hand *item* over as soon as there is room, and return whether there still is somebody to take it."""
        return self._put((item,))

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes: that was all, or *error* came instead."""
        self._put(error)

    def taken(self) -> Iterator[T]:
        """Yield what is given, to its end.

        Raises:
            BaseException: The giver's own, after the items before it.
        """
        while isinstance(item := self._ready.get(), tuple):
            yield item[0]
        self.over = True
        if item is not None:
            raise item

    def leave(self) -> None:
        """Take nothing more: whoever waits to give something goes on at once."""
        self._left.set()
        while True:
            try:
                self._ready.get_nowait()
            except Empty:
                return

    def _put(self, item: tuple[T] | BaseException | None) -> bool:
        if self._left.is_set():
            return False
        self._ready.put(item)
        return not self._left.is_set()
