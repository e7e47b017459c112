"""What a retraining run is to do: its window, its reason, and the request that it answers."""

from __future__ import annotations

from datetime import datetime

from perennial.core.digest import digest_json
from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Moment, Purpose, Receipt, RequestState, RetrainRequest
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.orchestration.window import Run, Window, window
from perennial.ports import Ledger

BY_HAND = "by hand"
SCHEDULED = "scheduled"


class Assignment(Receipt):
    """What the tasks of one retraining run work on."""

    interval: Interval
    as_of: Moment
    reason: str
    request: str | None = None


def assign(definition: Definition, ledger: Ledger, run: Run, *, run_id: str, scheduled: bool) -> tuple[Assignment | None, str]:
    """Return what the run is to do, or None and a sentence that says why there is nothing to do.

    A scheduled run answers to the schedule alone. A run that was rung for claims its request. A run by hand claims the open
    request, or files one of its own, which the cooldown and the budget may refuse unless the person says ``force``.
    """
    asked = window(definition, run, Purpose.TRAIN)
    if scheduled:
        return Assignment(interval=asked.interval, as_of=asked.as_of, reason=SCHEDULED), SCHEDULED
    claimed = ledger.claim_request(definition.name, ALL, run_id, at=asked.as_of)
    if run.conf.get("request"):
        return _answer(definition, claimed, str(run.conf["request"]))
    reason = str(run.conf.get("reason") or BY_HAND)
    if claimed is None:
        filed, why = _file(definition, ledger, asked.as_of, reason, run_id=run_id, force=run.conf.get("force") is True)
        claimed = ledger.claim_request(definition.name, ALL, run_id, at=asked.as_of) if filed else None
        if claimed is None:
            return None, why
    return _by_hand(asked, reason, claimed), reason


def open_request(definition: Definition, ledger: Ledger) -> RetrainRequest | None:
    """Return the request that nobody has claimed yet. There is at most one."""
    requests = ledger.history(RetrainRequest, definition.name, ALL)
    return next((request for request in reversed(requests) if request.state is RequestState.OPEN), None)


def _answer(definition: Definition, claimed: RetrainRequest | None, asked: str) -> tuple[Assignment | None, str]:
    if claimed is None:
        return None, f"request {asked} was answered by another run"
    interval = training_window(definition, claimed.at)
    return Assignment(interval=interval, as_of=claimed.at, reason=claimed.reason, request=claimed.id), claimed.reason


def _by_hand(asked: Window, reason: str, claimed: RetrainRequest) -> Assignment:
    return Assignment(interval=asked.interval, as_of=asked.as_of, reason=reason, request=claimed.id)


def _file(
    definition: Definition, ledger: Ledger, at: datetime, reason: str, *, run_id: str, force: bool
) -> tuple[RetrainRequest | None, str]:
    origin = f"run {run_id}"
    request = RetrainRequest(
        id=digest_json([definition.name, ALL, origin])[:32], model=definition.name, at=at, reason=reason, origin=origin
    )
    rules = definition.retraining
    return ledger.request_retraining(request, cooldown=rules.cooldown, max_per_30d=rules.max_per_30d, force=force)
