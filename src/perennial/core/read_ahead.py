"""Reads ahead in a thread, so that what makes items and what uses them keep a core each."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from threading import Thread
from typing import TypeVar

from perennial.core.handover import Handover

T = TypeVar("T")


def read_ahead(items: Generator[T], *, cancel: Callable[[], None] = lambda: None, depth: int = 2) -> Generator[T]:
    """Yield *items*, which a thread of its own makes, at most *depth* of them before they are asked for.

    It helps where making an item lets go of Python's lock, as decoding and reading do. An error of *items* is raised here, in its
    place. When the reader stops early, *items* is closed in its thread before this returns. While the thread waits for a server,
    the reader still gets its signals.

    Args:
        items: Runs in the thread only, from the first item to its end.
        cancel: Makes a wait inside *items* end at once. Called only where the reader stops early, and from the reader's thread.
        depth: How many items may lie ready.
    """
    handover = Handover[T](depth)
    thread = Thread(target=_make, args=(items, handover), name="read ahead", daemon=True)
    thread.start()
    try:
        yield from handover.taken()
    finally:
        handover.leave()
        if not handover.over and thread.is_alive():  # also where items lie ready: the thread may wait behind them
            cancel()
        thread.join()


def _make(items: Generator[T], handover: Handover[T]) -> None:
    try:
        with closing(items):
            for item in items:
                if not handover.give(item):
                    return
        handover.end()
    except BaseException as error:  # noqa: BLE001 - raised again where the items are used
        handover.end(error)
