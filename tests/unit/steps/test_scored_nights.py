"""Rows by the night in which they are scored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from perennial.core.interval import Interval
from perennial.definition.calendar import nights
from perennial.definition.models import Definition
from perennial.steps.arrays import day_of
from perennial.steps.scored_nights import night_number, night_numbers, nights_a_day, reference_nights
from perennial.testing.story import day

HOURS = [0.5, 13.5, 24.5, 199.5]


def scheduled(small: dict[str, Any], cron: str, timezone: str) -> Definition:
    """Return the small definition with a schedule."""
    return Definition.model_validate(small | {"schedule": small["schedule"] | {"score": cron, "timezone": timezone}})


def rows(hours: list[float]) -> pa.Table:
    """Return rows so many hours after 2024-03-01, a Friday."""
    return pa.table({"event_at": pa.array([day(0) + timedelta(hours=hour) for hour in hours], pa.timestamp("us", "UTC"))})


@pytest.mark.parametrize(
    ("cron", "timezone", "numbers"),
    [
        ("0 0 * * *", "UTC", [0, 0, 1, 8]),
        ("0 12 * * *", "UTC", [0, 1, 1, 8]),
        ("0 0 * * 1", "UTC", [0, 0, 0, 1]),
        ("0 * * * *", "UTC", [0, 13, 24, 199]),
        ("0 0 * * *", "Asia/Tokyo", [0, 0, 1, 8]),
        ("0 0 * * *", "America/Los_Angeles", [0, 1, 1, 8]),
    ],
)
def test_rows_are_told_by_the_night_in_which_they_are_scored(
    small: dict[str, Any], cron: str, timezone: str, numbers: list[int]
) -> None:
    """Of 2024-03-01 00:30 and 13:30, a day after the first, and eight days after it at 07:30."""
    found = night_numbers(scheduled(small, cron, timezone), rows(HOURS))
    assert (found - found[0]).tolist() == numbers


@pytest.mark.parametrize("cron", ["0 0 * * *", "30 12 * * *", "0 0 * * 1", "0 6 * * 1-5", "0 0 1 * *"])
@pytest.mark.parametrize("timezone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_a_rows_night_has_the_day_of_the_interval_that_scores_it(small: dict[str, Any], cron: str, timezone: str) -> None:
    """Over 40 days with a change of the clocks: a row every seven hours, and the nights as the scheduler cuts them."""
    definition = scheduled(small, cron, timezone)
    hours = [7.0 * number for number in range(137)]
    cut = list(nights(definition.schedule, Interval(day(-40), day(80))))
    expected = [next(day_of(night) for night in cut if day(0) + timedelta(hours=hour) in night) for hour in hours]
    assert reference_nights(definition, rows(hours)).tolist() == expected


@pytest.mark.parametrize("cron", ["0 * * * *", "30 * * * *", "0 */5 * * *", "15 6,8,22 * * *", "0 */12 * * *"])
@pytest.mark.parametrize("timezone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
def test_a_rows_short_night_has_the_number_of_the_interval_that_scores_it(small: dict[str, Any], cron: str, timezone: str) -> None:
    """Over 40 days with a change of the clocks, and the same place in each day on the wall."""
    definition = scheduled(small, cron, timezone)
    a_day, hours = nights_a_day(definition), [7.3 * number for number in range(131)]
    cut = list(nights(definition.schedule, Interval(day(-2), day(42))))
    held = [next(night for night in cut if day(0) + timedelta(hours=hour) in night) for hour in hours]
    assert reference_nights(definition, rows(hours)).tolist() == [night_number(definition, night, a_day) for night in held]
    clocks: dict[int, set[str]] = {}
    for night in cut:
        number = night_number(definition, night, a_day)
        assert number is not None
        clocks.setdefault(number % a_day, set()).add(f"{night.start.astimezone(ZoneInfo(timezone)):%H:%M}")
    assert sorted(clocks) == list(range(a_day))
    assert sum(len(starts) for starts in clocks.values()) <= a_day + 1


@pytest.mark.parametrize(
    ("cron", "parts"),
    [("0 0 * * *", 1), ("0 0 * * 1", 1), ("0 9-17 * * 1-5", 1), ("0 * * * *", 24), ("*/20 * * * *", 24), ("* * * * *", 24)],
)
def test_a_day_has_as_many_parts_as_nights_and_24_at_most(small: dict[str, Any], cron: str, parts: int) -> None:
    """Where every day is alike; nights of a few minutes are held against the hour they lie in."""
    assert nights_a_day(scheduled(small, cron, "UTC")) == parts


def test_a_night_of_another_schedule_has_no_number(small: dict[str, Any]) -> None:
    """Against a reference of whole days it has that of its day."""
    hourly, night = scheduled(small, "0 * * * *", "UTC"), Interval(day(3), day(3) + timedelta(hours=1))
    assert night_number(hourly, night, 12) is None
    assert night_number(hourly, night, 1) == day_of(night)


def test_no_rows_lie_in_no_night(small: dict[str, Any]) -> None:
    """Nothing breaks."""
    assert reference_nights(scheduled(small, "0 0 * * *", "UTC"), rows([])).tolist() == []
    assert night_numbers(scheduled(small, "0 0 * * *", "UTC"), rows([])).tolist() == []
