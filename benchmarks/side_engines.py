"""Engines of one machine, for the benchmark alone: parts in threads, and parts in processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from typing import TypeVar

from perennial.ports import Tools

P = TypeVar("P")
MANY = 2


class Threads:
    """Works on as many parts at a time as there are cores, in this process."""

    def __init__(self, tools: Callable[[], Tools]) -> None:
        """Start the threads."""
        self._pool, self._tools = ThreadPoolExecutor(MANY), tools()

    def map(self, work: Callable[[P, Tools], bytes], parts: Sequence[P]) -> list[bytes]:
        """Do *work* with each of *parts*; see ``ports.Engine.map``."""
        return list(self._pool.map(partial(_with, work, self._tools), parts))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


class Processes:
    """Works on as many parts at a time as there are cores, each in a process of its own that stays."""

    def __init__(self, tools: Callable[[], Tools]) -> None:
        """Start none yet."""
        self._pool, self._tools = ProcessPoolExecutor(MANY, get_context("spawn")), tools

    def map(self, work: Callable[[P, Tools], bytes], parts: Sequence[P]) -> list[bytes]:
        """Do *work* with each of *parts*; see ``ports.Engine.map``."""
        return list(self._pool.map(partial(_opening, work, self._tools), parts))

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown()


def _with(work: Callable[[P, Tools], bytes], tools: Tools, part: P) -> bytes:
    return work(part, tools)


def _opening(work: Callable[[P, Tools], bytes], tools: Callable[[], Tools], part: P) -> bytes:
    return work(part, _opened(tools))


@cache
def _opened(tools: Callable[[], Tools]) -> Tools:
    return tools()
