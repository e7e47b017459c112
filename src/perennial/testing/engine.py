"""An engine without machines."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import pyarrow as pa

from perennial.ports import Tools

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class InlineEngine:
    """Works on parts where it is called, one after the other, so that a debugger stops in the work.

    Work and parts travel as they do to machines, and each part meets a copy of the work of its own. What cannot travel fails before
    anything is done; so does what is no function of a module, such as a lambda. The work gets tools alone: no ledger, and no
    source, where *tools* are stores.

    Attributes:
        tools: What the work is given.
    """

    tools: Tools

    def map(self, work: Callable[[P, Tools], bytes], parts: Sequence[P]) -> list[bytes]:
        """Do *work* with each of *parts*; see ``ports.Engine.map``.

        Raises:
            Exception: What *pickle* says of work or a part that cannot travel, and pyarrow of an answer that is not bytes.
        """
        tools = Tools(**{field.name: getattr(self.tools, field.name) for field in fields(Tools)})
        travelling = [pickle.dumps((work, part)) for part in parts]
        return [_answer(packed, tools) for packed in travelling]


def _answer(packed: bytes, tools: Tools) -> bytes:
    """Return what the work answers, handed over as the engine's machines do: in Arrow."""
    work, part = pickle.loads(packed)  # noqa: S301 - our own bytes, just made
    found: bytes = pa.scalar(work(part, tools), pa.binary()).as_py()
    return found
