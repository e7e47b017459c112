"""How much memory a process may ask for, and how much it had.

On Linux the limit is RLIMIT_DATA: it counts private writable memory, be it from ``malloc`` or from ``mmap``. What is only read
(libraries, mapped files) is free; RLIMIT_AS would count that too, and every thread's reserve of addresses. Memory counts when it is
asked for, not when it is written to. On macOS neither limit holds for what ``malloc`` maps, so that there is none.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS = Path("/proc/self/status")
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""What ``ru_maxrss`` counts in, in bytes."""


@contextmanager
def limited(memory: int) -> Iterator[None]:
    """Let this process ask for at most *memory* bytes more than it has, until the end of the ``with``.

    Beyond it, ``malloc`` returns nothing: Python and numpy raise MemoryError; what does not look crashes.
    """
    if not _STATUS.exists():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = _data() + memory
    chosen = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (chosen, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def peak(usage: resource.struct_rusage) -> int:
    """Return the most memory that was resident, in bytes."""
    return usage.ru_maxrss * _RSS_UNIT


def own_peak() -> int:
    """Return the same of this process up to now; just after a fork, what it began with."""
    return peak(resource.getrusage(resource.RUSAGE_SELF))


def _data() -> int:
    """Return what counts against the limit now, in bytes."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmData:"))
    return int(line.split()[1]) * 1024
