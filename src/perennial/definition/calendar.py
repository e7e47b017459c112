"""Crons to intervals: which interval a night covers, which window a retraining sees.

A cron speaks of the clock on the wall. Twice a year that clock jumps, and what happens then is what Airflow's cron timetables
do, so that a replay and the scheduler cover the same intervals: a moment that the clock skips fires as much later as the clock
jumps; a moment that it shows twice fires the second time; and a cron of every hour fires in every hour that passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from croniter import croniter

from perennial.core.interval import Interval
from perennial.definition.models import Definition, Schedule

_FIRST_LOOK = timedelta(days=2)
_LONGEST_LOOK = timedelta(days=9 * 366)
"""Within so many days lie two 29ths of February."""


def midnight(day: date, timezone: str) -> datetime:
    """Return the start of *day* in *timezone*, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)


def next_tick(cron: str, timezone: str, after: datetime) -> datetime:
    """Return, in UTC, the first moment later than *after* at which *cron* fires in *timezone*."""
    return _next_tick(cron, timezone, after.astimezone(UTC))


@lru_cache(maxsize=4096)
def _next_tick(cron: str, timezone: str, after: datetime) -> datetime:
    """Return the same; a night asks for the moments around it several times, and a cron is dear to read."""
    wall = after.astimezone(ZoneInfo(timezone)).replace(tzinfo=None, fold=0)
    moments = croniter(cron, wall)
    tick: datetime = moments.get_next(datetime)
    if moments.expanded[1] == ["*"]:
        return after + (tick - wall)
    return _moment(tick, ZoneInfo(timezone))


@lru_cache(maxsize=256)
def daily_times(cron: str) -> tuple[int, ...]:
    """Return at which minutes of the day on the wall *cron* fires, ascending; none where it does not do so on every day alike."""
    minutes, hours, *days = croniter.expand(cron)[0]
    if any(field != ["*"] for field in days):
        return ()
    each = [range(size) if field == ["*"] else field for field, size in ((hours, 24), (minutes, 60))]
    return tuple(sorted(60 * int(hour) + int(minute) for hour in each[0] for minute in each[1]))


def ticks(cron: str, timezone: str, within: Interval) -> Iterator[datetime]:
    """Yield, in UTC, every moment with ``start < moment <= end`` at which *cron* fires in *timezone*."""
    at = next_tick(cron, timezone, within.start)
    while at <= within.end:
        if at > within.start:
            yield at
        at = next_tick(cron, timezone, at)


def nights(schedule: Schedule, within: Interval) -> Iterator[Interval]:
    """Yield the scoring intervals that lie inside *within* and follow each other without a gap, oldest first.

    The first one begins at the first tick at or after the start of *within*.
    """
    just_before = within.start - timedelta.resolution
    moments = ticks(schedule.score, schedule.timezone, Interval(just_before, within.end))
    yield from (Interval(earlier, later) for earlier, later in pairwise(moments))


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


def _moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when the clock shows *wall*: the second time if it does so twice, and moved by the jump if it never does."""
    before, after = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return max(before, after)


def last_interval(cron: str, timezone: str, until: datetime) -> Interval | None:
    """Return the last interval between two ticks of *cron* that has ended at *until*, or None where nine years show none."""
    back = _FIRST_LOOK
    while True:
        moments = list(ticks(cron, timezone, Interval(until - back, until)))
        if len(moments) > 1:
            return Interval(*moments[-2:])
        if back == _LONGEST_LOOK:
            return None
        back = min(back * 4, _LONGEST_LOOK)


def newest_night(schedule: Schedule, now: datetime) -> Interval | None:
    """Return the last scoring interval that has ended *now*, of a schedule that has ended its very last; None without any."""
    until = now if schedule.end is None else min(now, midnight(schedule.end, schedule.timezone))
    return last_interval(schedule.score, schedule.timezone, until)
