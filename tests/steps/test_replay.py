"""Replaying the past: every night and every retraining in the order of time, as the scheduler would have run them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any

import pyarrow as pa
import pytest

from perennial.backtest.replay import Event, replay
from perennial.core.codes import Code
from perennial.core.errors import ConflictError, UnavailableError
from perennial.core.interval import Interval, iso
from perennial.core.receipts import (
    Action,
    Decision,
    Measurement,
    ModelVersion,
    PredictionBatch,
    Promotion,
    Purpose,
    RequestState,
    RetrainRequest,
)
from perennial.definition.models import Definition
from perennial.ports import Source, Stores
from perennial.testing import MemoryLedger
from perennial.testing.story import FIRST_DAY, day, night

Define = Callable[..., Definition]


def told(event: Event) -> tuple[datetime, str]:
    """Return when something happened, and what it was."""
    if event.decision:
        return event.at, f"night: {event.decision.action}"
    if event.publication:
        return event.at, "promoted" if event.publication.promoted else "refused"
    if event.skipped:
        return event.at, f"skipped: {event.skipped}"
    return event.at, str(event.error and event.error.code)


@pytest.fixture
def weekly(define: Define) -> Definition:
    """The small definition, retrained every Sunday at midnight."""
    return define(schedule={"retrain": "0 0 * * 0"})


def test_nights_and_retrainings_come_in_the_order_of_time(weekly: Definition, stores: Stores) -> None:
    """A retraining of midnight comes after the night that ends there, and predicts the next one. Day 30 is a Sunday."""
    events = list(replay(weekly, Interval(day(28), day(32)), stores))
    assert [told(event) for event in events] == [
        (day(29), "night: hold"),
        (day(30), "night: hold"),
        (day(30), "promoted"),
        (day(31), "night: keep"),
        (day(32), "night: keep"),
    ]
    assert [event.interval for event in events] == [
        night(28),
        night(29),
        Interval(day(9), day(30)),
        night(30),
        night(31),
    ]
    assert [row.interval for row in stores.ledger.history(PredictionBatch, weekly.name) if row.role == "champion"] == [
        night(30),
        night(31),
    ]


def test_a_request_is_answered_once(define: Define, stores: Stores) -> None:
    """Whatever comes of it: the cooldown keeps the next nights from asking again, although the champion is too old still."""
    refusing = {"gates": {"champion": {"rule": "superior"}}}
    retraining = {"max_age": "1d", "cooldown": "2d"}
    definition = define(schedule={"retrain": "0 0 * * 0"}, retraining=retraining, evaluation=refusing)
    events = list(replay(definition, Interval(day(29), day(33)), stores))
    assert [told(event) for event in events] == [
        (day(30), "night: hold"),
        (day(30), "promoted"),
        (day(31), "night: keep"),
        (day(32), "night: retrain"),
        (day(32), "refused"),
        (day(33), "night: hold"),
    ]
    scheduled, request = stores.ledger.history(RetrainRequest, definition.name)
    versions = stores.ledger.history(ModelVersion, definition.name)
    assert (request.state, request.claimed_by, request.at) == (RequestState.DONE, "replay", day(32))
    assert events[4].publication is not None
    assert request.outcome == events[4].publication.sentence
    assert [(version.request, version.reason) for version in versions] == [
        (scheduled.id, "scheduled"),
        (request.id, request.reason),
    ]


def test_replaying_again_changes_nothing(define: Define, stores: Stores) -> None:
    """The same events, the same decisions, no further request, version or promotion."""
    definition = define(schedule={"retrain": "0 0 * * 0"}, retraining={"max_age": "1d", "cooldown": "3d"})
    within = Interval(day(29), day(34))

    def held() -> list[Any]:
        ledger = stores.ledger
        nights = {row.interval: row for row in ledger.history(Decision, definition.name)}
        kinds = (RetrainRequest, ModelVersion, Promotion, PredictionBatch)
        return [nights, *(ledger.history(kind, definition.name) for kind in kinds)]

    list(replay(definition, within, stores))
    before = held()
    list(replay(definition, within, stores))
    assert held() == before


def test_promise_7_a_schedule_and_decisions_share_the_cooldown(define: Define, stores: Stores) -> None:
    """Each wants a retraining every other day; together they get one in three days, and what was left out says why."""
    definition = define(schedule={"retrain": "0 0 */2 * *"}, retraining={"max_age": "1d", "cooldown": "3d"})
    events = list(replay(definition, Interval(day(29), day(38)), stores))
    done = [event.at for event in events if event.publication]
    requests = stores.ledger.history(RetrainRequest, definition.name)

    assert len(done) >= 3
    assert all(later - earlier >= definition.retraining.cooldown for earlier, later in pairwise(done))
    assert [(request.at, request.state) for request in requests] == [(at, RequestState.DONE) for at in done]
    assert {request.origin.partition(" ")[0] for request in requests} == {"schedule", "decision"}
    skipped = next(event for event in events if event.skipped)
    near = next(request for request in requests if abs(request.at - skipped.at) < definition.retraining.cooldown)
    assert skipped.skipped == f"Request {near.id} of {iso(near.at)} is nearer than the cooldown of 3 days, 0:00:00."


def test_a_night_that_cannot_be_done_is_an_event_and_the_next_one_goes_on(
    weekly: Definition, stores: Stores, tables: dict[str, pa.Table]
) -> None:
    """A source that lacks a column lacks it every night, and its retraining cannot be done either."""
    tables["conditions"] = tables["conditions"].drop_columns("wet")
    events = list(replay(weekly, Interval(day(29), day(31)), stores))
    assert [(told(event), event.purpose) for event in events] == [
        ((day(30), "SCHEMA_MISSING"), Purpose.SCORE),
        ((day(30), "SCHEMA_MISSING"), Purpose.TRAIN),
        ((day(31), "SCHEMA_MISSING"), Purpose.SCORE),
    ]
    assert [event.interval for event in events] == [night(29), Interval(day(9), day(30)), night(30)]


@pytest.mark.parametrize("flow", ["score", "retrain"])
def test_a_replay_that_lost_its_lease_ends(weekly: Definition, new_stores: Callable[..., Stores], flow: str) -> None:
    """Somebody else does the same now: it does not go on, and leaves the request to its successor."""
    hours = count()
    ledger = MemoryLedger(clock=lambda: FIRST_DAY + next(hours) * timedelta(hours=1))  # every lease has expired at the next look
    stores = new_stores(ledger=ledger)
    source = stores.source

    def while_somebody_takes_over(name: str) -> Source:
        nights = ledger.history(Decision, weekly.name)
        if flow == "score" or nights:
            with ledger.lease(weekly.name, "all", flow, "somebody else", timedelta(0)):
                pass
        return source(name)

    with pytest.raises(ConflictError) as caught:
        list(replay(weekly, Interval(day(29), day(31)), replace(stores, source=while_somebody_takes_over)))
    requests = ledger.history(RetrainRequest, weekly.name)
    assert caught.value.code is Code.LEASE_LOST
    assert caught.value.where == f"{weekly.name}/all/{flow}"
    assert [request.state for request in requests] == ([RequestState.CLAIMED] if flow == "retrain" else [])


def test_an_interrupted_retraining_goes_back_into_the_queue(weekly: Definition, stores: Stores) -> None:
    """The source is away when the retraining begins, and somebody else may have it at once."""

    def away(name: str) -> Source:
        if stores.ledger.history(Decision, weekly.name):
            raise UnavailableError(Code.STORE_UNAVAILABLE, "no answer", where=name)
        return stores.source(name)

    with pytest.raises(UnavailableError):
        list(replay(weekly, Interval(day(29), day(31)), replace(stores, source=away)))
    [request] = stores.ledger.history(RetrainRequest, weekly.name)
    assert (request.state, request.outcome) == (RequestState.OPEN, "bikes: no answer [STORE_UNAVAILABLE]")


def test_stop_before_leaves_the_night_measured_but_not_decided(define: Define, stores: Stores) -> None:
    """Airflow can then run the telling night itself."""
    definition = define(schedule={"retrain": "0 0 * * 0"}, retraining={"max_age": "1d", "cooldown": "2d"})
    events = list(replay(definition, Interval(day(29), day(34)), stores, stop_before=Action.RETRAIN))
    assert [event.at for event in events] == [day(30), day(30), day(31)]
    ledger = stores.ledger
    assert [row.interval for row in ledger.history(Measurement, definition.name)] == [night(29), night(30), night(31)]
    assert [row.interval for row in ledger.history(Decision, definition.name)] == [night(29), night(30)]
    assert [request.at for request in ledger.history(RetrainRequest, definition.name)] == [day(30)]


def test_an_impossible_retraining_is_an_event_and_the_next_night_goes_on(
    weekly: Definition, stores: Stores, tables: dict[str, pa.Table]
) -> None:
    """No label ever came, so nothing can be trained."""
    tables["rides"] = tables["rides"].slice(0, 0)
    events = list(replay(weekly, Interval(day(29), day(31)), stores))
    assert [told(event) for event in events] == [
        (day(30), "night: hold"),
        (day(30), "DATA_REFUSED"),
        (day(31), "night: hold"),
    ]
    assert events[1].interval == Interval(day(9), day(30))


def test_a_retraining_before_there_is_a_window_is_an_event(weekly: Definition, stores: Stores) -> None:
    """On the second day the window has nothing before its holdout. Day 2 is a Sunday."""
    events = list(replay(weekly, Interval(day(1), day(3)), stores))
    assert [told(event) for event in events] == [
        (day(2), "night: hold"),
        (day(2), "INTERVAL_EMPTY"),
        (day(3), "night: hold"),
    ]


def test_nothing_is_run_before_the_schedule_starts_or_after_it_ends(define: Define, stores: Stores) -> None:
    """However far back somebody asks for. Day -5 and day 2 are Sundays, but the schedule has days 3 to 5."""
    definition = define(schedule={"retrain": "0 0 * * 0", "start": "2024-03-04", "end": "2024-03-06"})
    events = list(replay(definition, Interval(day(-10), day(40)), stores))
    assert [event.interval for event in events] == [night(3), night(4)]


def test_a_faulty_request_is_settled_with_its_error(define: Define, stores: Stores, tables: dict[str, pa.Table]) -> None:
    """A request whose retraining cannot be done does not stay open for ever, and the next night goes on."""
    definition = define(schedule={"retrain": "0 0 * * 0"}, retraining={"max_age": "1d", "cooldown": "2d"})
    list(replay(definition, Interval(day(29), day(31)), stores))
    tables["rides"] = tables["rides"].slice(0, 0)
    events = list(replay(definition, Interval(day(31), day(33)), stores))
    assert [told(event) for event in events] == [
        (day(32), "night: retrain"),
        (day(32), "DATA_REFUSED"),
        (day(33), "night: hold"),
    ]
    request = stores.ledger.history(RetrainRequest, definition.name)[-1]
    assert (request.at, request.state, request.outcome) == (day(32), RequestState.DONE, str(events[1].error))
