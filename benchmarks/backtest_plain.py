"""The plain loop: each policy by itself, by the very steps, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from perennial.backtest.chronicle import Chronicle
from perennial.backtest.history import History
from perennial.backtest.lane import Lane
from perennial.backtest.memo import drafting
from perennial.backtest.policies import Policy
from perennial.backtest.replay import replay
from perennial.backtest.shared_training import waived
from perennial.backtest.walk import settled
from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation
from perennial.core.scratch import temporary_folder
from perennial.definition.calendar import midnight
from perennial.definition.calendar import nights as nights_of
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.evaluate import evaluate
from perennial.steps.loop import Steps
from perennial.testing import InlineWorkshop, MemoryArtifacts
from perennial.wiring import Reading


def plain(definition: Definition, tried: Sequence[Policy], within: Interval, reading: Reading) -> dict[str, Lane]:
    """Run each policy by itself, by the very steps, in memory and in this process."""
    lanes = {}
    for policy in tried:
        with temporary_folder(reading.scratch) as folder:
            ledger = Chronicle(settled=settled(definition, within))
            stores = Stores(
                source=reading.source,
                artifacts=MemoryArtifacts(),
                ledger=ledger,
                signing_key=reading.signing_key,
                scratch=folder,
                workshop=InlineWorkshop(),
            )
            begun = Interval(midnight(definition.schedule.start, "UTC"), within.end)
            history = History.extracted(definition, begun, stores, folder)
            stores = replace(stores, source=lambda _, history=history: history)
            applied = policy.applied(definition)
            events = replay(applied, within, stores, also_at=(within.start,), steps=_judging(policy, within))
            lane = Lane(policy, applied, stores, ledger, events, folder / "pairs.bin")
            for night in nights_of(definition.schedule, within):
                lane.advance(night)
                lane.settle(night.end)
                _let_go(ledger, night.start - 2 * settled(definition, within))
            lane.finish()
            lane.settle(within.end + 2 * settled(definition, within))
            lanes[policy.name] = lane
    return lanes


def _judging(policy: Policy, within: Interval) -> Steps:
    """Return the steps, with an evaluation that passes every challenger of a policy without a gate, and every first one."""

    def judged(definition: Definition, window: Interval, stores: Stores, **receipts: Any) -> Evaluation:  # noqa: ANN401 - the step's
        if policy.gated and window.end != within.start:
            return evaluate(definition, window, stores, **receipts)
        return stores.ledger.record(waived(evaluate(definition, window, drafting(stores), **receipts)))

    return Steps(evaluate=judged)


def _let_go(ledger: Chronicle, before: datetime) -> None:
    outcomes = ledger.records.outcomes
    for key in [key for key in outcomes if key[2] < before]:
        del outcomes[key]
