"""A model is retired: nothing is predicted or retrained any more, until a person brings it back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import deepcopy
from dataclasses import fields, replace
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, cast

import pytest

from perennial.backtest.replay import replay
from perennial.core.codes import Code
from perennial.core.errors import ConflictError, PerennialError, RejectedError, UnavailableError
from perennial.core.interval import Interval, iso
from perennial.core.receipts import (
    Action,
    Evaluation,
    Promotion,
    PromotionKind,
    Publication,
    RequestState,
    RetrainRequest,
    Role,
)
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.assign import Person, by_hand, on_request, on_schedule
from perennial.steps.fulfil import fulfil
from perennial.steps.loop import retrain, score
from perennial.steps.promote import promote
from perennial.steps.publish import publish
from perennial.steps.retire import retire
from perennial.steps.rollback import rollback
from perennial.testing import MemoryLedger
from perennial.testing.interruptions import Interruption, interrupted
from perennial.testing.ledger_records import Records
from perennial.testing.story import day, night

if TYPE_CHECKING:
    from perennial.steps.assign import Assignment

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]


def gone(definition: Definition, stores: Stores, at: datetime) -> Promotion:
    """Retire the model."""
    return retire(definition, "all", stores, effective_from=at, reason="no more bikes", actor="ana")


def rows(definition: Definition, stores: Stores) -> list[tuple[int, str, str | None]]:
    """Return the ledger of promotions: epoch, kind, version."""
    return [(row.epoch, row.kind.value, row.version) for row in stores.ledger.history(Promotion, definition.name)]


def filed(definition: Definition, stores: Stores, at: datetime) -> RetrainRequest:
    """File a request as a decision does."""
    request = RetrainRequest(id=f"r{iso(at)}", model=definition.name, at=at, reason="decay", origin=f"decision {iso(at)}")
    stores.ledger.request_retraining(request, cooldown=timedelta(0), max_per_30d=None)
    return request


def versions(definition: Definition, stores: Stores, number: int, role: Role = Role.CHAMPION) -> set[str]:
    """Return who predicted a night."""
    predicted = stores.ledger.predictions(definition.name, role=role, within=night(number))
    return set(predicted.column("version").to_pylist())


def test_a_retired_model_predicts_nothing_and_says_so(definition: Definition, championed: Stores) -> None:
    """The night before keeps its predictions, also when it runs again; the decision names who retired it, and why."""
    champion = championed.ledger.history(Promotion, definition.name)[0].version
    score(definition, night(32), championed, as_of=day(33))

    row = gone(definition, championed, day(33))

    assert (row.kind, row.version, row.epoch, row.effective_from) == (PromotionKind.RETIRE, None, 2, day(33))
    decision = score(definition, night(33), championed, as_of=day(34))
    again = score(definition, night(32), championed, as_of=day(33))
    said = "the model was retired by ana: no more bikes"
    assert (decision.action, decision.rule, decision.sentence) == (Action.HOLD, "retired", said)
    assert again.rule != "retired"
    assert (versions(definition, championed, 32), versions(definition, championed, 33)) == ({champion}, set())


def test_a_retired_model_is_not_retrained_by_itself(definition: Definition, championed: Stores) -> None:
    """The request that waited is closed, one that comes late is not answered, and the schedule goes by."""
    waiting = filed(definition, championed, day(32))
    gone(definition, championed, day(33))

    late = filed(definition, championed, day(34))

    said = "The model was retired by ana: no more bikes"
    closed = championed.ledger.get(RetrainRequest, waiting.id)
    assert (closed.state, closed.outcome) == (RequestState.DONE, said)
    assert on_request(definition, championed.ledger, late.at, claimed_by="run") is None
    assert on_schedule(definition, championed.ledger, day(35), claimed_by="tick") == (None, said)
    assert championed.ledger.get(RetrainRequest, late.id).state is RequestState.OPEN


def test_a_replay_goes_past_a_retired_model(define: Define, championed: Stores) -> None:
    """Its nights are held, its scheduled retraining is left out, and no row is added. Day 37 is a Sunday."""
    definition = define(schedule={"retrain": "0 0 * * 0"})
    gone(definition, championed, day(35))

    events = list(replay(definition, Interval(day(36), day(38)), championed))

    said = "The model was retired by ana: no more bikes"
    assert [(event.at, event.skipped or (event.decision and event.decision.rule)) for event in events] == [
        (day(37), "retired"),
        (day(37), said),
        (day(38), "retired"),
    ]
    assert len(rows(definition, championed)) == 2


@pytest.mark.parametrize(("start", "returns"), [("tick", False), ("person", True)])
def test_a_retraining_that_was_on_its_way_does_not_bring_a_model_back_unless_by_hand(
    definition: Definition, championed: Stores, start: str, returns: bool
) -> None:
    """Assigned before the retirement and evaluated after it: a person meant it, the schedule did not."""
    job = scheduled(definition, championed) if start == "tick" else handed(definition, championed)
    gone(definition, championed, day(34))

    done = fulfil(definition, job, championed, claimed_by=start, actor="tests")

    assert done.promoted is returns
    assert len(rows(definition, championed)) == 2 + returns
    if not returns:
        [evaluation] = championed.ledger.history(Evaluation, definition.name, newest=1)
        assert done.sentence == f"{evaluation.challenger} passed, but the model was retired by ana: no more bikes"


def scheduled(definition: Definition, stores: Stores) -> Assignment:
    """Return what the schedule's retraining of day 35 is to do."""
    job, _ = on_schedule(definition, stores.ledger, day(35), claimed_by="tick")
    assert job is not None
    return job


def handed(definition: Definition, stores: Stores) -> Assignment:
    """Return what a retraining by hand is to do."""
    person = Person(name="ana", cut_off=day(35), reason="we need it")
    job, _ = by_hand(definition, stores.ledger, person, claimed_by="person")
    assert job is not None
    return job


def test_a_retraining_that_passed_while_its_model_was_retired_can_be_promoted(definition: Definition, championed: Stores) -> None:
    """The schedule does not bring it back; a person does with the same version."""
    job = scheduled(definition, championed)
    gone(definition, championed, day(34))
    fulfil(definition, job, championed, claimed_by="tick", actor="tests")
    [evaluation] = championed.ledger.history(Evaluation, definition.name, newest=1)

    done = promote(definition, championed, version=evaluation.challenger, reason="it is needed", actor="ben")

    assert (done.promoted, done.epoch, evaluation.champion) == (True, 3, None)


def test_a_retirement_in_the_middle_of_a_retraining_is_a_conflict(define: Define, championed: Stores, retrained: Retrain) -> None:
    """The challenger was compared with a champion that is none any more."""
    definition = define(publish={"approval": "human"})
    retrained(definition, championed, day(36))
    [evaluation] = championed.ledger.history(Evaluation, definition.name, newest=1)
    gone(definition, championed, day(36))

    with pytest.raises(ConflictError) as caught:
        publish(define(), training_window(definition, day(36)), championed, evaluation=evaluation, actor="tests")

    found = f"the champion is None, the evaluation compared with {evaluation.champion}"
    assert str(caught.value) == f"bikes_small {evaluation.challenger}: {found} [PROMOTE_CONFLICT]"


def test_a_retraining_by_hand_brings_a_model_back(define: Define, stores: Stores, retrained: Retrain) -> None:
    """At the next epoch; the nights after it have a champion, whose shadow is itself, and those before stay without."""
    definition = define(publish={"shadow": "first_champion"})
    first = retrained(definition, stores, day(30)).champion
    gone(definition, stores, day(33))

    back = retrained(definition, stores, day(35))

    assert (back.promoted, back.epoch) == (True, 3)
    for number in (32, 34, 35):
        score(definition, night(number), stores, as_of=day(number + 1))
    predicted = {
        (number, role): versions(definition, stores, number, role)
        for number in (32, 34, 35)
        for role in (Role.CHAMPION, Role.SHADOW)
    }
    assert predicted == {
        (32, Role.CHAMPION): {first},
        (32, Role.SHADOW): {first},
        (34, Role.CHAMPION): set(),
        (34, Role.SHADOW): set(),
        (35, Role.CHAMPION): {back.champion},
        (35, Role.SHADOW): {back.champion},
    }


def test_a_version_that_waited_brings_a_model_back(define: Define, stores: Stores, retrained: Retrain) -> None:
    """It was compared with the champion that was retired; it is in force from the last complete night on, not before."""
    definition = define(publish={"approval": "human"})
    retrained(definition, stores, day(30))
    [first] = stores.ledger.history(Evaluation, definition.name)
    promote(definition, stores, version=first.challenger, reason="ok", actor="ana")
    retrained(definition, stores, day(33))
    [_, waiting] = stores.ledger.history(Evaluation, definition.name)
    gone(definition, stores, day(34))

    done = promote(definition, stores, version=waiting.challenger, reason="after all", actor="ben", effective_from=day(38))
    again = promote(definition, stores, version=waiting.challenger, reason="after all", actor="ben", effective_from=day(39))

    row = stores.ledger.history(Promotion, definition.name)[-1]
    assert (done.promoted, done.champion, done.epoch) == (True, waiting.challenger, 3)
    assert (row.kind, row.effective_from, row.evaluation, row.actor) == (PromotionKind.PROMOTE, day(38), waiting.id, "ben")
    assert (again, len(rows(definition, stores))) == (done, 3)


def test_a_version_that_was_compared_with_another_champion_does_not_bring_a_model_back(
    define: Define, stores: Stores, retrained: Retrain
) -> None:
    """Nobody knows how it compares with the one that was retired."""
    human, by_itself = define(publish={"approval": "human"}), define()
    first = retrained(by_itself, stores, day(30)).champion
    retrained(human, stores, day(32))
    [waiting] = stores.ledger.history(Evaluation, human.name, newest=1)
    second = retrained(by_itself, stores, day(33)).champion
    gone(human, stores, day(34))

    with pytest.raises(ConflictError) as caught:
        promote(human, stores, version=waiting.challenger, reason="please", actor="ana")

    found = f"the champion that was retired is {second}, the evaluation compared with {first}"
    assert str(caught.value) == f"bikes_small {waiting.challenger}: {found} [PROMOTE_CONFLICT]"


def test_a_rollback_brings_the_last_champion_back(define: Define, stores: Stores, retrained: Retrain) -> None:
    """Promoting it is refused and says so. It is the shadow of its own second reign."""
    definition = define(publish={"shadow": "first_champion"})
    retrained(definition, stores, day(30))
    second = retrained(definition, stores, day(33)).champion or ""
    gone(definition, stores, day(34))
    with pytest.raises(RejectedError) as caught:
        promote(definition, stores, version=second, reason="please", actor="ana")

    row = rollback(definition, "all", stores, effective_from=day(36), reason="the bikes are back", actor="ana")

    found = "was champion from epoch 2 on and was retired; roll back to it"
    assert str(caught.value) == f"{second}: {found} [PROMOTE_REFUSED]"
    assert (row.version, row.epoch, row.kind) == (second, 4, PromotionKind.ROLLBACK)
    score(definition, night(36), stores, as_of=day(37))
    assert [versions(definition, stores, 36, role) for role in (Role.CHAMPION, Role.SHADOW)] == [{second}, {second}]


def test_a_retraining_of_the_past_does_not_bring_a_model_back(definition: Definition, championed: Stores) -> None:
    """It knows less than was known when the model was retired."""
    gone(definition, championed, day(34))

    late = retrain(definition, training_window(definition, day(32)), championed, reason="a clear", actor="tests")

    [evaluation] = championed.ledger.history(Evaluation, definition.name, newest=1)
    said = f"{evaluation.challenger} knows less than was known when the model was retired on 2024-04-04, so it was not promoted"
    assert (late.promoted, late.sentence) == (False, said)


def test_there_must_be_a_champion_to_retire(definition: Definition, championed: Stores, new_stores: Callable[..., Stores]) -> None:
    """Neither a model that never had one, nor one that was retired already."""
    with pytest.raises(RejectedError, match=r"^bikes_small: there is no champion to retire \[NO_CHAMPION\]$"):
        gone(definition, new_stores(), day(33))
    gone(definition, championed, day(33))
    with pytest.raises(RejectedError, match=r"^bikes_small: was retired by ana already, at epoch 2 \[NO_CHAMPION\]$"):
        retire(definition, "all", championed, effective_from=day(34), reason="sold", actor="ben")
    assert len(rows(definition, championed)) == 2


@pytest.mark.parametrize("after", [False, True])
def test_a_retirement_that_was_interrupted_is_said_again(definition: Definition, championed: Stores, after: bool) -> None:
    """At every call to a store, before or after it was done: there is one row, and no request is left open."""
    struck = 0
    for at in count(1):
        stores = copied(championed)
        waiting = filed(definition, stores, day(32))
        interruption = Interruption(at=at, after=after)
        with suppress(UnavailableError):
            gone(definition, interrupted(stores, interruption), day(33))
        if not interruption.struck:
            break
        struck += 1

        row = gone(definition, stores, day(34))

        assert (row.kind, row.epoch, len(rows(definition, stores))) == (PromotionKind.RETIRE, 2, 2)
        closed = stores.ledger.get(RetrainRequest, waiting.id)
        assert (closed.state, closed.outcome) == (RequestState.DONE, "The model was retired by ana: no more bikes")
    assert struck > 3


def test_a_retirement_that_is_said_again_leaves_alone_what_a_person_asked_for_since(
    definition: Definition, championed: Stores
) -> None:
    """They want the model back."""
    gone(definition, championed, day(33))
    job = handed(definition, championed)
    championed.ledger.settle_request(job.request, "interrupted", RequestState.OPEN)
    gone(definition, championed, day(33))
    assert championed.ledger.get(RetrainRequest, job.request).state is RequestState.OPEN


@pytest.mark.parametrize("after", [False, True])
def test_a_person_who_is_interrupted_while_bringing_a_model_back_says_it_again_without_force(
    definition: Definition, championed: Stores, after: bool
) -> None:
    """At every call, by another run each time: what waits since before the retirement is closed, whatever the cooldown says."""
    struck = 0
    for at in count(1):
        stores = copied(championed)
        gone(definition, stores, day(33))
        waiting = filed(definition, stores, day(34))  # by a night that was decided meanwhile
        person = Person(name="ana", cut_off=day(35), reason="we need it")
        interruption = Interruption(at=at, after=after)
        with suppress(UnavailableError):
            by_hand(definition, interrupted(stores, interruption).ledger, person, claimed_by="first")
        if not interruption.struck:
            break
        struck += 1
        if stores.ledger.history(RetrainRequest, definition.name)[-1].claimed_by == "first":
            continue  # it has its job, and died: its claim is taken over after a while, as any other

        job, why = by_hand(definition, stores.ledger, person, claimed_by="second")

        assert job is not None, (at, why)
        [closed, own] = stores.ledger.history(RetrainRequest, definition.name)
        assert (closed.id, closed.outcome) == (waiting.id, "The model was retired by ana: no more bikes")
        assert (own.id, own.state) == (job.request, RequestState.CLAIMED)
    assert struck > 6


def test_a_second_person_is_bound_by_the_cooldown_of_the_first(definition: Definition, championed: Stores) -> None:
    """Only what was closed unanswered does not count."""
    filed(definition, championed, day(32))
    gone(definition, championed, day(33))
    job = handed(definition, championed)
    championed.ledger.settle_request(job.request, "it did not pass")
    person = Person(name="ben", cut_off=day(35), reason="me too")

    again, why = by_hand(definition, championed.ledger, person, claimed_by="third")

    assert again is None
    assert why.startswith(f"Request {job.request} of 2024-04-05T00:00:00Z is nearer than the cooldown of ")


def copied(stores: Stores) -> Stores:
    """Return stores of their own with the same rows."""
    records = cast("MemoryLedger", stores.ledger).records
    held = {item.name: deepcopy(getattr(records, item.name)) for item in fields(Records) if item.name != "lock"}
    return replace(stores, ledger=MemoryLedger(records=Records(**held)))


def test_a_retirement_is_not_in_force_before_its_champion(definition: Definition, championed: Stores) -> None:
    """A champion that takes over tonight is retired from then on; the nights before had none, and stay so."""
    row = gone(definition, championed, day(20))
    assert row.effective_from == day(30)


def test_of_many_who_retire_at_once_one_does(definition: Definition, postgres_stores: Stores, retrained: Retrain) -> None:
    """The others are told, in one of two ways: somebody was faster, or the model is retired already."""
    retrained(definition, postgres_stores, day(30))

    def attempt(number: int) -> Code | None:
        try:
            retire(definition, "all", postgres_stores, effective_from=day(33), reason="sold", actor=f"person {number}")
        except PerennialError as error:
            return error.code
        return None

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(attempt, range(8)))

    assert told.count(None) == 1
    assert set(told) <= {None, Code.PROMOTE_CONFLICT, Code.NO_CHAMPION}
    assert [kind for _, kind, _ in rows(definition, postgres_stores)] == ["promote", "retire"]
