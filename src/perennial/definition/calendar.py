"""Crons to intervals: which interval a night covers, which window a retraining sees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

from perennial.core.interval import Interval
from perennial.definition.models import Definition, Schedule


_INSTANT = timedelta(microseconds=1)


def midnight(day: date, timezone: str) -> datetime:
    """Return the start of *day* in *timezone*, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)


def ticks(cron: str, timezone: str, within: Interval) -> Iterator[datetime]:
    """Yield, in UTC, every moment with ``start < moment <= end`` at which *cron* fires in *timezone*."""
    zone = ZoneInfo(timezone)
    moments = croniter(cron, within.start.astimezone(zone), ret_type=datetime)
    while (at := moments.get_next(datetime).astimezone(UTC)) <= within.end:
        yield at


def nights(schedule: Schedule, within: Interval) -> Iterator[Interval]:
    """Yield the scoring intervals that end inside *within* and follow each other without a gap, oldest first.

    The first one begins at the first tick at or after the start of *within*.
    """
    previous: datetime | None = None
    for at in ticks(schedule.score, schedule.timezone, Interval(within.start - _INSTANT, within.end)):
        if previous is not None:
            yield Interval(previous, at)
        previous = at


def training_window(definition: Definition, end: datetime) -> Interval:
    """Return what a training run with the cut-off *end* sees: the sliding or expanding window that ends there.

    Raises:
        DataError: INTERVAL_EMPTY, *end* is not after ``schedule.start``.
    """
    schedule = definition.schedule
    first = midnight(schedule.start, schedule.timezone)
    if schedule.window.kind == "sliding" and schedule.window.length is not None:
        first = max(first, end - schedule.window.length)
    return Interval(first, end)
