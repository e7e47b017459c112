"""Leases of a ledger in memory."""

from __future__ import annotations

from datetime import datetime, timedelta

from perennial.stores.ledger.leases import Fence, Lane, held, lost
from perennial.testing.ledger_records import Held, Records


def acquire(records: Records, lane: Lane, holder: str, *, now: datetime, ttl: timedelta) -> Fence:
    """Take a lease that is free, expired, or the same *holder*'s, with the next token.

    Raises:
        UnavailableError: LEASE_HELD.
    """
    found = records.leases.get(lane)
    if found is not None and found.holder not in {None, holder} and found.expires_at > now:
        raise held(lane, found.expires_at)
    fence = Fence(lane, 1 if found is None else found.token + 1)
    records.leases[lane] = Held(holder, fence.token, now + ttl)
    return fence


def check(records: Records, fence: Fence) -> None:
    """Make sure that *fence* is still the newest.

    Raises:
        ConflictError: LEASE_LOST.
    """
    if records.leases[fence.lane].token != fence.token:
        raise lost(fence)


def release(records: Records, fence: Fence) -> None:
    """Free the lease, if *fence* is still the newest."""
    found = records.leases[fence.lane]
    if found.token == fence.token:
        records.leases[fence.lane] = Held(None, fence.token + 1, found.expires_at)
