"""The queue of retrain requests: at most one is open or claimed per model and segment, whatever happens at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, or_, text, update

from perennial.core.receipts import RequestState, RetrainRequest
from perennial.stores.ledger.receipts import find, read, select_of, unknown
from perennial.stores.ledger.retraining import BUDGET_WINDOW, refusal
from perennial.stores.ledger.rows import to_row
from perennial.stores.tables import retrain_request as table

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
FILED = "The request was filed."


def request_retraining(
    connection: Connection, request: RetrainRequest, *, cooldown: timedelta, max_per_30d: int | None, force: bool
) -> tuple[RetrainRequest | None, str]:
    """File *request*, unless the rules of :func:`refusal` forbid it; callers of one model and segment wait for each other."""
    connection.execute(_LOCK, {"key": f"request/{request.model}/{request.segment}"})
    stands = find(connection, RetrainRequest, request.id)
    if stands is not None:
        return stands, filed_before(stands)
    reason = refusal(request, _others(connection, request, cooldown), cooldown=cooldown, max_per_30d=max_per_30d, force=force)
    if reason is not None:
        return None, reason
    connection.execute(insert(table), to_row(request))
    return request, FILED


def filed_before(request: RetrainRequest) -> str:
    """Return the sentence for a *request* that is there already."""
    return f"The request was filed before and is {request.state}."


def claim_request(
    connection: Connection, model: str, segment: str, claimed_by: str, *, at: datetime | None, abandoned_after: timedelta
) -> RetrainRequest | None:
    """Take the open request, the one that *claimed_by* took before, or one that was abandoned, if its *at* is not after *at*.

    The clock is the database's. A request that is done is given again only to who asks with the same *at* as before: a cleared
    run does, a later run of the same name does not.
    """
    of_model = (table.c.model == model, table.c.segment == segment, *(() if at is None else (table.c.at <= at,)))
    now, ours = func.clock_timestamp(), table.c.claimed_by == claimed_by
    waits = or_(table.c.state == RequestState.OPEN.value, ours, table.c.claimed_at <= now - abandoned_after)
    took = update(table).where(*of_model, table.c.state != RequestState.DONE.value, waits)
    connection.execute(took.values(state=RequestState.CLAIMED.value, claimed_by=claimed_by, claimed_as_of=at, claimed_at=now))
    again = or_(table.c.state == RequestState.CLAIMED.value, table.c.claimed_as_of.is_not_distinct_from(at))
    newest = (table.c.state == RequestState.CLAIMED.value).desc(), table.c.id
    query = select_of(RetrainRequest).where(*of_model, ours, again).order_by(*newest).limit(1)
    return next(iter(read(connection, RetrainRequest, query)), None)


def settle_request(
    connection: Connection, request: str, outcome: str, state: RequestState, *, claimed_by: str | None = None
) -> None:
    """Say what became of the request of this id, unless somebody else than *claimed_by* has it.

    What is done stays done; only whoever claimed it may say anew what became of it, as a run that was cleared does.

    Raises:
        RejectedError: MODEL_UNKNOWN.
    """
    if find(connection, RetrainRequest, request) is None:
        raise unknown(RetrainRequest, request)
    which = update(table).where(table.c.id == request)
    which = which if claimed_by is None else which.where(table.c.claimed_by == claimed_by)
    waits, done = table.c.state != RequestState.DONE.value, table.c.state == RequestState.DONE.value
    connection.execute(which.where(waits).values(state=state.value, outcome=outcome))
    if claimed_by is not None and state is RequestState.DONE:
        connection.execute(which.where(done).values(outcome=outcome))


def _others(connection: Connection, request: RetrainRequest, cooldown: timedelta) -> list[RetrainRequest]:
    reach = max(cooldown, BUDGET_WINDOW)
    near = table.c.at.between(request.at - reach, request.at + reach)
    which = (table.c.model == request.model, table.c.segment == request.segment)
    query = select_of(RetrainRequest).where(*which, or_(near, table.c.state != RequestState.DONE.value))
    return read(connection, RetrainRequest, query.order_by(table.c.at, table.c.id))
