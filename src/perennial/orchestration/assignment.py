"""What a retraining run of Airflow is to do, by who started it."""

from __future__ import annotations

from perennial.core.receipts import ALL, Purpose, RequestState, RetrainRequest
from perennial.definition.models import Definition
from perennial.orchestration.window import Run, window
from perennial.ports import Ledger
from perennial.steps.assign import Assignment, Person, by_hand, on_request, on_schedule, retired, unsettled

BY_HAND = "by hand"
_EXACT = ("as_of", "interval_end")


WAITING = "waiting"
"""What a run has in place of a request's id that is to answer whatever waits, of each segment."""


def assign(
    definition: Definition, ledger: Ledger, run: Run, *, run_id: str, actor: str, segment: str = ALL
) -> tuple[Assignment | None, str]:
    """Return what the run is to do for *segment* and why, or None and a sentence that says why there is nothing to do.

    Raises:
        DataError: RUN_UNKNOWN_KEY, RUN_NO_INTERVAL, INTERVAL_EMPTY.
        RejectedError: MODEL_UNKNOWN, the request that the run was started for does not exist.
    """
    asked = window(definition, run, Purpose.TRAIN)
    given = asked.interval if run.conf.get("interval_end") else None
    if run.conf.get("request"):
        return _answer(definition, segment, ledger, str(run.conf["request"]), run_id)
    if run.scheduled:
        return on_schedule(definition, ledger, asked.as_of, claimed_by=run_id, interval=given, segment=segment)
    person = Person(
        name=actor,
        cut_off=asked.as_of,
        reason=str(run.conf.get("reason") or BY_HAND),
        interval=given,
        exact=any(run.conf.get(key) for key in _EXACT),
        force=run.conf.get("force") is True,
    )
    return by_hand(definition, ledger, person, claimed_by=run_id, segment=segment)


def _answer(definition: Definition, segment: str, ledger: Ledger, asked: str, run_id: str) -> tuple[Assignment | None, str]:
    request = unsettled(definition, ledger, segment=segment) if asked == WAITING else ledger.get(RetrainRequest, asked)
    if request is None or request.segment != segment:
        return None, "no request waits"
    asked = request.id
    if request.state is RequestState.DONE and request.claimed_by != run_id:
        return None, f"request {asked} is done: {request.outcome}"
    found = on_request(definition, ledger, request.at, claimed_by=run_id, segment=segment)
    if found:
        return found, found.reason
    return None, retired(definition, ledger, request.at, segment=segment) or f"request {asked} is claimed by {request.claimed_by}"
