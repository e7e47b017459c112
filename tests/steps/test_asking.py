"""Requests of decisions: one of however many, less often after a refusal, and none that its own answer takes back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Action, Decision, RetrainRequest
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.assign import Assignment, Person, by_hand, on_request, on_schedule
from perennial.steps.deciding.asking import ask
from perennial.steps.fulfil import fulfil
from perennial.steps.loop import score
from perennial.stores.ledger import PostgresLedger
from perennial.testing import MemoryLedger
from perennial.testing.story import DAY, Story, day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Any]
TRIGGERS = 100
CONSTANT = {"path": "sklearn.dummy:DummyRegressor", "parameters": {"strategy": "constant", "constant": 0.0}}


def decided(definition: Definition, stores: Stores, number: int) -> Decision:
    """Score a night."""
    return score(definition, night(number), stores, as_of=day(number + 1))


def answered(definition: Definition, stores: Stores, at: datetime) -> None:
    """Retrain for the request that waits at a moment."""
    job = on_request(definition, stores.ledger, at, claimed_by="tests")
    assert job is not None
    assert not fulfil(definition, job, stores, claimed_by="tests", actor="tests").promoted


@pytest.fixture
def aging(define: Define) -> Definition:
    """The small definition, whose champion is always too old."""
    return define(retraining={"max_age": "1h", "cooldown": "2d"})


@pytest.fixture
def hopeless(define: Define) -> Definition:
    """The same, but what is trained by it is refused."""
    return define(retraining={"max_age": "1h", "cooldown": "2d"}, estimator=CONSTANT)


def test_promise_7_of_a_hundred_triggers_at_once_one_files(
    definition: Definition, postgres_ledger: PostgresLedger, ledger_url: str
) -> None:
    """Decisions, the schedule and people, in a hundred threads over two pools of connections, each with a moment of its own."""
    barrier = Barrier(TRIGGERS)
    with closing(PostgresLedger.open(ledger_url)) as other:
        ledgers = (postgres_ledger, other)

        def trigger(number: int) -> Assignment | RetrainRequest | None:
            at, ledger, name = day(31) + timedelta(minutes=10 * number), ledgers[number % 2], f"run {number}"
            barrier.wait()
            if number % 3 == 0:
                return ask(definition, ALL, Interval(at - DAY, at), ledger, reason="decay").request
            if number % 3 == 1:
                return on_schedule(definition, ledger, at, claimed_by=name)[0]
            return by_hand(definition, ledger, Person(name=name, cut_off=at, reason="please"), claimed_by=name)[0]

        with ThreadPoolExecutor(TRIGGERS) as pool:
            found = list(pool.map(trigger, range(TRIGGERS)))
    (request,) = postgres_ledger.history(RetrainRequest, definition.name)
    filed = [one for one in found if isinstance(one, RetrainRequest)]
    taken = [one for one in found if isinstance(one, Assignment)]
    assert [one.id for one in filed] in ([], [request.id])
    assert [one.request for one in taken] in ([], [request.id])
    assert filed or taken


def test_after_a_refused_answer_the_next_request_waits_twice_the_cooldown(
    aging: Definition, hopeless: Definition, championed: Stores
) -> None:
    """Four days instead of two; and the sentence and what would have changed it say so."""
    assert decided(aging, championed, 32).action is Action.RETRAIN
    answered(hopeless, championed, day(33))
    held = [decided(aging, championed, number) for number in (33, 34, 35)]
    assert [(one.action, one.rule) for one in held] == [(Action.HOLD, "backoff")] * 3
    assert held[1].sentence == (
        "the challenger that was asked for last was refused, so 2 times the cooldown, 4 days, must pass since then, 2 days have; "
        "the champion is 5 days old, 0.0417 days are allowed"
    )
    assert held[1].otherwise[0] == "in 2 days, when 4 days have passed since the last request, the night would ask for a retraining"
    assert decided(aging, championed, 36).action is Action.RETRAIN


def test_a_refused_challenger_of_the_schedule_makes_no_decision_wait(
    aging: Definition, hopeless: Definition, championed: Stores, retrained: Retrain
) -> None:
    """Nobody had asked for it."""
    retrained(hopeless, championed, day(32))
    assert decided(aging, championed, 32).action is Action.RETRAIN


def test_a_night_that_is_decided_again_is_not_held_by_its_own_answer(
    define: Define, hopeless: Definition, championed: Stores
) -> None:
    """Its answer was refused, which trips the breaker for the next night, not for the one that had asked."""
    brittle = define(retraining={"max_age": "1h", "cooldown": "2d", "breaker": 1})
    first = decided(brittle, championed, 32)
    answered(hopeless, championed, day(33))
    assert decided(brittle, championed, 32) == first
    assert decided(brittle, championed, 33).rule == "breaker"


@pytest.mark.parametrize("who", ["schedule", "person"])
def test_the_breaker_stops_neither_the_schedule_nor_a_person(
    define: Define, hopeless: Definition, championed: Stores, retrained: Retrain, who: str
) -> None:
    """Their challengers are the way out of it: one that passes closes it again."""
    brittle = define(retraining={"max_age": "1h", "cooldown": "2d", "breaker": 1})
    retrained(hopeless, championed, day(33))
    assert decided(brittle, championed, 33).rule == "breaker"
    if who == "schedule":
        job, _ = on_schedule(brittle, championed.ledger, day(36), claimed_by="tick")
    else:
        job, _ = by_hand(brittle, championed.ledger, Person(name="ana", cut_off=day(36), reason="look"), claimed_by="ana")
    assert job is not None


@pytest.mark.parametrize(
    ("changes", "earlier", "said"),
    [
        ({"cooldown": "3d"}, (30,), "from 2024-04-03 00:00Z on the cooldown would let a request through"),
        ({"cooldown": "2d", "max_per_30d": 2}, (20, 25), "from 2024-04-20 00:00Z on the budget would let a request through"),
    ],
)
def test_a_request_that_is_not_let_through_says_from_when_on_one_would_be(
    define: Define, changes: dict[str, Any], earlier: tuple[int, ...], said: str
) -> None:
    """By the cooldown, or by the budget."""
    definition, ledger = define(retraining=changes), MemoryLedger()
    for number in earlier:
        request = Story(model=definition.name).request(number)
        assert ledger.request_retraining(request, cooldown=DAY, max_per_30d=None)[0]
        ledger.settle_request(request.id, "done")
    asked = ask(definition, ALL, night(31), ledger, reason="decay")
    assert (asked.request, asked.otherwise) == (None, (said,))
    later = datetime.fromisoformat(said.split()[1] + "T00:00Z")
    assert ask(definition, ALL, Interval(later - DAY, later), ledger, reason="decay").request is not None


def test_a_request_beside_one_that_waits_says_which(definition: Definition) -> None:
    """However long ago that was filed."""
    ledger, waiting = MemoryLedger(), Story(model=definition.name).request(1)
    ledger.request_retraining(waiting, cooldown=DAY, max_per_30d=None)
    asked = ask(definition, ALL, night(31), ledger, reason="decay")
    assert asked.otherwise == (f"once request {waiting.id} is done another one would be let through",)
