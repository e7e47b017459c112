"""How many rides there are in an hour: what is expected of it, and what chance makes of that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perennial.simulation.level import level
from perennial.simulation.noise import autoregressive
from perennial.simulation.profile import profile
from perennial.simulation.shock import shock
from perennial.simulation.streams import Stream, stream
from perennial.simulation.weather import weather_effect

DAY_SD = 0.10
"""Standard deviation of what makes one day better than another (logarithmic)."""

HOUR_SD, HOUR_MEMORY = 0.14, 0.41
"""Standard deviation of what makes one hour better than another (logarithmic), and its correlation with the next hour's."""

_HOURS_PER_DAY = 24


def expected_rides(
    hour: NDArray[np.float64],
    weekday: NDArray[np.int64],
    elapsed_days: NDArray[np.float64],
    celsius: NDArray[np.float64],
    wet: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return what a perfect model would predict, rides an hour, shape (n,): level, profile, weather and shock multiplied."""
    return level(elapsed_days) * profile(hour, weekday, elapsed_days) * weather_effect(celsius, wet) * shock(elapsed_days)


def chance(seed: int, hours: int) -> NDArray[np.float64]:
    """Return the multiple of demand that nobody can foresee: one effect a day, and one an hour that remembers the hour before."""
    days = stream(seed, Stream.DAY).normal(0.0, DAY_SD, -(-hours // _HOURS_PER_DAY))
    hourly = autoregressive(stream(seed, Stream.HOUR), length=hours, memory=HOUR_MEMORY, sd=HOUR_SD)
    return np.exp(np.repeat(days, _HOURS_PER_DAY)[:hours] + hourly)


def rides(seed: int, expected: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return Poisson counts around *expected* times chance, shape (n,)."""
    return stream(seed, Stream.COUNT).poisson(expected * chance(seed, len(expected)))
