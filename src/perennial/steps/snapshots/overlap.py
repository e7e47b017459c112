"""Doing two things at once: one thread produces what another one consumes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from queue import Empty, Queue
from threading import Event
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class _Handover(Generic[T]):
    """A short queue between two threads, either of which may fail."""

    def __init__(self, ahead: int) -> None:
        self._queue: Queue[tuple[T] | BaseException | None] = Queue(maxsize=ahead)
        self._left = Event()

    def give(self, item: tuple[T] | BaseException | None) -> bool:
        """Hand *item* over, and return whether the consumer is still there to take it."""
        if self._left.is_set():
            return False
        self._queue.put(item)
        return not self._left.is_set()

    def taken(self) -> Iterator[T]:
        """Yield what is given until None is; raise an error that is given."""
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item[0]

    def leave(self) -> None:
        """Take nothing more: whoever waits to give something goes on at once."""
        self._left.set()
        while True:
            try:
                self._queue.get_nowait()
            except Empty:
                return


def overlapped(items: Generator[T, None, None], consume: Callable[[Iterator[T]], R], *, ahead: int = 2) -> R:
    """Return ``consume(items)``, where *items* are produced in this thread while another one consumes them.

    What either side raises is raised here, after the other one has ended: the consumer meets an error of *items* where it takes
    the next one, and *items* end early where the consumer fails. No thread is left behind.

    Args:
        items: What is produced, closed at the end. It stays in the calling thread: a database's connection may belong to that.
        consume: Takes the items, in a thread of its own.
        ahead: How many items may wait.
    """
    handover = _Handover[T](ahead)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="overlap") as pool, closing(items):
        consumed = pool.submit(_consume, consume, handover)
        try:
            for item in items:
                if not handover.give((item,)):
                    break
            handover.give(None)
        except BaseException as error:
            handover.give(error)
            raise
        return consumed.result()


def _consume(consume: Callable[[Iterator[T]], R], handover: _Handover[T]) -> R:
    try:
        return consume(handover.taken())
    finally:
        handover.leave()
