"""The weather, and what it does to riders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perennial.simulation.noise import autoregressive
from perennial.simulation.streams import Stream, stream

YEARLY_MEAN = 14.0
"""Mean temperature, degrees Celsius."""

YEARLY_SWING, WARMEST_DAY = 10.0, 200.0
"""Half the difference between the warmest and the coldest day, degrees Celsius, and the day since the start when it peaks."""

DAILY_SWING, WARMEST_HOUR = 4.0, 15.0
"""Half the difference between the warmest and the coldest hour, degrees Celsius, and the hour of the day when it peaks."""

SPELL_SD, SPELL_MEMORY = 2.5, 0.98
"""Standard deviation of warm and cold spells, degrees Celsius, and their correlation from one hour to the next."""

RAIN_STARTS, RAIN_STOPS = 0.03, 0.25
"""Probability an hour that a dry spell, or a wet one, ends. The long-run share of wet hours is 3 / 28."""

HUMIDITY_MEAN, HUMIDITY_OF_RAIN, HUMIDITY_OF_HEAT = 68.0, 18.0, -0.9
"""Percent on average, percent more when wet, and percent a degree Celsius above the yearly mean."""

HUMIDITY_SD, HUMIDITY_MEMORY = 6.0, 0.9
"""Standard deviation of the rest, percent, and its correlation from one hour to the next."""

WARMTH, MILD = 0.03, 14.0
"""Growth of demand a degree Celsius (logarithmic), and the temperature at which its effect is 1."""

HEAT, HEAT_PENALTY = 26.0, 0.06
"""The temperature above which riders stay away, degrees Celsius, and the loss a degree (logarithmic)."""

WET_EFFECT = 0.55
"""Demand in a wet hour, as a multiple of a dry one's."""

_DAYS_PER_YEAR, _HOURS_PER_DAY = 365.0, 24.0


def temperature(seed: int, elapsed_days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return degrees Celsius per hour: the season, the time of day, and spells that come and go."""
    season = np.cos(2 * np.pi * (elapsed_days - WARMEST_DAY) / _DAYS_PER_YEAR)
    daytime = np.cos(2 * np.pi * (elapsed_days - WARMEST_HOUR / _HOURS_PER_DAY))
    spells = autoregressive(stream(seed, Stream.TEMPERATURE), length=len(elapsed_days), memory=SPELL_MEMORY, sd=SPELL_SD)
    celsius = YEARLY_MEAN + YEARLY_SWING * season + DAILY_SWING * daytime + spells
    return np.asarray(np.round(celsius, 1), dtype=np.float64)


def wetness(seed: int, hours: int) -> NDArray[np.int64]:
    """Return 1 for a wet hour and 0 for a dry one: a chain of two states, dry at first."""
    chance = stream(seed, Stream.WETNESS).random(hours)
    wet = np.zeros(hours, dtype=np.int64)
    for hour in range(1, hours):
        wet[hour] = chance[hour] >= RAIN_STOPS if wet[hour - 1] else chance[hour] < RAIN_STARTS
    return wet


def humidity(seed: int, celsius: NDArray[np.float64], wet: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return relative humidity in percent, 5 to 100. Riders do not care, so it is a feature without a use."""
    rest = autoregressive(stream(seed, Stream.HUMIDITY), length=len(celsius), memory=HUMIDITY_MEMORY, sd=HUMIDITY_SD)
    percent = HUMIDITY_MEAN + HUMIDITY_OF_RAIN * wet + HUMIDITY_OF_HEAT * (celsius - YEARLY_MEAN) + rest
    return np.asarray(np.round(np.clip(percent, 5.0, 100.0)), dtype=np.float64)


def weather_effect(celsius: NDArray[np.float64], wet: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the multiple of demand: ``exp(.03 * (T - 14))``, less 6 % a degree above 26, and 0.55 in a wet hour.

    Examples:
        >>> weather_effect(np.array([14.0, 14.0]), np.array([0, 1])).tolist()
        [1.0, 0.55]
    """
    warmth = WARMTH * (celsius - MILD) - HEAT_PENALTY * np.maximum(celsius - HEAT, 0.0)
    return np.exp(warmth) * np.where(wet == 1, WET_EFFECT, 1.0)
