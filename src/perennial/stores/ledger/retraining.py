"""When a retrain request may be filed. No database here: the ledger and its fake ask the same question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from perennial.core.interval import iso
from perennial.core.receipts import RequestState, RetrainRequest

BUDGET_WINDOW = timedelta(days=30)


def refusal(
    request: RetrainRequest, others: Sequence[RetrainRequest], *, cooldown: timedelta, max_per_30d: int | None, force: bool
) -> str | None:
    """Return in a sentence why *request* may not be filed beside *others* of its model and segment, or None if it may.

    Distances count in both directions, so that the order in which nights are run does not matter.

    Args:
        request: What somebody wants to file.
        others: All open or claimed requests, and those whose *at* is nearer than the cooldown and 30 days.
        cooldown: The least time between two requests.
        max_per_30d: The most requests in any 30 days.
        force: Skips cooldown and budget, but not the rule that only one is open.
    """
    if force:
        return _unfinished(others)
    near = _too_soon(request, others, cooldown)  # first: unlike a state it stays, so that a night decided again says the same
    return near or _unfinished(others) or _over_budget(request.at, [other.at for other in others], max_per_30d)


def _unfinished(others: Sequence[RetrainRequest]) -> str | None:
    other = next((other for other in others if other.state is not RequestState.DONE), None)
    return f"Request {other.id} of {iso(other.at)} is {other.state} already." if other else None


def _too_soon(request: RetrainRequest, others: Sequence[RetrainRequest], cooldown: timedelta) -> str | None:
    near = [other for other in others if abs(other.at - request.at) < cooldown]
    if not near:
        return None
    # An earlier one first: a night that is decided again names the one it named before a later one was filed.
    nearest = min(near, key=lambda other: (other.at > request.at, abs(other.at - request.at), other.id))
    return f"Request {nearest.id} of {iso(nearest.at)} is nearer than the cooldown of {cooldown}."


def _over_budget(at: datetime, others: Sequence[datetime], most: int | None) -> str | None:
    if most is None:
        return None
    times = sorted([*others, at])
    new = times.index(at)
    for first in range(max(0, new - most), min(new, len(times) - most - 1) + 1):
        if times[first + most] - times[first] < BUDGET_WINDOW:
            return f"The budget of {most} in 30 days is used up."
    return None
