"""What a process and all that it started take together: seconds of CPU, and memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread

import psutil

EVERY_S = 0.25
MB = 1 << 20


@dataclass(slots=True)
class Together:
    """What a block took.

    Attributes:
        cpu: Seconds of CPU, also of those that still run.
        peak: The most memory at a look every quarter of a second, in MB; what several share counts once (PSS).
    """

    cpu: float = 0.0
    peak: float = 0.0


@contextmanager
def watched() -> Iterator[Together]:
    """Yield what the block takes, which is known after it."""
    found, over = Together(), Event()
    thread = Thread(target=_watch, args=(found, over), daemon=True)
    before = _cpu()
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
        found.cpu = _cpu() - before


def _watch(found: Together, over: Event) -> None:
    while not over.wait(EVERY_S):
        found.peak = max(found.peak, sum(map(_memory, _all())))


def _all() -> list[psutil.Process]:
    this = psutil.Process()
    return [this, *this.children(recursive=True)]


def _memory(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return float(process.memory_full_info().pss) / MB
    return 0.0


def _cpu() -> float:
    return sum(map(_taken, _all()))


def _taken(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0
