"""Reads a page of nights."""

from __future__ import annotations

from datetime import timedelta

from perennial.core.interval import Interval
from perennial.web.asking import Asked
from perennial.web.reading.scope import read_moment, standing_of
from perennial.web.views.nights import Nights

DAYS = 60


def read_nights(asked: Asked, until: str | None) -> Nights:
    """Return the nights of the 60 days before *until*, or before the end of the last one.

    Raises:
        HTTPException: 404, there is no such model and segment.
    """
    standing_of(asked)
    health = asked.site.health()
    decided = health.decided(asked.model, asked.segment)
    if decided is None:
        return Nights(nights=(), earlier=None, later=None)
    end = decided.end if until is None else min(read_moment(until), decided.end)
    within = Interval(end - timedelta(days=DAYS), end)
    found = health.nights(asked.model, asked.segment, within)
    return Nights(
        nights=tuple(reversed(found)),
        earlier=within.start if within.start > decided.start else None,
        later=min(end + timedelta(days=DAYS), decided.end) if end < decided.end else None,
    )
