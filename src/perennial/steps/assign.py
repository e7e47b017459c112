"""The one way to a retraining, whoever wants it: a request, filed under cooldown and budget, claimed, and settled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from perennial.core.digest import digest_json
from perennial.core.errors import DataError
from perennial.core.interval import Interval, iso
from perennial.core.receipts import ALL, Moment, Promotion, Receipt, RequestState, RetrainRequest
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import ABANDONED_AFTER, Ledger
from perennial.steps.champion import retirement

SCHEDULED = "scheduled"
BY_HAND = "by hand"
"""How the origin of a request begins that a person filed."""

INSIST = "Use force to retrain all the same."
CLOSER = "whoever brings the model back"
"""Who claims a request to close it: the same for everybody, so that one who was interrupted leaves it to the next one."""


class Assignment(Receipt):
    """What one retraining works on, and the request that it answers."""

    segment: str = ALL
    interval: Interval
    as_of: Moment
    reason: str
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who wants a retraining.

    Attributes:
        name: Who.
        cut_off: What is not to be known yet.
        reason: Why; where a request waits already, its own reason stands.
        interval: The training window, where the person gave one.
        exact: Whether the person gave the cut-off. One that nobody gave moves on to that of the request that waits.
        force: Go against cooldown and budget, and take a claimed request over at once.
    """

    name: str
    cut_off: datetime
    reason: str
    interval: Interval | None = None
    exact: bool = False
    force: bool = False


def by_hand(
    definition: Definition, ledger: Ledger, person: Person, *, claimed_by: str, segment: str = ALL
) -> tuple[Assignment | None, str]:
    """Claim the request that waits, whatever its cut-off, or file one; *claimed_by* is another one for each run.

    This is how a model that was retired is retrained. A request that waits since before the retirement is closed then, and the
    person's own takes its place, whatever the cooldown says. Who is interrupted in between says it again.

    Returns:
        What to do, or None; and the reason, or a sentence that says what stands against it, and that force goes against it.

    Raises:
        DataError: INTERVAL_EMPTY, nothing lies before the cut-off.
    """
    window = person.interval or training_window(definition, person.cut_off)  # first: without one, nothing is filed
    origin = f"{BY_HAND} {person.name} {iso(person.cut_off)}"
    wanted = _request(definition, segment, person.cut_off, person.reason, origin, key=[origin, claimed_by])
    after = timedelta(0) if person.force else ABANDONED_AFTER
    over = retired(definition, ledger, person.cut_off, segment=segment)
    if over is not None:
        _close_what_waits(definition, segment, ledger, over, after)
    force = person.force or (over is not None and _only_closed(definition, ledger, wanted, over))
    claimed, why = _claim(definition, ledger, wanted, claimed_by, at=None, abandoned_after=after, force=force)
    if claimed is None:
        return None, why if person.force else f"{why} {INSIST}"
    as_of = person.cut_off if person.exact else max(person.cut_off, claimed.at)
    moved = person.interval is None and as_of > person.cut_off
    return _assignment(definition, ledger, claimed, as_of, None if moved else window), claimed.reason


def on_schedule(
    definition: Definition, ledger: Ledger, tick: datetime, *, claimed_by: str, interval: Interval | None = None, segment: str = ALL
) -> tuple[Assignment | None, str]:
    """Claim the request that waits at *tick*, or file the one of the tick. It knows what was known at the tick.

    A model that was retired by then is not retrained.

    Returns:
        What to do, or None; and the reason, or a sentence that says what stands against it.

    Raises:
        DataError: INTERVAL_EMPTY, nothing lies before the tick.
    """
    window = interval or training_window(definition, tick)  # first: without one, nothing is filed
    if why_not := retired(definition, ledger, tick, segment=segment):
        return None, why_not
    origin = f"schedule {iso(tick)}"
    wanted = _request(definition, segment, tick, SCHEDULED, origin, key=[origin])
    claimed, why = _claim(definition, ledger, wanted, claimed_by, at=tick)
    return (None, why) if claimed is None else (_assignment(definition, ledger, claimed, tick, window), claimed.reason)


def on_request(definition: Definition, ledger: Ledger, at: datetime, *, claimed_by: str, segment: str = ALL) -> Assignment | None:
    """Claim the request that waits at *at*. It knows what was known at its own cut-off.

    None where none waits, and for a model that was retired by then.
    """
    if retired(definition, ledger, at, segment=segment):
        return None
    claimed = ledger.claim_request(definition.name, segment, claimed_by, at=at)
    return None if claimed is None else _assignment(definition, ledger, claimed, claimed.at)


def retired(definition: Definition, ledger: Ledger, at: datetime, *, segment: str = ALL) -> str | None:
    """Return in a sentence who retired the model and why, or None where it is not retired at that moment."""
    found = retirement(ledger, definition.name, segment, at)
    return retired_by(found) if found else None


def retired_by(row: Promotion) -> str:
    """Return what becomes of a request because of the retirement *row*."""
    return f"The model was retired by {row.actor}: {row.reason}"


def unsettled(definition: Definition, ledger: Ledger, *, segment: str = ALL) -> RetrainRequest | None:
    """Return the request that is open or claimed. There is at most one."""
    requests = ledger.history(RetrainRequest, definition.name, segment)
    return next((request for request in reversed(requests) if request.state is not RequestState.DONE), None)


def _close_what_waits(definition: Definition, segment: str, ledger: Ledger, over: str, after: timedelta) -> None:
    """Close the request that waits, as the retirement *over* says, unless a person filed it or a run is at it."""
    waiting = unsettled(definition, ledger, segment=segment)
    if waiting is None or waiting.origin.startswith(BY_HAND):
        return
    claimed = ledger.claim_request(definition.name, segment, CLOSER, at=None, abandoned_after=after)
    if claimed is not None and claimed.id == waiting.id:  # not one that was closed so before
        ledger.settle_request(waiting.id, over, claimed_by=CLOSER)


def _only_closed(definition: Definition, ledger: Ledger, wanted: RetrainRequest, over: str) -> bool:
    """Return whether all that stands in the way of *wanted* are requests that were closed unanswered by the retirement *over*."""
    others = ledger.history(RetrainRequest, definition.name, wanted.segment)
    near = [other for other in others if abs(other.at - wanted.at) < definition.retraining.cooldown and other.id != wanted.id]
    return bool(near) and all(other.outcome == over for other in near)


def _claim(
    definition: Definition,
    ledger: Ledger,
    wanted: RetrainRequest,
    claimed_by: str,
    *,
    at: datetime | None,
    abandoned_after: timedelta = ABANDONED_AFTER,
    force: bool = False,
) -> tuple[RetrainRequest | None, str]:
    name, segment, rules = definition.name, wanted.segment, definition.retraining
    claimed = ledger.claim_request(name, segment, claimed_by, at=at, abandoned_after=abandoned_after)
    if claimed is not None:
        return claimed, claimed.reason
    filed, why = ledger.request_retraining(wanted, cooldown=rules.cooldown, max_per_30d=rules.max_per_30d, force=force)
    return (ledger.claim_request(name, segment, claimed_by, at=at) if filed else None), why


def _request(definition: Definition, segment: str, at: datetime, reason: str, origin: str, *, key: list[str]) -> RetrainRequest:
    return RetrainRequest(
        id=digest_json([definition.name, segment, *key])[:32],
        model=definition.name,
        segment=segment,
        at=at,
        reason=reason,
        origin=origin,
    )


def _assignment(
    definition: Definition, ledger: Ledger, claimed: RetrainRequest, as_of: datetime, interval: Interval | None = None
) -> Assignment:
    """Return the assignment. A request for which there is no window any more is settled, and waits for nobody.

    Raises:
        DataError: INTERVAL_EMPTY.
    """
    try:
        window = interval or training_window(definition, as_of)
    except DataError as error:
        ledger.settle_request(claimed.id, str(error))
        raise
    return Assignment(segment=claimed.segment, interval=window, as_of=as_of, reason=claimed.reason, request=claimed.id)
