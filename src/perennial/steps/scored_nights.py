"""Which scored night each row lies in, by the definition's schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from perennial.core.interval import Interval
from perennial.definition.calendar import daily_times, last_interval, next_tick, ticks
from perennial.monitoring.counting.zone import zone
from perennial.steps.arrays import day_of, microseconds, moments

if TYPE_CHECKING:
    import pyarrow as pa

    from perennial.definition.models import Definition
    from perennial.monitoring.psi import Counts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_MINUTE_US = 60_000_000
_MOST_A_DAY = 24


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


def nights_a_day(definition: Definition) -> int:
    """Return in how many parts the days of a reference are cut: one for each night of a day, 24 of several nights at most.

    A schedule that is not the same on every day has one.
    """
    return len(_starts_of_day(definition))


def reference_nights(definition: Definition, rows: pa.Table) -> Counts:
    """Return the number of the night of a reference that each row lies in, shape (rows,); ``night_number`` is that of a night.

    Nights of a day or longer have the number of the UTC day since 1970 in which their middle lies. Of shorter ones it is that of
    the local day, times :func:`nights_a_day`, plus the night's place in the day.
    """
    at = moments(rows, definition)
    if nights_a_day(definition) > 1:
        return _places(definition, at)
    length = _length(definition, rows)
    if length is None or length < _DAY:
        return at // (_DAY // _MICROSECOND)
    starts = _starts(definition, at)
    middles = starts[:-1] + np.diff(starts) // 2
    days: Counts = middles // (_DAY // _MICROSECOND)
    return days[np.searchsorted(starts, at, side="right") - 1]


def night_number(definition: Definition, interval: Interval, a_day: int) -> int | None:
    """Return the number of the night *interval* among those of a reference whose days were cut in *a_day* parts.

    None where the definition cuts days in another number of parts by now: then it is not known which nights are like this one.
    """
    if a_day == 1:
        return day_of(interval)
    middle = np.array([microseconds(interval.start + interval.length / 2)])
    return int(_places(definition, middle)[0]) if a_day == nights_a_day(definition) else None


def _places(definition: Definition, at: Counts) -> Counts:
    """Return the number of the short night in which each moment lies, in microseconds since 1970, shape (moments,)."""
    starts = _starts_of_day(definition)
    days, clock = np.divmod(zone(definition.schedule.timezone).local(at), _DAY // _MICROSECOND)
    found: Counts = days * starts.size + np.searchsorted(starts, clock, side="right") - 1
    return found


def _starts_of_day(definition: Definition) -> Counts:
    """Return when the parts of a day begin, in microseconds since midnight on the wall."""
    times = daily_times(definition.schedule.score) or (0,)
    return np.array(times[:: -(-len(times) // _MOST_A_DAY)], dtype=np.int64) * _MINUTE_US


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
