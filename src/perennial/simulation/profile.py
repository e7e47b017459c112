"""The shape of a day: commuting on workdays, an afternoon hump at weekends, and the slow move from one to the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MORNING_PEAK = 2.5
"""Multiple of the level on a workday at MORNING_HOUR."""

EVENING_PEAK = 2.7
"""Multiple of the level on a workday at EVENING_HOUR."""

WEEKEND_PEAK = 2.0
"""Multiple of the level at a weekend at WEEKEND_HOUR."""

MORNING_HOUR, EVENING_HOUR, WEEKEND_HOUR = 8, 17, 13
"""Hours of the day, UTC."""

PEAK_WIDTH = 1.3
"""Standard deviation of a commuting peak, hours."""

NOON_REST = 1.0
"""Multiple of the level between the commuting peaks, at WEEKEND_HOUR."""

HUMP_WIDTH = 4.0
"""Standard deviation of the weekend hump and of the noon rest, hours."""

NIGHT = 0.1
"""Multiple of the level in the dead of night, any day."""

CHANGE_FIRST_DAY, CHANGE_LAST_DAY = 270.0, 360.0
"""Days since the start between which commuters begin to work at home."""

CHANGE_SHARE = 0.6
"""The share of the commute shape that has moved to the weekend shape after CHANGE_LAST_DAY."""

_DAYS_PER_WEEK, _WORKDAYS = 7, 5


def _bump(hour: NDArray[np.float64], centre: float, width: float) -> NDArray[np.float64]:
    """Return a Gaussian bump of height 1 at *centre*, over the circle of 24 hours."""
    distance = np.abs(hour - centre)
    return np.asarray(np.exp(-0.5 * (np.minimum(distance, 24 - distance) / width) ** 2), dtype=np.float64)


def weekend(hour: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weekend shape: a multiple of the level, 2.0 at 13 h.

    Examples:
        >>> weekend(np.array([13.0])).tolist()
        [2.0]
    """
    return NIGHT + (WEEKEND_PEAK - NIGHT) * _bump(hour, WEEKEND_HOUR, HUMP_WIDTH)


def commute(hour: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the workday shape: a multiple of the level, 2.5 at 8 h and 2.7 at 17 h.

    Examples:
        >>> commute(np.array([8.0, 17.0])).tolist()
        [2.5, 2.7]
    """
    floor = NIGHT + (NOON_REST - NIGHT) * _bump(hour, WEEKEND_HOUR, HUMP_WIDTH)
    shape = floor
    for centre, height in ((MORNING_HOUR, MORNING_PEAK), (EVENING_HOUR, EVENING_PEAK)):
        shape = np.maximum(shape, height * _bump(hour, centre, PEAK_WIDTH))
    return shape


def moved(elapsed_days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the commute shape that has moved to the weekend shape: 0 until day 270, 0.6 from day 360, a line between.

    Examples:
        >>> moved(np.array([270.0, 315.0, 400.0])).tolist()
        [0.0, 0.3, 0.6]
    """
    span = CHANGE_LAST_DAY - CHANGE_FIRST_DAY
    return CHANGE_SHARE * np.clip((elapsed_days - CHANGE_FIRST_DAY) / span, 0.0, 1.0)


def profile(hour: NDArray[np.float64], weekday: NDArray[np.int64], elapsed_days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the multiple of the level at an hour of a day.

    Args:
        hour: Shape (n,), hour of the day, 0 to 23.
        weekday: Shape (n,), 0 (Monday) to 6.
        elapsed_days: Shape (n,), days since the start.

    Returns:
        Shape (n,), without a unit.
    """
    share = moved(elapsed_days)
    workday = (1 - share) * commute(hour) + share * weekend(hour)
    return np.where(weekday < _WORKDAYS, workday, weekend(hour))
