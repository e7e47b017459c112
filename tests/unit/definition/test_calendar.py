"""Crons to intervals, across every change of the clocks (promise 14)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.core.errors import DataError
from perennial.core.interval import Interval, iso, moment
from perennial.definition.calendar import midnight, nights, ticks, training_window
from perennial.definition.loader import load
from perennial.definition.models import Schedule, Window

Write = Callable[..., Path]
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo", "Asia/Kathmandu")
CRONS = (Path(__file__).parents[2] / "data/crons.txt").read_text(encoding="utf-8").splitlines()


def schedule(cron: str, timezone: str = "UTC") -> Schedule:
    """Return a schedule that scores at *cron*."""
    return Schedule(score=cron, timezone=timezone, start=date(2024, 1, 1), window=Window(length=timedelta(days=60)))


def written(moments: Iterable[datetime | Interval]) -> list[str]:
    """Return moments or intervals as text."""
    return [iso(one) if isinstance(one, datetime) else str(one) for one in moments]


@settings(max_examples=40, deadline=None)
@given(
    cron=st.sampled_from(CRONS),
    timezone=st.sampled_from(ZONES),
    start=st.integers(0, 20 * 365 * 86_400).map(lambda seconds: datetime(2010, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)),
    days=st.integers(1, 20),
)
def test_promise_14_intervals_are_utc_half_open_non_empty_and_without_gaps(
    cron: str, timezone: str, start: datetime, days: int
) -> None:
    """Every night begins where the one before ended, is not empty, and lies inside what was asked for."""
    within = Interval(start, start + timedelta(days=days))
    found = list(nights(schedule(cron, timezone), within))
    assert all(earlier.end == later.start for earlier, later in pairwise(found))
    assert all(night.start < night.end for night in found)
    assert all(night.start.tzinfo is UTC and night.end.tzinfo is UTC for night in found)
    assert all(within.start <= night.start and night.end <= within.end for night in found)


@pytest.mark.parametrize("timezone", ZONES)
def test_promise_14_no_day_is_left_out_in_five_years(timezone: str) -> None:
    """One night a day, between 23 and 25 hours long, over every change of the clocks from 2015 to 2019."""
    within = Interval(midnight(date(2015, 1, 1), timezone), midnight(date(2020, 1, 1), timezone))
    found = list(nights(schedule("30 2 * * *", timezone), within))
    days = [night.start.astimezone(ZoneInfo(timezone)).date() for night in found]
    assert days == [date(2015, 1, 1) + timedelta(days=index) for index in range(5 * 365)]
    assert {night.hours for night in found} <= {23.0, 23.5, 24.0, 24.5, 25.0}


def test_a_moment_that_the_clock_skips_fires_when_it_has_jumped() -> None:
    """On 31 March 2024 there was no 02:30 in Berlin; the night ends at 03:30, an hour shorter by the sun."""
    within = Interval.parse("2024-03-29T12:00/2024-04-02T12:00")
    assert written(ticks("30 2 * * *", "Europe/Berlin", within)) == [
        "2024-03-30T01:30:00Z",
        "2024-03-31T01:30:00Z",
        "2024-04-01T00:30:00Z",
        "2024-04-02T00:30:00Z",
    ]


def test_a_moment_that_the_clock_shows_twice_fires_the_second_time() -> None:
    """On 27 October 2024 it was 02:30 twice in Berlin, and the night ends once."""
    within = Interval.parse("2024-10-26T12:00/2024-10-28T12:00")
    assert written(ticks("30 2 * * *", "Europe/Berlin", within)) == ["2024-10-27T01:30:00Z", "2024-10-28T01:30:00Z"]


def test_an_hourly_cron_fires_in_every_hour_that_passes() -> None:
    """The hour that comes twice is two intervals."""
    within = Interval.parse("2024-10-26T23:30/2024-10-27T02:30")
    assert written(ticks("0 * * * *", "Europe/Berlin", within)) == [
        "2024-10-27T00:00:00Z",
        "2024-10-27T01:00:00Z",
        "2024-10-27T02:00:00Z",
    ]


def test_ticks_leave_the_start_out_and_take_the_end_in() -> None:
    """So ticks of consecutive intervals are each told once."""
    assert written(ticks("0 2 * * *", "UTC", Interval.parse("2024-01-01T02:00/2024-01-03T02:00"))) == [
        "2024-01-02T02:00:00Z",
        "2024-01-03T02:00:00Z",
    ]


def test_the_first_night_may_begin_where_the_interval_does() -> None:
    """An interval between two ticks is one night."""
    assert written(nights(schedule("0 2 * * *"), Interval.parse("2024-01-01T02:00/2024-01-02T02:00"))) == [
        "2024-01-01T02:00:00Z/2024-01-02T02:00:00Z"
    ]


def test_a_start_just_after_a_tick_does_not_take_it() -> None:
    """Half a second late is late."""
    within = Interval(moment("2024-01-01T02:00:00.500000"), moment("2024-01-03T02:00"))
    assert written(nights(schedule("0 2 * * *"), within)) == ["2024-01-02T02:00:00Z/2024-01-03T02:00:00Z"]


def test_less_than_one_night_is_none() -> None:
    """A single tick ends no night that begins inside."""
    assert written(nights(schedule("0 2 * * *"), Interval.parse("2024-01-01T03:00/2024-01-02T03:00"))) == []


def test_midnight_is_that_of_the_timezone() -> None:
    """The first day of a schedule begins where its people live."""
    assert iso(midnight(date(2024, 7, 1), "Europe/Berlin")) == "2024-06-30T22:00:00Z"


def test_a_sliding_window_has_its_length_and_never_begins_before_the_schedule(write: Write) -> None:
    """It grows from schedule.start until it has its length, and slides from then on."""
    definition = load(write())
    assert str(training_window(definition, moment("2024-06-01"))) == "2024-04-02T00:00:00Z/2024-06-01T00:00:00Z"
    assert str(training_window(definition, moment("2024-02-01"))) == "2023-12-31T23:00:00Z/2024-02-01T00:00:00Z"


def test_an_expanding_window_begins_with_the_schedule(write: Write) -> None:
    """It ends at the cut-off."""
    definition = load(write(("sliding, length: 60d", "expanding")))
    assert str(training_window(definition, moment("2024-06-01"))) == "2023-12-31T23:00:00Z/2024-06-01T00:00:00Z"


def test_a_window_that_ends_before_the_schedule_starts_is_empty(write: Write) -> None:
    """Nothing to train on is an error, never a window the wrong way round."""
    with pytest.raises(DataError) as caught:
        training_window(load(write()), moment("2023-06-01"))
    assert caught.value.code == "INTERVAL_EMPTY"
