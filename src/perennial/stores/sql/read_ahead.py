"""Reads one step ahead in a thread, so that what makes rows and what uses them keep a core each."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeVar

T = TypeVar("T")


def read_ahead(items: Generator[T], *, cancel: Callable[[], None], depth: int = 2) -> Generator[T]:
    """Yield *items*, which a thread of its own makes, at most *depth* of them before they are asked for.

    It helps where making an item lets go of Python's lock, as decoding and reading do. An error of *items* is raised here, in its
    place. When the reader stops early, *items* is closed in its thread before this returns. While the thread waits for a server,
    the reader still gets its signals.

    Args:
        items: Runs in the thread only, from the first item to its end.
        cancel: Makes a wait inside *items* end at once. Called only where the reader stops early, and from the reader's thread.
        depth: How many items may lie ready.
    """
    made: SimpleQueue[tuple[T] | BaseException | None] = SimpleQueue()
    room, stopped = Semaphore(depth), Event()
    thread = Thread(target=_make, args=(items, made, room, stopped), name="read ahead", daemon=True)
    thread.start()
    ended = False
    try:
        while isinstance(item := made.get(), tuple):
            room.release()
            yield item[0]
        ended = True
        if item is not None:
            raise item
    finally:
        stopped.set()
        room.release()
        if not ended and thread.is_alive():  # also where items lie ready: the thread may wait behind them
            cancel()
        thread.join()


def _make(items: Generator[T], made: SimpleQueue[tuple[T] | BaseException | None], room: Semaphore, stopped: Event) -> None:
    try:
        with closing(items):
            for item in items:
                room.acquire()
                if stopped.is_set():
                    return
                made.put((item,))
        made.put(None)
    except BaseException as error:  # noqa: BLE001 - raised again where the items are used
        made.put(error)
