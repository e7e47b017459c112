"""Runs the step publish in processes that kill themselves: one line of JSON in, how the process ended out.

A line holds ``url``, ``artifacts``, ``definition``, ``evaluation`` and ``point``. Points are counted over every call of a store and
every statement of the ledger, before and after it, and before every commit; at ``point`` the process sends itself SIGKILL.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event

from perennial.core.receipts import Evaluation
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.publish import publish
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.stores.ledger import PostgresLedger

KEY = b"0123456789abcdef0123456789abcdef"


@dataclass(eq=False)
class Failpoint:
    """Kills this process when it is reached for the *at*-th time."""

    at: int
    reached: int = field(default=0)

    def __call__(self, *_: object) -> None:
        """Count."""
        self.reached += 1
        if self.reached == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Watched:
    """A store that reaches the failpoint before and after each call."""

    store: Any
    failpoint: Failpoint

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the store's method, watched."""
        method = getattr(self.store, name)

        def call(*given: Any, **named: Any) -> Any:
            self.failpoint()
            result = method(*given, **named)
            self.failpoint()
            return result

        return call


def run(ask: dict[str, Any]) -> None:
    """Publish, and be killed on the way."""
    failpoint = Failpoint(ask["point"])
    ledger = PostgresLedger.open(ask["url"])
    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(ledger.engine, name, failpoint)
    evaluation = Evaluation.model_validate_json(json.dumps(ask["evaluation"]))
    definition = Definition.model_validate(ask["definition"])
    watched: Any = [Watched(store, failpoint) for store in (DiskArtifacts(Path(ask["artifacts"])), ledger)]
    stores = Stores(source=_no_source, artifacts=watched[0], ledger=watched[1], signing_key=KEY, scratch=Path(ask["artifacts"]))
    publish(definition, evaluation.interval, stores, evaluation=evaluation, actor="publisher")


def _no_source(connection: str) -> Any:
    raise LookupError(connection)


def main() -> None:
    """Fork for each line, so that what is heavy is imported once."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
