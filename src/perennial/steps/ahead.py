"""Making the next item in the background while the last one is being used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def ahead(items: Iterator[T]) -> Iterator[Iterator[T]]:
    """Lend *items*, of which one thread makes the next one ahead of time; at the end of the ``with`` the thread is gone.

    What *items* raises comes through where that item would have come.
    """
    with ThreadPoolExecutor(1) as thread:
        yield _ahead(items, thread)


def _ahead(items: Iterator[T], thread: ThreadPoolExecutor) -> Iterator[T]:
    waiting = thread.submit(next, items, None)
    while (item := waiting.result()) is not None:
        waiting = thread.submit(next, items, None)
        yield item
