"""Reads the predictions of an entity."""

from __future__ import annotations

from datetime import timedelta

from fastapi import HTTPException

from perennial.core.interval import Interval
from perennial.web.asking import Asked
from perennial.web.reading.scope import read_moment, standing_of
from perennial.web.views.predictions import Predictions

MOST = 1000
MOST_EXPORTED = 100_000
LONGEST = timedelta(days=1100)
DAYS = timedelta(days=14)


def read_predictions(asked: Asked, entity: str, start: str | None, until: str | None, most: int = MOST) -> Predictions | None:
    """Return what was predicted for *entity*, by default in the last 14 days that were decided; None where no night was.

    Raises:
        HTTPException: 404; 422, the times are none, or too far apart.
    """
    standing_of(asked)
    decided = asked.site.health().decided(asked.model, asked.segment)
    if decided is None:
        return None
    end = read_moment(until) if until else decided.end
    begin = read_moment(start) if start else end - DAYS
    if not begin < end <= begin + LONGEST:
        raise HTTPException(422, f"The time must end after it starts, and be at most {LONGEST.days} days long.")
    within = Interval(begin, end)
    rows = asked.site.health().foretold(asked.model, asked.segment, entity, within, most=most + 1)
    return Predictions(entity=entity, within=within, rows=tuple(rows[:most]), cut=len(rows) > most)
