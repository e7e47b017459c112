"""Work on parts that fails in every way. Marks in a folder say which attempt it is: executors have no other memory in common."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault, UnavailableError
from perennial.ports import Tools
from perennial.steps.scoring.models import load
from perennial.testing import MemoryArtifacts

SECRET = "Kanarienvogel"
PATIENCE_S = 120


def tools(folder: str) -> Tools:
    """Open what work that uses none of it is given."""
    return Tools(artifacts=MemoryArtifacts(), signing_key=b"", scratch=Path(folder))


@dataclass(frozen=True)
class Doubled:
    """Returns twice the part, a number."""

    def __call__(self, part: int, _: Tools) -> bytes:
        """Return it."""
        return str(2 * part).encode()


@dataclass(frozen=True)
class Failing:
    """Does *work*, but fails with some parts, so many times.

    Attributes:
        marks: Where attempts leave a mark each, and one that is named like the moment that it came to.
        how: What happens: the process is killed (``kill``), or that of the executor (``parent``); an error is raised that is not
            ours (``raise``), one that may pass (``unavailable``), or one that does not (``faults``).
        times: How often.
        parts: With which parts, by what they look like.
        work: What is done else.
        at: When: ``before`` the work; ``predicting``, when the first model has predicted its first batch; ``put``, when the first
            predictions are in the artifacts; ``after``, when all is done, and the answer is lost.
    """

    marks: str
    how: str
    times: int
    parts: tuple[str, ...]
    work: Callable[[Any, Tools], bytes]
    at: str = "before"

    def __call__(self, part: object, tools: Tools) -> bytes:
        """Fail, or do it."""
        if str(part) in self.parts and _attempt(Path(self.marks), str(self.parts.index(str(part)))) <= self.times:
            if self.at != "before":
                self.work(part, self._deadly(tools))
            self._end("after")
        return self.work(part, tools)

    def _deadly(self, tools: Tools) -> Tools:
        """Return *tools* with which the work comes to its end in the middle, where that is asked for."""
        if self.at == "put":
            return replace(tools, artifacts=_Deadly(tools.artifacts, "put", self._end))
        if self.at == "predicting":
            manifest = self.work.scorings[0].manifest  # type: ignore[attr-defined] # of ScorePiece
            loaded = load(tools, manifest)
            return replace(tools, loaded={manifest: replace(loaded, model=_Deadly(loaded.model, "predict", self._end))})
        return tools

    def _end(self, moment: str) -> None:
        if self.at != "before":
            (Path(self.marks) / moment).touch()
        if self.how == "parent":
            os.kill(_executor(), signal.SIGKILL)
            time.sleep(PATIENCE_S)
        _fail(self.how)


@dataclass(frozen=True)
class _Deadly:
    """What *inner* is, until one of its methods was called."""

    inner: Any
    method: str
    end: Callable[[str], None]

    def __getattr__(self, name: str) -> Any:
        """Return what *inner* has."""
        return self._last if name == self.method else getattr(self.inner, name)

    def _last(self, *arguments: object) -> None:
        getattr(self.inner, self.method)(*arguments)
        self.end(self.method)


@dataclass(frozen=True)
class Slow:
    """Does *work*, but the first attempt at one part, which has done it, answers only when the second one is done.

    Attributes:
        marks: Where attempts leave two marks each: when they begin, and when the work is done.
        part: Which one, by what it looks like.
        work: What is done.
    """

    marks: str
    part: str
    work: Callable[[Any, Tools], bytes]

    def __call__(self, part: object, tools: Tools) -> bytes:
        """Do it, and wait."""
        if str(part) != self.part:
            return self.work(part, tools)
        attempt = _attempt(Path(self.marks), "slow")
        found = self.work(part, tools)
        (Path(self.marks) / f"done-{attempt}").touch()
        if attempt == 1:
            _await(Path(self.marks) / "done-2")
        return found


def _fail(how: str) -> None:
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "raise":
        raise ValueError(SECRET)
    if how == "unavailable":
        raise UnavailableError(Code.STORE_UNAVAILABLE, "did not answer", where="artifacts")
    raise DataError.of([Fault(Code.SCHEMA_MISSING, "must be there", "a"), Fault(Code.SCHEMA_TYPE, "must be a number", "b")])


def _attempt(marks: Path, name: str) -> int:
    """Return which attempt this is, from 1."""
    for number in range(1, 100):
        try:
            (marks / f"{name}-{number}").touch(exist_ok=False)
        except FileExistsError:
            continue
        return number
    raise AssertionError(name)


def _await(path: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)


def _executor() -> int:
    """Return the process of the executor: the Java that started the daemon that this process was forked from."""
    return int(Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[1])
