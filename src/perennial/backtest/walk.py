"""The walk through a history, night by night, under all policies at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from perennial.backtest.ahead import Ahead, looking_ahead
from perennial.backtest.chronicle import Chronicle, chronicles
from perennial.backtest.fits import Fits
from perennial.backtest.history import History
from perennial.backtest.lane import Lane
from perennial.backtest.memo import Memo
from perennial.backtest.policies import Policy
from perennial.backtest.recent import Recent
from perennial.backtest.replay import replay
from perennial.backtest.shared_nights import SharedNights
from perennial.backtest.shared_training import SharedTraining
from perennial.backtest.shelf import Shelf
from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Evaluation
from perennial.core.scratch import temporary_folder
from perennial.definition.calendar import midnight, nights
from perennial.definition.models import Definition
from perennial.ports import Stores, Workshop
from perennial.steps.loop import Steps
from perennial.steps.measuring.past_nights import NEWEST
from perennial.wiring import Reading

_MODELS = 6
"""So many models are held in memory for each policy: champion, challenger, the baseline of each, and some to spare."""


@dataclass(frozen=True, slots=True)
class Round:
    """How far a walk has come: the night that is over under every policy, its number from 1, and how many there are."""

    night: Interval
    number: int
    total: int


@dataclass(slots=True)
class Walk:
    """A walk under way.

    Attributes:
        definition: The model.
        within: The time to walk through.
        lanes: The policies.
        fits: Where models are fitted.
        history: What was extracted.
        ahead: Who fits what will be asked for; None where there is one workshop only.
    """

    definition: Definition
    within: Interval
    lanes: list[Lane]
    fits: Fits
    history: History
    ahead: Ahead | None

    def rounds(self) -> Iterator[Round]:
        """Walk, and yield after each night."""
        all_nights = list(nights(self.definition.schedule, self.within))
        for number, night in enumerate(all_nights, 1):
            if self.ahead:
                self.ahead.look(night.start)
            for lane in self.lanes:
                lane.advance(night)
            self._forget(night)
            yield Round(night, number, len(all_nights))
        for lane in self.lanes:
            lane.finish()
            lane.settle(self.within.end + 2 * settled(self.definition, self.within))

    def _forget(self, night: Interval) -> None:
        for lane in self.lanes:
            lane.settle(night.end)
        outcomes, gone = self.lanes[0].ledger.records.outcomes, night.start - 2 * settled(self.definition, self.within)
        for key in [key for key in outcomes if key[2] < gone]:
            del outcomes[key]


@contextmanager
def walking(
    definition: Definition,
    policies: Sequence[Policy],
    within: Interval,
    reading: Reading,
    *,
    shelf: Shelf,
    workshops: Sequence[Workshop],
    segment: str = ALL,
) -> Iterator[Walk]:
    """Lend a walk.

    All policies begin with a model of their own window that no gate refuses, at the start.

    Args:
        definition: The model.
        policies: What is tried.
        within: From the cut-off of the first model to the end of the last night.
        reading: The sources, the signing key, the scratch folder and the trusted types.
        shelf: What was found before, and will be.
        workshops: Where models are fitted, one at a time in each.
        segment: Of which segment.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder(reading.scratch))
        fits, measured = Fits(shelf, workshops), [NEWEST if policy is own_policy(policies) else 0 for policy in policies]
        ledgers = list(chronicles(measured, settled(definition, within)))
        stores = Stores(
            source=reading.source,
            artifacts=shelf.artifacts,
            ledger=ledgers[0],
            signing_key=reading.signing_key,
            scratch=folder,
            trusted=reading.trusted,
            loaded=Recent(_MODELS * len(policies)),
            workshop=fits,
        )
        history = History.extracted(definition, _extracted(definition, within), stores, folder, segment=segment)
        alike = replace(stores, source=lambda _: history)
        memo = Memo.of(definition, history.digest, shelf, reading.signing_key)
        training, scoring = SharedTraining(memo, definition), SharedNights(memo, within.start)
        lanes = [
            _lane(definition, policy, within, alike, ledger, training, scoring, segment)
            for policy, ledger in zip(policies, ledgers, strict=True)
        ]
        ahead = stack.enter_context(looking_ahead(training, lanes, within, len(workshops))) if len(workshops) > 1 else None
        yield Walk(definition, within, lanes, fits, history, ahead)


def own_policy(policies: Sequence[Policy]) -> Policy:
    """Return the policy under which the settings of the monitoring are looked at: the last one with the gates, if any has them."""
    return next((policy for policy in reversed(policies) if policy.gated), policies[-1])


def settled(definition: Definition, within: Interval) -> timedelta:
    """Return how long after a night its labels do not change any more, as far as nights take them in: two nights more are safe."""
    night = next(nights(definition.schedule, within), within)
    return definition.label.settled + 2 * night.length


def _lane(
    definition: Definition,
    policy: Policy,
    within: Interval,
    stores: Stores,
    ledger: Chronicle,
    training: SharedTraining,
    scoring: SharedNights,
    segment: str,
) -> Lane:
    def judged(applied: Definition, window: Interval, held: Stores, **receipts: Any) -> Evaluation:  # noqa: ANN401 - the step's
        asked = training.evaluate if policy.gated and window.end != within.start else training.pass_all
        return asked(applied, window, held, **receipts)

    applied, own = policy.applied(definition), replace(stores, ledger=ledger)
    steps = Steps(
        extract=training.extract,
        validate=training.validate,
        train=training.train,
        evaluate=judged,
        predict=scoring.predict,
        monitor=scoring.monitor,
    )
    events = replay(applied, within, own, segment=segment, also_at=(within.start, *policy.at), steps=steps)
    return Lane(policy, applied, own, ledger, events, own.scratch / f"pairs-{policy.digest}.bin", segment)


def _extracted(definition: Definition, within: Interval) -> Interval:
    schedule = definition.schedule
    return Interval(min(midnight(schedule.start, schedule.timezone), within.start), within.end)
