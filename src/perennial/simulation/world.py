"""The whole world: two tables, as the company's database would hold them at the end of its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from perennial.simulation.demand import expected_rides, rides
from perennial.simulation.labels import label_delay
from perennial.simulation.weather import humidity, temperature, wetness

CITY = "eastport"
"""The one city that the company serves."""

START = date(2024, 1, 1)
"""The first day of the demo's history."""

DAYS = 500
"""The length of the demo's history."""

REPORT_DELAY_MINUTES = 20
"""Minutes from the start of an hour until its weather report is in the database."""

_HOURS_PER_DAY, _MICROSECONDS_PER_HOUR = 24, 3_600_000_000
_MOMENT = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class World:
    """What the company's database holds.

    Attributes:
        start: The first day, UTC; day 0 of everything that counts days.
        conditions: One row an hour of what is known when it begins: city (string), event_at (timestamp, us, UTC), temperature
            (degrees Celsius), humidity (percent), wet (0 or 1), available_at.
        rides: One row an hour of the truth: city, event_at, rides (int64, may be null), available_at.
    """

    start: date
    conditions: pa.Table
    rides: pa.Table


def world(*, seed: int, days: int, start: date) -> World:
    """Build *days* days of hourly demand from *start*. The same arguments give the same bytes; more days only append.

    Args:
        seed: Not negative.
        days: At least 1.
        start: The first day, UTC.
    """
    hours = np.arange(days * _HOURS_PER_DAY)
    elapsed_days = hours / _HOURS_PER_DAY
    celsius, wet = temperature(seed, elapsed_days), wetness(seed, len(hours))
    hour_of_day = (hours % _HOURS_PER_DAY).astype(np.float64)
    weekday = (start.weekday() + hours // _HOURS_PER_DAY) % 7
    expected = expected_rides(hour_of_day, weekday, elapsed_days, celsius, wet)
    event_at = _midnight(start) + hours * _MICROSECONDS_PER_HOUR
    return World(
        start,
        _conditions(event_at, celsius, humidity(seed, celsius, wet), wet),
        _rides(event_at, rides(seed, expected), label_delay(seed, len(hours))),
    )


def _midnight(day: date) -> int:
    """Return the start of *day*, UTC, in microseconds since 1970."""
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1_000_000


def _conditions(
    event_at: NDArray[np.int64], celsius: NDArray[np.float64], percent: NDArray[np.float64], wet: NDArray[np.int64]
) -> pa.Table:
    return pa.table(
        {
            "city": pa.array([CITY] * len(event_at), pa.string()),
            "event_at": pa.array(event_at, _MOMENT),
            "temperature": celsius,
            "humidity": percent,
            "wet": wet,
            "available_at": pa.array(event_at + REPORT_DELAY_MINUTES * 60_000_000, _MOMENT),
        }
    )


def _rides(event_at: NDArray[np.int64], counts: NDArray[np.int64], delay_hours: NDArray[np.float64]) -> pa.Table:
    delay_seconds = np.round(delay_hours * 3600).astype(np.int64)
    return pa.table(
        {
            "city": pa.array([CITY] * len(event_at), pa.string()),
            "event_at": pa.array(event_at, _MOMENT),
            "rides": counts,
            "available_at": pa.array(event_at + delay_seconds * 1_000_000, _MOMENT),
        }
    )
