"""Leases with fencing tokens: who may write for a model, segment and flow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from perennial.core.codes import Code
from perennial.core.errors import ConflictError, UnavailableError
from perennial.core.interval import iso
from perennial.stores.tables import lease as table

IDLE_AT_MOST = "10s"
"""How long a transaction that has locked a lease may do nothing, before the server ends it: less than others wait for a lock.

A process that is stopped just there, and not dead, would otherwise keep every successor out for as long as it is stopped.
"""
_NOT_IDLE_FOR_LONG = func.set_config("idle_in_transaction_session_timeout", IDLE_AT_MOST, True)  # noqa: FBT003 - until its end


class Lane(NamedTuple):
    """What a lease is for."""

    model: str
    segment: str
    flow: str

    def __str__(self) -> str:
        """Return the three with slashes between them."""
        return "/".join(self)


@dataclass(frozen=True, slots=True)
class Fence:
    """What a writer must still hold when it writes: the lease of *lane*, at the token it was given."""

    lane: Lane
    token: int


def acquire(connection: Connection, lane: Lane, holder: str, ttl: timedelta) -> Fence:
    """Take a lease that is free, expired, or the same *holder*'s, with the next token. The clock is the database's.

    Raises:
        UnavailableError: LEASE_HELD.
    """
    now = func.clock_timestamp()
    ours = {"holder": holder, "expires_at": now + ttl}
    free = table.c.holder.is_(None) | (table.c.holder == holder) | (table.c.expires_at <= now)
    statement = insert(table).values(**lane._asdict(), **ours, token=1)
    taken = statement.on_conflict_do_update(
        constraint=table.primary_key, set_={**ours, "token": table.c.token + 1}, where=free
    ).returning(table.c.token, _NOT_IDLE_FOR_LONG)
    token = connection.scalar(taken)
    if token is None:
        raise held(lane, connection.scalars(select(table.c.expires_at).where(*_row(lane))).one())
    return Fence(lane, token)


def check(connection: Connection, fence: Fence, *, lock: bool = True) -> None:
    """Make sure that *fence* is still the newest; with *lock*, until the end of the transaction.

    Raises:
        ConflictError: LEASE_LOST.
    """
    query = select(table.c.token).where(*_row(fence.lane))
    locking = query.add_columns(_NOT_IDLE_FOR_LONG).with_for_update(read=True)
    if connection.scalar(locking if lock else query) != fence.token:
        raise lost(fence)


def release(connection: Connection, fence: Fence) -> None:
    """Free the lease, if *fence* is still the newest. The next token keeps whoever held it from writing later."""
    ours = update(table).where(*_row(fence.lane), table.c.token == fence.token)
    connection.execute(ours.values(holder=None, token=table.c.token + 1))


def held(lane: Lane, until: datetime) -> UnavailableError:
    """Return the error for a lease that another holder has *until* then."""
    message = f"another run holds it, until {iso(until.replace(microsecond=0))} at the latest; try again when that has ended"
    return UnavailableError(Code.LEASE_HELD, message, where=str(lane))


def lost(fence: Fence) -> ConflictError:
    """Return the error for a writer whose lease was taken over."""
    message = "a later attempt has taken over; this one may not write any more"
    return ConflictError(Code.LEASE_LOST, message, where=str(fence.lane))


def _row(lane: Lane) -> tuple[ColumnElement[bool], ...]:
    return table.c.model == lane.model, table.c.segment == lane.segment, table.c.flow == lane.flow
