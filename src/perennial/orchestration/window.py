"""The one place that gives a run its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.core.interval import Interval, moment, utc
from perennial.core.receipts import ALL, Purpose
from perennial.core.shown import shown
from perennial.definition.calendar import last_interval, midnight, training_window
from perennial.definition.models import Definition, Schedule
from perennial.definition.segment_of import segment_of

KEYS: Mapping[Purpose, tuple[str, ...]] = {
    Purpose.SCORE: ("interval_start", "interval_end", "as_of"),
    Purpose.TRAIN: ("interval_start", "interval_end", "as_of", "reason", "force", "request"),
}
"""What a run may be started with."""
SEGMENT = "segment"
"""What a run of a model with segments may be started with, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What Airflow knows of a run.

    Attributes:
        conf: What it was started with, unknown keys and all. An empty value counts as none.
        data_interval: Its data interval, if it has one. One of no width counts as none.
        run_after: When it was due, or when a person started it.
        scheduled: Whether the schedule or a backfill started it, and not a person or a request.
    """

    conf: Mapping[str, object]
    data_interval: tuple[datetime, datetime] | None = None
    run_after: datetime | None = None
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """Which events a run covers, and the cut-off up to which it may know."""

    interval: Interval
    as_of: datetime


def window(definition: Definition, run: Run, purpose: Purpose) -> Window:
    """Return what *run* covers: its parameters say, else its data interval, else the schedule as of when it was due.

    For a night that is the night. For a retraining it is the training window that ends at the cut-off: that of a scheduled one
    is the end of its data interval. Any other knows what the last complete night knew; Airflow gives it the data interval of a
    scheduled one, whose end may be a month old.

    Raises:
        DataError: RUN_UNKNOWN_KEY (every unknown key at once), RUN_NO_INTERVAL, INTERVAL_EMPTY.
    """
    _refuse_unknown(definition, run.conf, purpose)
    as_of = _moment(run.conf, "as_of")
    interval = _explicit(definition, run.conf)
    if interval is None:
        interval = _night(definition, run) if purpose is Purpose.SCORE else _training(definition, run, as_of)
    return Window(interval, as_of or interval.end)


def segments(definition: Definition, run: Run) -> tuple[str, ...]:
    """Return the segments that *run* is about: the one that its parameters say, or all of them.

    Raises:
        RejectedError: SEGMENT_UNKNOWN.
    """
    named = run.conf.get(SEGMENT)
    if named in (None, "", ALL):
        return definition.segment_names
    return (segment_of(definition, str(named)),)


def _refuse_unknown(definition: Definition, conf: Mapping[str, object], purpose: Purpose) -> None:
    allowed = (*KEYS[purpose], *([SEGMENT] if definition.segments else []))
    faults = [Fault(Code.RUN_UNKNOWN_KEY, _unknown(key, allowed), definition.name) for key in conf if key not in allowed]
    if faults:
        raise DataError.of(faults)


def _unknown(key: str, allowed: tuple[str, ...]) -> str:
    close = get_close_matches(key, allowed, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"must be one of {', '.join(allowed)}"
    return f"{shown(key)} is not a parameter of this run, {hint}"


def _explicit(definition: Definition, conf: Mapping[str, object]) -> Interval | None:
    start, end = _moment(conf, "interval_start"), _moment(conf, "interval_end")
    if start is None and end is None:
        return None
    if start is None or end is None:
        missing = "interval_start" if start is None else "interval_end"
        message = f"needs interval_start and interval_end together, or neither; {missing} is missing"
        raise DataError(Code.RUN_NO_INTERVAL, message, where=definition.name)
    return Interval(start, end)


def _night(definition: Definition, run: Run) -> Interval:
    schedule = definition.schedule
    night = _data_interval(run) or _last_due(schedule, run, schedule.score)
    if night is None:
        message = "has no data interval, and the schedule gives none; give interval_start and interval_end"
        raise DataError(Code.RUN_NO_INTERVAL, message, where=definition.name)
    return night


def _training(definition: Definition, run: Run, as_of: datetime | None) -> Interval:
    schedule = definition.schedule
    if as_of is None:
        due = (_data_interval(run) if run.scheduled else None) or _last_due(schedule, run, schedule.score)
        if due is None:
            message = "has no cut-off, and the schedule gives none; give as_of"
            raise DataError(Code.RUN_NO_INTERVAL, message, where=definition.name)
        as_of = due.end
    return training_window(definition, as_of)


def _last_due(schedule: Schedule, run: Run, cron: str) -> Interval | None:
    if run.run_after is None:
        return None
    end = utc(run.run_after)
    if schedule.end is not None:
        end = min(end, midnight(schedule.end, schedule.timezone))
    return last_interval(cron, schedule.timezone, end)


def _data_interval(run: Run) -> Interval | None:
    if run.data_interval is None or run.data_interval[0] == run.data_interval[1]:
        return None
    return Interval(*run.data_interval)


def _moment(conf: Mapping[str, object], key: str) -> datetime | None:
    value = conf.get(key)
    return moment(str(value)) if value not in (None, "") else None
