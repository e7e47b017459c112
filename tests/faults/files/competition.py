"""One of many processes that want to say at the same moment who is champion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.files.gate import wait

from perennial.core.receipts import Evaluation, Promotion
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.publish import publish
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.stores.ledger import PostgresLedger


class Last:
    """A ledger whose promotion waits at a gate: all that a step asks before is asked by then."""

    def __init__(self, ledger: PostgresLedger, gate: int) -> None:
        """Use *ledger*."""
        self._ledger, self._gate = ledger, gate

    def promote(self, promotion: Promotion) -> Promotion:
        """Wait, then promote."""
        wait(self._ledger, self._gate)
        return self._ledger.promote(promotion)

    def __getattr__(self, name: str) -> Any:
        """Do everything else."""
        return getattr(self._ledger, name)


def compete(ask: dict[str, Any], say: Callable[..., None]) -> None:
    """Publish the evaluation ``evaluation``, or append the row ``promotion``, when the gate opens; say the epoch that was won.

    The gate stands before the step, or with ``within`` in the middle of it: between its questions and its compare-and-set.
    """
    ledger = PostgresLedger.open(ask["url"])
    if "promotion" in ask:
        wanted = Promotion.model_validate_json(ask["promotion"])
        wait(ledger, ask["gate"])
        say(acked=ledger.promote(wanted).epoch)
        return
    evaluation = ledger.get(Evaluation, ask["evaluation"])
    definition = Definition.model_validate(ask["definition"])
    gated: Any = Last(ledger, ask["gate"]) if ask["within"] else ledger
    folder = Path(ask["folder"])
    stores = Stores(source=_none, artifacts=DiskArtifacts(folder), ledger=gated, signing_key=bytes(32), scratch=folder)
    if not ask["within"]:
        wait(ledger, ask["gate"])
    published = publish(definition, evaluation.interval, stores, evaluation=evaluation, actor=ask["actor"])
    say(acked=published.epoch if published.promoted else published.sentence)


def _none(connection: str) -> Any:
    raise LookupError(connection)
