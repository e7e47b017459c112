"""What a retraining run is to do, by who started it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from perennial.core.codes import Code
from perennial.core.errors import DataError, RejectedError
from perennial.core.interval import Interval, moment
from perennial.core.receipts import PromotionKind, RequestState, RetrainRequest
from perennial.definition.models import Definition
from perennial.orchestration.assignment import assign
from perennial.orchestration.window import Run
from perennial.steps.assign import Assignment, unsettled
from perennial.testing import MemoryLedger
from perennial.testing.story import Story

COOLDOWN = timedelta(days=7)
Assigned = Callable[[MemoryLedger, Run, str], tuple[Assignment | None, str]]


def _ledger_with_a_request(ledger: MemoryLedger | None = None) -> tuple[MemoryLedger, RetrainRequest]:
    ledger = ledger or MemoryLedger()
    asked = RetrainRequest(id="abc", model="bikes", at=moment("2024-06-10T02:00"), reason="the loss rose", origin="decision")
    filed, _ = ledger.request_retraining(asked, cooldown=COOLDOWN, max_per_30d=None)
    assert filed is not None
    return ledger, filed


def _by_hand(**conf: object) -> Run:
    return Run(conf=conf, run_after=moment("2024-06-12T09:00"))


def _scheduled(start: str, end: str) -> Run:
    return Run(conf={}, data_interval=(moment(start), moment(end)), run_after=moment(end), scheduled=True)


@pytest.fixture
def definition(bikes: dict[str, Any]) -> Definition:
    """The model."""
    return Definition.model_validate(bikes)


@pytest.fixture
def assigned(definition: Definition) -> Assigned:
    """Return the function that assigns a run to Maria."""
    return lambda ledger, run, run_id: assign(definition, ledger, run, run_id=run_id, actor="maria")


def test_a_scheduled_run_files_and_claims_a_request(assigned: Assigned) -> None:
    """So that whatever else wants a retraining within the cooldown sees it."""
    ledger = MemoryLedger()

    found, why = assigned(ledger, _scheduled("2024-06-03", "2024-06-10"), "scheduled__1")

    [request] = ledger.history(RetrainRequest, "bikes")
    window = Interval.parse("2024-04-11/2024-06-10")
    assert (request.origin, request.at, request.state) == ("schedule 2024-06-10T00:00:00Z", window.end, RequestState.CLAIMED)
    assert (found, why) == (Assignment(interval=window, as_of=window.end, reason="scheduled", request=request.id), "scheduled")


def test_a_scheduled_run_answers_the_request_that_waits(assigned: Assigned) -> None:
    """Two retrainings for one model would be one too many. It keeps its own window, and the reason is the request's."""
    ledger, _ = _ledger_with_a_request()

    found, _ = assigned(ledger, _scheduled("2024-06-04", "2024-06-11"), "scheduled__1")

    window = Interval.parse("2024-04-12/2024-06-11")
    assert found == Assignment(interval=window, as_of=window.end, reason="the loss rose", request="abc")
    assert len(ledger.history(RetrainRequest, "bikes")) == 1


def test_promise_7_a_scheduled_run_within_the_cooldown_is_told_why_not(assigned: Assigned) -> None:
    """The sentence names the request that is too near. A run that is cleared is told the same as before."""
    ledger, _ = _ledger_with_a_request()
    first = assigned(ledger, _by_hand(), "manual__1")
    ledger.settle_request("abc", "done")
    run = _scheduled("2024-06-04", "2024-06-11")

    said = "Request abc of 2024-06-10T02:00:00Z is nearer than the cooldown of 7 days, 0:00:00."
    assert assigned(ledger, run, "scheduled__1") == (None, said)
    assert assigned(ledger, run, "scheduled__1") == (None, said)
    assert assigned(ledger, _by_hand(), "manual__1") == first


def test_a_run_that_was_rung_for_answers_its_request(assigned: Assigned) -> None:
    """The cut-off, the reason and the id are the request's."""
    ledger, _ = _ledger_with_a_request()
    run = _by_hand(request="abc", as_of="2024-06-10T02:00:00Z", reason="the loss rose")

    found, _ = assigned(ledger, run, "request__abc")

    window = Interval.parse("2024-04-11T02:00/2024-06-10T02:00")
    assert found == Assignment(interval=window, as_of=window.end, reason="the loss rose", request="abc")
    assert ledger.get(RetrainRequest, "abc").claimed_by == "request__abc"


def test_a_second_attempt_has_the_same_assignment(assigned: Assigned) -> None:
    """A task that is tried again or cleared claims what its run claimed before."""
    ledger, _ = _ledger_with_a_request()
    run = _by_hand(request="abc", as_of="2024-06-10T02:00:00Z")
    first, _ = assigned(ledger, run, "request__abc")
    second, _ = assigned(ledger, run, "request__abc")
    ledger.settle_request("abc", "promoted")

    assert second == first
    assert assigned(ledger, run, "request__abc")[0] == first


def test_a_request_is_answered_by_one_run_only(assigned: Assigned) -> None:
    """Whoever comes second has nothing to do, and is told: while the first one is at it, and when it is done."""
    ledger, _ = _ledger_with_a_request()
    run = _by_hand(request="abc", as_of="2024-06-10T02:00:00Z")
    assigned(ledger, run, "first")

    assert assigned(ledger, run, "second") == (None, "request abc is claimed by first")
    ledger.settle_request("abc", "promoted")
    assert assigned(ledger, run, "second") == (None, "request abc is done: promoted")


def test_a_run_for_a_request_that_never_was_is_refused(assigned: Assigned) -> None:
    """A person who mistypes it is told."""
    with pytest.raises(RejectedError) as caught:
        assigned(MemoryLedger(), _by_hand(request="xyz"), "manual__1")
    assert str(caught.value) == "ledger: there is no RetrainRequest 'xyz' [MODEL_UNKNOWN]"


def test_a_claimed_request_is_rung_for_until_it_is_settled(assigned: Assigned, definition: Definition) -> None:
    """The run that claimed it may be dead."""
    ledger, request = _ledger_with_a_request()
    assert unsettled(definition, ledger) == request

    assigned(ledger, _by_hand(request="abc"), "request__abc")
    claimed = unsettled(definition, ledger)
    ledger.settle_request("abc", "promoted")

    assert claimed is not None
    assert (claimed.id, claimed.state) == ("abc", RequestState.CLAIMED)
    assert unsettled(definition, ledger) is None


def test_a_run_by_hand_files_a_request_of_its_own(assigned: Assigned) -> None:
    """So that the ledger knows of every retraining that somebody asked for, and why."""
    ledger = MemoryLedger()

    found, _ = assigned(ledger, _by_hand(reason="a new region"), "manual__1")

    (request,) = ledger.history(RetrainRequest, "bikes")
    assert (request.origin, request.reason, request.state) == (
        "by hand maria 2024-06-12T02:00:00Z",
        "a new region",
        RequestState.CLAIMED,
    )
    assert found == Assignment(
        interval=Interval.parse("2024-04-13T02:00/2024-06-12T02:00"),
        as_of=moment("2024-06-12T02:00"),
        reason="a new region",
        request=request.id,
    )


@pytest.mark.parametrize(
    ("conf", "window"),
    [
        ({}, "2024-04-13T02:00/2024-06-12T02:00"),
        ({"as_of": "2024-06-05"}, "2024-04-06/2024-06-05"),
        ({"interval_start": "2024-05-01", "interval_end": "2024-06-01"}, "2024-05-01/2024-06-01"),
    ],
)
def test_a_run_by_hand_answers_the_request_that_waits(assigned: Assigned, conf: dict[str, str], window: str) -> None:
    """Two retrainings for one reason would be one too many. The window is the person's, the reason the request's."""
    ledger, _ = _ledger_with_a_request()

    found, _ = assigned(ledger, _by_hand(**conf), "manual__1")

    expected = Interval.parse(window)
    assert found == Assignment(interval=expected, as_of=expected.end, reason="the loss rose", request="abc")


def test_a_run_by_hand_knows_what_a_later_request_knew(assigned: Assigned) -> None:
    """The request's own cut-off is the later one where nobody gave another."""
    ledger, _ = _ledger_with_a_request()

    found, _ = assigned(ledger, Run(conf={}, run_after=moment("2024-06-09T09:00")), "manual__1")

    expected = Interval.parse("2024-04-11T02:00/2024-06-10T02:00")
    assert found == Assignment(interval=expected, as_of=expected.end, reason="the loss rose", request="abc")


def test_a_request_that_another_run_has_is_taken_over_with_force_only(assigned: Assigned) -> None:
    """At once, whatever became of that run."""
    ledger, _ = _ledger_with_a_request()
    assigned(ledger, _by_hand(request="abc"), "dead")

    refused = assigned(ledger, _by_hand(), "manual__1")
    forced, _ = assigned(ledger, _by_hand(force=True), "manual__1")

    said = "Request abc of 2024-06-10T02:00:00Z is nearer than the cooldown of 7 days, 0:00:00. Use force to retrain all the same."
    assert refused == (None, said)
    assert forced is not None
    assert ledger.get(RetrainRequest, "abc").claimed_by == "manual__1"


def test_the_request_of_a_run_that_died_is_taken_over_after_half_a_day(assigned: Assigned) -> None:
    """By the next night's run, which was rung for it again. Before that it may still be at work."""
    now = [moment("2024-06-10T02:00")]
    ledger = MemoryLedger(clock=lambda: now[0])
    ledger, _ = _ledger_with_a_request(ledger)
    run = _by_hand(request="abc")
    dead, _ = assigned(ledger, run, "request__abc__20240610")

    now[0] = moment("2024-06-10T13:59")
    assert assigned(ledger, run, "request__abc__20240611")[0] is None
    now[0] = moment("2024-06-10T14:00")
    assert assigned(ledger, run, "request__abc__20240611")[0] == dead


def test_a_request_without_a_window_waits_for_nobody(bikes: dict[str, Any]) -> None:
    """The schedule begins later now. The request is settled with the error, and does not stand in the way."""
    ledger, _ = _ledger_with_a_request()
    later = Definition.model_validate({**bikes, "schedule": {**bikes["schedule"], "start": "2024-07-01"}})
    run = Run(conf={"request": "abc", "as_of": "2024-07-09"})

    with pytest.raises(DataError) as caught:
        assign(later, ledger, run, run_id="request__abc", actor="airflow")

    request = ledger.get(RetrainRequest, "abc")
    assert caught.value.code is Code.INTERVAL_EMPTY
    assert (request.state, request.outcome) == (RequestState.DONE, str(caught.value))


def test_the_cooldown_holds_for_people_too_unless_they_insist(assigned: Assigned) -> None:
    """At most one retraining per cooldown, whatever fires it; ``force`` is the way around, and is in the ledger."""
    ledger, _ = _ledger_with_a_request()
    assigned(ledger, _by_hand(), "manual__1")
    ledger.settle_request("abc", "done")

    refused, why = assigned(ledger, _by_hand(), "manual__2")
    forced, _ = assigned(ledger, _by_hand(force=True), "manual__2")

    assert refused is None
    assert why.endswith("is nearer than the cooldown of 7 days, 0:00:00. Use force to retrain all the same.")
    assert forced is not None
    assert forced.request not in (None, "abc")


def test_a_retired_model_is_retrained_by_hand_only(assigned: Assigned) -> None:
    """A scheduled run and one that was rung for are told who retired it; somebody who wants it back has it retrained."""
    ledger, request = _ledger_with_a_request()
    story = Story(model="bikes")
    story.keep_champion(ledger)
    ledger.promote(story.promotion(2, 5, PromotionKind.RETIRE))
    said = (None, "The model was retired by retrain: retire of version 5")

    assert assigned(ledger, _by_hand(request=request.id), "rung__1") == said
    assert assigned(ledger, _scheduled("2024-06-03", "2024-06-10"), "scheduled__1") == said
    assert ledger.get(RetrainRequest, request.id).state is RequestState.OPEN
    found, _ = assigned(ledger, _by_hand(), "manual__1")
    assert found is not None
    assert ledger.get(RetrainRequest, request.id).outcome == said[1]
    assert ledger.get(RetrainRequest, found.request).origin.startswith("by hand")
