"""An engine without machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from perennial.ports import Tools

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class InlineEngine:
    """Works on parts where it is called, one after the other, so that a debugger stops in the work.

    Attributes:
        tools: What the work is given.
    """

    tools: Tools

    def map(self, work: Callable[[P, Tools], bytes], parts: Sequence[P]) -> list[bytes]:
        """Do *work* with each of *parts*; see ``ports.Engine.map``."""
        return [work(part, self.tools) for part in parts]
