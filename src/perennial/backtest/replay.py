"""Running the loop over past nights: scoring, scheduled retrainings, and the retrainings that decisions ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from perennial import wiring
from perennial.core.codes import Code
from perennial.core.errors import DataError, TerminalError
from perennial.core.interval import Interval, iso
from perennial.core.receipts import ALL, Action, Decision, Publication, Purpose
from perennial.definition.calendar import midnight, nights, ticks, training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.assign import Assignment, on_request, on_schedule
from perennial.steps.decide import decide, judge
from perennial.steps.fulfil import fulfil
from perennial.steps.loop import STEPS, Steps, observe

ACTOR = "replay"
LEASE = timedelta(minutes=15)
"""Soon over where a replay dies; one that goes on writes after it too, unless somebody has taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that the replay did.

    Attributes:
        at: When it would have happened.
        interval: The night, or the training window.
        purpose: Whether it was a night or a retraining.
        decision: What was decided about the night.
        publication: What became of the retraining.
        skipped: Why a scheduled retraining was left out, where cooldown, budget or another request stood against it.
        error: Why it could not be done, where it could not.
    """

    at: datetime
    interval: Interval
    purpose: Purpose
    decision: Decision | None = None
    publication: Publication | None = None
    skipped: str | None = None
    error: TerminalError | None = None


def replay(
    definition: Definition,
    within: Interval,
    stores: Stores,
    *,
    stop_before: Action | None = None,
    segment: str = ALL,
    also_at: Sequence[datetime] = (),
    steps: Steps = STEPS,
) -> Iterator[Event]:
    """Run every night that ends inside *within*, and every retraining that falls due, in the order of time.

    What cannot be done (a night whose source lacks a column, a window without data) is an event with its error, and the next
    night goes on, as under Airflow. A retraining of the schedule is filed as a request, as under Airflow.

    Args:
        definition: The model.
        within: The time to run through, as far as the schedule reaches. Nights lie wholly inside.
        stores: Where from and where to.
        stop_before: End before the first night of which the policy says this, cooldown and budget aside, with that night measured
            but not decided.
        segment: Of which segment.
        also_at: Moments at which it is retrained besides, as if the schedule said so.
        steps: What is done at each step.

    Yields:
        What was done, as it is done.

    Raises:
        ConflictError: LEASE_LOST, somebody else has taken over.
        TransientError: What a retry may help. Replaying again does the rest.
    """
    holder = wiring.holder(ACTOR)
    for at, night in _due(definition, within, also_at):
        if night is None:
            yield _scheduled(definition, segment, at, stores, holder, steps)
            continue
        event = _score(definition, segment, night, stores, holder, stop_before, steps)
        if event is None:
            return
        yield event
        if event.decision is not None:
            yield from _answer(definition, segment, night, stores, holder, steps)


def _due(definition: Definition, within: Interval, also_at: Sequence[datetime]) -> list[tuple[datetime, Interval | None]]:
    """Return the nights, and None for a scheduled retraining, by time; a night comes before a retraining of the same moment."""
    schedule = definition.schedule
    start = max(within.start, midnight(schedule.start, schedule.timezone))
    end = min(within.end, midnight(schedule.end, schedule.timezone)) if schedule.end else within.end
    if start >= end:
        return []
    within = Interval(start, end)
    due: list[tuple[datetime, Interval | None]] = [(night.end, night) for night in nights(schedule, within)]
    scheduled = ticks(schedule.retrain, schedule.timezone, within) if schedule.retrain else ()
    due += [(at, None) for at in {*scheduled, *also_at}]
    return sorted(due, key=lambda item: (item[0], item[1] is None))


def _score(
    definition: Definition, segment: str, night: Interval, stores: Stores, holder: str, stop_before: Action | None, steps: Steps
) -> Event | None:
    """Return what was decided about the night, or why it could not be done; None where the policy says *stop_before*."""
    try:
        with stores.leased(definition.name, segment, "score", holder=holder, ttl=LEASE) as held:
            validation, measurement = observe(definition, night, held, as_of=night.end, segment=segment, steps=steps)
            if stop_before is not None and judge(definition, night, held, measurement, validation).action is stop_before:
                return None
            decision = decide(definition, night, held, measurement=measurement, validation=validation)
    except TerminalError as error:
        return Event(at=night.end, interval=night, purpose=Purpose.SCORE, error=_own(error))
    return Event(at=night.end, interval=night, purpose=Purpose.SCORE, decision=decision)


def _answer(definition: Definition, segment: str, night: Interval, stores: Stores, holder: str, steps: Steps) -> Iterator[Event]:
    """Answer the request that waits, if there is one."""
    with stores.leased(definition.name, segment, "retrain", holder=holder, ttl=LEASE) as held:
        try:
            job = on_request(definition, held.ledger, night.end, claimed_by=ACTOR, segment=segment)
        except DataError as error:
            event: Event | None = Event(at=night.end, interval=night, purpose=Purpose.TRAIN, error=error)
        else:
            event = _retrain(definition, job.as_of, job, held, claimed_by=ACTOR, steps=steps) if job else None
    if event is not None:
        yield event


def _scheduled(definition: Definition, segment: str, tick: datetime, stores: Stores, holder: str, steps: Steps) -> Event:
    claimed_by = f"{ACTOR} {iso(tick)}"  # of its own: at the same moment a request may have been answered
    with stores.leased(definition.name, segment, "retrain", holder=holder, ttl=LEASE) as held:
        job, why = on_schedule(definition, held.ledger, tick, claimed_by=claimed_by, segment=segment)
        if job is None:
            return Event(at=tick, interval=training_window(definition, tick), purpose=Purpose.TRAIN, skipped=why)
        return _retrain(definition, tick, job, held, claimed_by=claimed_by, steps=steps)


def _retrain(definition: Definition, at: datetime, job: Assignment, held: Stores, *, claimed_by: str, steps: Steps) -> Event:
    try:
        publication = fulfil(definition, job, held, claimed_by=claimed_by, actor=ACTOR, steps=steps)
    except TerminalError as error:
        return Event(at=at, interval=job.interval, purpose=Purpose.TRAIN, error=_own(error))
    return Event(at=at, interval=job.interval, purpose=Purpose.TRAIN, publication=publication)


def _own(error: TerminalError) -> TerminalError:
    """Return *error* as an event's, but raise it where this replay may not go on."""
    if error.code is Code.LEASE_LOST:
        raise error
    return error
