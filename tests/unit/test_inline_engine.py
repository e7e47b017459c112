"""An engine without machines refuses what one with machines could not do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from pickle import PicklingError
from threading import Lock
from typing import Any

import pyarrow as pa
import pytest

from perennial.ports import Stores, Tools
from perennial.testing import InlineEngine, MemoryArtifacts, MemoryLedger, MemorySource


@dataclass(frozen=True)
class Listing:
    """Lists what it was given, for as long as it lives."""

    seen: list[Any] = field(default_factory=list)

    def __call__(self, part: object, _: Tools) -> bytes:
        """Return all of it."""
        self.seen.append(part)
        return repr(self.seen).encode()


@dataclass(frozen=True)
class Returning:
    """Returns what is no answer."""

    answer: object

    def __call__(self, _: object, __: Tools) -> Any:
        """Return it."""
        return self.answer


@dataclass(frozen=True)
class Reaching:
    """Looks for more than it may have."""

    def __call__(self, _: object, tools: Tools) -> bytes:
        """Return which of these are there."""
        return " ".join(name for name in ("artifacts", "ledger", "source", "engine") if hasattr(tools, name)).encode()


@dataclass(frozen=True)
class Putting:
    """Puts what it is given."""

    def __call__(self, part: Any, tools: Tools) -> bytes:
        """Put it."""
        return tools.artifacts.put(part).encode()


@pytest.fixture
def engine(tmp_path: Path) -> InlineEngine:
    """An engine that was given all stores."""
    return InlineEngine(
        Stores(
            source=lambda _: MemorySource({}),
            artifacts=MemoryArtifacts(),
            ledger=MemoryLedger(),
            signing_key=b"",
            scratch=tmp_path,
        )
    )


def test_each_part_meets_work_of_its_own(engine: InlineEngine) -> None:
    """What work remembers is nothing that the next part's machine knows, nor who asked."""
    work = Listing()
    assert engine.map(work, [1, 2]) == [b"[1]", b"[2]"]
    assert work.seen == []


def test_a_part_that_cannot_travel_fails_before_anything_is_done(engine: InlineEngine) -> None:
    """Although the one before it can."""
    with pytest.raises(TypeError, match="cannot pickle"):
        engine.map(Putting(), [b"first", Lock()])
    assert list(engine.tools.artifacts.digests()) == []


def test_work_that_cannot_travel_fails(engine: InlineEngine) -> None:
    """A lock has no meaning elsewhere; a function without a name is not found there."""
    with pytest.raises(TypeError, match="cannot pickle"):
        engine.map(Returning(Lock()), [1])
    with pytest.raises((AttributeError, PicklingError), match="lambda"):
        engine.map(lambda _, __: b"", [1])


def test_an_answer_is_bytes(engine: InlineEngine) -> None:
    """Nothing else comes back from a machine."""
    with pytest.raises(pa.ArrowTypeError):
        engine.map(Returning({"rows": 1}), [1])


def test_work_gets_no_ledger(engine: InlineEngine) -> None:
    """Nor a source, nor an engine."""
    assert engine.map(Reaching(), [1]) == [b"artifacts"]
