"""What a retraining run is to do, by who started it."""

from __future__ import annotations

from typing import Any

from perennial.core.interval import Interval, moment
from perennial.core.receipts import RequestState, RetrainRequest
from perennial.definition.models import Definition
from perennial.orchestration.assignment import Assignment, assign, open_request
from perennial.orchestration.window import Run
from perennial.testing import MemoryLedger

VALUES: dict[str, Any] = {
    "name": "bikes",
    "title": "Bikes",
    "purpose": "Where to put them.",
    "owner": "ops",
    "kpi": {"name": "empty stations", "approximation": "mae"},
    "source": {"connection": "bikes", "table": "demand", "entity": ["region"]},
    "label": {"column": "trips", "delay": "7d"},
    "features": {"numeric": ["temperature"]},
    "schedule": {"score": "0 2 * * *", "start": "2024-01-01", "window": {"kind": "sliding", "length": "60d"}},
    "expectations": [{"type": "expect_column_values_to_not_be_null", "arguments": {"column": "temperature"}}],
    "evaluation": {"metric": "mae", "holdout": "14d"},
    "retraining": {"cooldown": "7d"},
}
DEFINITION = Definition.model_validate(VALUES)
COOLDOWN = DEFINITION.retraining.cooldown


def _ledger_with_a_request() -> tuple[MemoryLedger, RetrainRequest]:
    ledger = MemoryLedger()
    asked = RetrainRequest(id="abc", model="bikes", at=moment("2024-06-10T02:00"), reason="the loss rose", origin="decision")
    filed, _ = ledger.request_retraining(asked, cooldown=COOLDOWN, max_per_30d=None)
    assert filed is not None
    return ledger, filed


def _by_hand(**conf: object) -> Run:
    return Run(conf=conf, run_after=moment("2024-06-12T09:00"))


def test_a_scheduled_run_leaves_the_open_request_to_the_doorbell() -> None:
    """It has a window of its own, and works again in any order of days."""
    ledger, request = _ledger_with_a_request()
    run = Run(conf={}, data_interval=(moment("2024-06-03"), moment("2024-06-10")))

    found, _ = assign(DEFINITION, ledger, run, run_id="scheduled__1", scheduled=True)

    window = Interval.parse("2024-04-11/2024-06-10")
    assert found == Assignment(interval=window, as_of=window.end, reason="scheduled")
    assert open_request(DEFINITION, ledger) == request


def test_a_run_that_was_rung_for_answers_its_request() -> None:
    """The cut-off, the reason and the id are the request's."""
    ledger, _ = _ledger_with_a_request()
    run = _by_hand(request="abc", as_of="2024-06-10T02:00:00Z", reason="the loss rose")

    found, _ = assign(DEFINITION, ledger, run, run_id="request__abc", scheduled=False)

    window = Interval.parse("2024-04-11T02:00/2024-06-10T02:00")
    assert found == Assignment(interval=window, as_of=window.end, reason="the loss rose", request="abc")
    assert open_request(DEFINITION, ledger) is None


def test_a_second_attempt_has_the_same_assignment() -> None:
    """A task that is tried again or cleared claims what its run claimed before."""
    ledger, _ = _ledger_with_a_request()
    run = _by_hand(request="abc", as_of="2024-06-10T02:00:00Z")
    first, _ = assign(DEFINITION, ledger, run, run_id="request__abc", scheduled=False)

    second, _ = assign(DEFINITION, ledger, run, run_id="request__abc", scheduled=False)

    assert second == first


def test_a_request_is_answered_by_one_run_only() -> None:
    """Whoever comes second has nothing to do, and is told."""
    ledger, _ = _ledger_with_a_request()
    run = _by_hand(request="abc", as_of="2024-06-10T02:00:00Z")
    assign(DEFINITION, ledger, run, run_id="first", scheduled=False)

    assert assign(DEFINITION, ledger, run, run_id="second", scheduled=False) == (None, "request abc was answered by another run")


def test_a_run_by_hand_files_a_request_of_its_own() -> None:
    """So that the ledger knows of every retraining that somebody asked for, and why."""
    ledger = MemoryLedger()

    found, _ = assign(DEFINITION, ledger, _by_hand(reason="a new region"), run_id="manual__1", scheduled=False)

    (request,) = ledger.history(RetrainRequest, "bikes")
    assert (request.origin, request.reason, request.state) == ("run manual__1", "a new region", RequestState.CLAIMED)
    assert found == Assignment(
        interval=Interval.parse("2024-04-13T02:00/2024-06-12T02:00"),
        as_of=moment("2024-06-12T02:00"),
        reason="a new region",
        request=request.id,
    )


def test_a_run_by_hand_answers_the_open_request() -> None:
    """Two retrainings for one reason would be one too many."""
    ledger, _ = _ledger_with_a_request()

    found, _ = assign(DEFINITION, ledger, _by_hand(), run_id="manual__1", scheduled=False)

    assert found is not None
    assert (found.request, found.reason) == ("abc", "by hand")


def test_the_cooldown_holds_for_people_too_unless_they_insist() -> None:
    """At most one retraining per cooldown, whatever fires it; ``force`` is the way around, and is in the ledger."""
    ledger, _ = _ledger_with_a_request()
    assign(DEFINITION, ledger, _by_hand(), run_id="manual__1", scheduled=False)
    ledger.settle_request("abc", "done")

    refused, why = assign(DEFINITION, ledger, _by_hand(), run_id="manual__2", scheduled=False)
    forced, _ = assign(DEFINITION, ledger, _by_hand(force=True), run_id="manual__2", scheduled=False)

    assert refused is None
    assert "cooldown" in why
    assert forced is not None
    assert forced.request not in (None, "abc")
