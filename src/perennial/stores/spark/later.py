"""An engine that is chosen when rows are to be worked on: most who open the stores have none, and may not know its connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TypeVar

from perennial.ports import Tools
from perennial.stores.spark.engine import SparkEngine

P = TypeVar("P")


class LaterEngine:
    """The port ``Engine`` over the one that *choose* returns, which is asked at the first use."""

    def __init__(self, choose: Callable[[], SparkEngine]) -> None:
        """Choose nothing yet."""
        self._choose = choose
        self._lock = Lock()
        self._chosen: SparkEngine | None = None

    def map(self, work: Callable[[P, Tools], bytes], parts: Sequence[P]) -> list[bytes]:
        """Do *work* with each of *parts*; see ``ports.Engine.map``."""
        with self._lock:
            chosen = self._chosen = self._chosen or self._choose()
        return chosen.map(work, parts)

    def close(self) -> None:
        """Stop it, if it was used. Another use chooses again."""
        with self._lock:
            if self._chosen is not None:
                self._chosen.close()
            self._chosen = None
