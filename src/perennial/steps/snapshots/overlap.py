"""Doing two things at once: one thread produces what another one consumes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from perennial.core.handover import Handover

T = TypeVar("T")
R = TypeVar("R")


def overlapped(items: Generator[T, None, None], consume: Callable[[Iterator[T]], R], *, ahead: int = 2) -> R:
    """Return ``consume(items)``, where *items* are produced in this thread while another one consumes them.

    What either side raises is raised here, after the other one has ended: the consumer meets an error of *items* where it takes
    the next one, and *items* end early where the consumer fails. No thread is left behind.

    Args:
        items: What is produced, closed at the end. It stays in the calling thread: a database's connection may belong to that.
        consume: Takes the items, in a thread of its own.
        ahead: How many items may wait.
    """
    handover = Handover[T](ahead)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="overlap") as pool, closing(items):
        consumed = pool.submit(_consume, consume, handover)
        try:
            for item in items:
                if not handover.give(item):
                    break
            handover.end()
        except BaseException as error:
            handover.end(error)
            raise
        return consumed.result()


def _consume(consume: Callable[[Iterator[T]], R], handover: Handover[T]) -> R:
    try:
        return consume(handover.taken())
    finally:
        handover.leave()
