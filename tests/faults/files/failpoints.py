"""Points at which a process sends itself a signal: before and after each call of a store, each statement and each commit."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Engine, event

STATEMENTS = ("before_cursor_execute", "after_cursor_execute", "commit")


@dataclass(eq=False)
class Failpoint:
    """Sends this process a signal when it is reached for the *at*-th time; 0 is never.

    Attributes:
        at: At which point.
        sent: What is sent: a signal that kills the process, or one that stops it until it is sent another one.
        reached: The names of all points so far.
    """

    at: int = 0
    sent: signal.Signals = signal.SIGKILL
    reached: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> None:
        """Count."""
        self.reached.append(name)
        if len(self.reached) == self.at:
            signal.raise_signal(self.sent)  # before the next instruction of this thread

    def at_statements(self, engine: Engine) -> None:
        """Be reached before and after each statement of *engine*, and before each commit."""

        def reached_at(name: str) -> Callable[..., None]:
            return lambda *_: self(name)

        for name in STATEMENTS:
            event.listen(engine, name, reached_at(name))

    def around(self, owner: type, name: str) -> None:
        """Be reached before and after each call of a method."""
        method = getattr(owner, name)

        def call(*given: Any, **named: Any) -> Any:
            self(f"before {name}")
            result = method(*given, **named)
            self(f"after {name}")
            return result

        setattr(owner, name, call)


@dataclass(frozen=True)
class Watched:
    """A store that reaches a failpoint before and after each call, and so does the ledger that it lends under a lease."""

    store: Any
    failpoint: Failpoint

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the store's method, watched."""
        method = getattr(self.store, name)

        def call(*given: Any, **named: Any) -> Any:
            self.failpoint(f"before {name}")
            result = method(*given, **named)
            self.failpoint(f"after {name}")
            return result

        return call

    @contextmanager
    def lease(self, *given: Any) -> Iterator[Watched]:
        """Lend a watched ledger under a lease."""
        self.failpoint("before lease")
        with self.store.lease(*given) as held:
            self.failpoint("after lease")
            yield replace(self, store=held)
            self.failpoint("before release")
        self.failpoint("after release")
