"""Which scored night each row lies in, by the definition's schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from perennial.core.interval import Interval
from perennial.definition.calendar import last_interval, next_tick, ticks
from perennial.steps.arrays import microseconds, moments

if TYPE_CHECKING:
    import pyarrow as pa

    from perennial.definition.models import Definition
    from perennial.monitoring.psi import Counts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


def night_numbers(definition: Definition, rows: pa.Table) -> Counts:
    """Return the number of the scored night that each row lies in, shape (rows,).

    Nights of less than a day are told by their length alone: a cron of every minute has too many to be listed.
    """
    at, length = moments(rows, definition), _length(definition, rows)
    if length is None:
        return at // (_DAY // _MICROSECOND)
    if length < _DAY:
        return at // (length // _MICROSECOND)
    return np.searchsorted(_starts(definition, at), at, side="right")


def night_days(definition: Definition, rows: pa.Table) -> Counts:
    """Return the number of the UTC day since 1970 in which the middle of each row's scored night lies, shape (rows,).

    So does ``day_of`` of a night that is scored; what is held against each other is cut alike. Nights of less than a day are taken
    together by UTC days: one of them is too few rows to show how nights differ.
    """
    at, length = moments(rows, definition), _length(definition, rows)
    if length is None or length < _DAY:
        return at // (_DAY // _MICROSECOND)
    starts = _starts(definition, at)
    middles = starts[:-1] + np.diff(starts) // 2
    days: Counts = middles // (_DAY // _MICROSECOND)
    return days[np.searchsorted(starts, at, side="right") - 1]


def _length(definition: Definition, rows: pa.Table) -> timedelta | None:
    """Return how long the last night is that ends after the last row; None where there is none, or no row."""
    at = moments(rows, definition)
    if not at.size:
        return None
    schedule = definition.schedule
    night = last_interval(schedule.score, schedule.timezone, next_tick(schedule.score, schedule.timezone, _moment(at.max())))
    return night.length if night else None


def _starts(definition: Definition, at: Counts) -> Counts:
    """Return when the nights of these moments begin, and when the last one ends, in microseconds since 1970, ascending."""
    cron, timezone = definition.schedule.score, definition.schedule.timezone
    oldest, newest = _moment(at.min()), _moment(at.max())
    before = last_interval(cron, timezone, oldest)
    first = before.end if before else oldest
    found = list(ticks(cron, timezone, Interval(first, next_tick(cron, timezone, newest))))
    return np.array([microseconds(tick) for tick in (first, *found)], dtype=np.int64)


def _moment(micros: int) -> datetime:
    return _EPOCH + int(micros) * _MICROSECOND
