"""Running the loop over past nights: scoring, scheduled retrainings, and the retrainings that decisions ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from perennial.core.errors import TerminalError
from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Action, Decision, Publication
from perennial.definition.calendar import midnight, nights, ticks, training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.decide import decide, judge
from perennial.steps.loop import observe, retrain

ACTOR = "replay"
LEASE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that the replay did.

    Attributes:
        at: When it would have happened.
        interval: The night, or the training window.
        decision: What was decided about the night; None for a retraining.
        publication: What became of the retraining; None for a night.
        error: Why it could not be done, where it could not.
    """

    at: datetime
    interval: Interval
    decision: Decision | None = None
    publication: Publication | None = None
    error: TerminalError | None = None


def replay(definition: Definition, within: Interval, stores: Stores, *, stop_before: Action | None = None) -> Iterator[Event]:
    """Run every night that ends inside *within*, and every retraining that falls due, in the order of time.

    What cannot be done (a window without data) is an event with its error, and the next night goes on, as under Airflow.

    Args:
        definition: The model.
        within: The time to run through, as far as the schedule reaches. Nights lie wholly inside.
        stores: Where from and where to.
        stop_before: End before the first night whose decision would be this one, with that night measured but not decided.

    Yields:
        What was done, as it is done.
    """
    for at, night in _due(definition, within):
        if night is None:
            yield _retrain(definition, at, stores, reason="scheduled", request=None)
            continue
        with stores.leased(definition.name, ALL, "score", holder=ACTOR, ttl=LEASE) as held:
            validation, measurement = observe(definition, night, held, as_of=night.end)
            if stop_before is not None and judge(definition, night, held, measurement, validation).action is stop_before:
                return
            decision = decide(definition, night, held, measurement=measurement, validation=validation)
        yield Event(at=at, interval=night, decision=decision)
        yield from _answer(definition, at, stores)


def _due(definition: Definition, within: Interval) -> list[tuple[datetime, Interval | None]]:
    """Return the nights, and None for a scheduled retraining, by time; a night comes before a retraining of the same moment."""
    schedule = definition.schedule
    start = max(within.start, midnight(schedule.start, schedule.timezone))
    end = min(within.end, midnight(schedule.end, schedule.timezone)) if schedule.end else within.end
    if start >= end:
        return []
    within = Interval(start, end)
    due: list[tuple[datetime, Interval | None]] = [(night.end, night) for night in nights(schedule, within)]
    if schedule.retrain:
        due += [(at, None) for at in ticks(schedule.retrain, schedule.timezone, within)]
    return sorted(due, key=lambda item: (item[0], item[1] is None))


def _answer(definition: Definition, at: datetime, stores: Stores) -> Iterator[Event]:
    request = stores.ledger.claim_request(definition.name, ALL, ACTOR, at=at)
    if request is not None:
        event = _retrain(definition, request.at, stores, reason=request.reason, request=request.id)
        stores.ledger.settle_request(request.id, event.publication.sentence if event.publication else str(event.error))
        yield event


def _retrain(definition: Definition, at: datetime, stores: Stores, *, reason: str, request: str | None) -> Event:
    window = training_window(definition, at)
    try:
        with stores.leased(definition.name, ALL, "retrain", holder=ACTOR, ttl=LEASE) as held:
            publication = retrain(definition, window, held, reason=reason, actor=ACTOR, request=request)
    except TerminalError as error:
        return Event(at=at, interval=window, error=error)
    return Event(at=at, interval=window, publication=publication)
