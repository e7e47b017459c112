"""The formulas of the demo world, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from perennial.simulation.demand import chance, expected_rides, rides
from perennial.simulation.labels import label_delay
from perennial.simulation.level import level
from perennial.simulation.noise import autoregressive
from perennial.simulation.profile import commute, moved, profile, weekend
from perennial.simulation.shock import shock
from perennial.simulation.weather import humidity, temperature, weather_effect, wetness

HOURS = np.arange(24.0)
MONDAY, SATURDAY = np.zeros(24, dtype=np.int64), np.full(24, 5)


def correlation(left: np.ndarray[tuple[int], np.dtype[np.float64]], lag: int) -> float:
    """Return the correlation of a series with itself *lag* steps later."""
    return float(np.corrcoef(left[:-lag], left[lag:])[0, 1])


def test_the_level_starts_at_150_and_grows_63_percent_a_year() -> None:
    """Day 0, one year and two years."""
    assert level(np.array([0.0, 365.0, 730.0])) == pytest.approx([150.0, 150 * 1.63, 150 * 1.63**2])


def test_workdays_peak_at_8_and_17_hours() -> None:
    """The two commuting peaks are the two local maxima of the day, with their heights."""
    shape = commute(HOURS)
    assert shape[[8, 17]] == pytest.approx([2.5, 2.7], abs=1e-6)
    assert {8, 17} == {hour for hour in range(1, 23) if shape[hour] > max(shape[hour - 1], shape[hour + 1]) and shape[hour] > 1.5}


def test_weekends_have_one_hump_at_13_hours() -> None:
    """The hump is twice the level, and falls on both sides."""
    shape = weekend(HOURS)
    assert shape[13] == pytest.approx(2.0)
    assert int(np.argmax(shape)) == 13
    assert np.all(np.diff(shape[2:14]) > 0)
    assert np.all(np.diff(shape[13:]) < 0)


def test_commuters_move_to_the_weekend_shape_between_day_270_and_360() -> None:
    """Nothing before, 60 % after, a line between."""
    assert moved(np.array([0.0, 270.0, 300.0, 360.0, 500.0])) == pytest.approx([0.0, 0.0, 0.2, 0.6, 0.6])


def test_a_changed_workday_is_40_percent_commute_and_60_percent_weekend() -> None:
    """The profile mixes the two shapes on a workday."""
    changed = profile(HOURS, MONDAY, np.full(24, 400.0))
    assert changed == pytest.approx(0.4 * commute(HOURS) + 0.6 * weekend(HOURS))


def test_the_change_leaves_the_weekend_alone() -> None:
    """A Saturday has the same shape before and after."""
    assert profile(HOURS, SATURDAY, np.zeros(24)) == pytest.approx(profile(HOURS, SATURDAY, np.full(24, 400.0)))


def test_a_degree_is_worth_three_percent_until_26_degrees() -> None:
    """From 14 to 15 degrees demand grows by exp(.03); above 26 it falls."""
    dry = np.zeros(4, dtype=np.int64)
    effect = weather_effect(np.array([14.0, 15.0, 26.0, 30.0]), dry)
    assert effect[:3] == pytest.approx(np.exp([0.0, 0.03, 0.36]))
    assert effect[3] < effect[2]


def test_rain_keeps_45_percent_of_the_riders_at_home() -> None:
    """A wet hour has 0.55 of a dry one at any temperature."""
    celsius = np.array([-5.0, 14.0, 30.0])
    wet, dry = np.ones(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    assert weather_effect(celsius, wet) / weather_effect(celsius, dry) == pytest.approx([0.55, 0.55, 0.55])


def test_the_shock_adds_60_percent_on_day_360_and_half_of_it_120_days_later() -> None:
    """Nothing the hour before; 1.6, 1.3 and 1.15 after 0, 120 and 240 days."""
    assert shock(np.array([360.0 - 1 / 24, 360.0, 480.0, 600.0])) == pytest.approx([1.0, 1.6, 1.3, 1.15])


def test_expected_rides_multiply_level_profile_weather_and_shock() -> None:
    """A mild dry Monday at 8 h: 2.5 times the level, and after the shock and the change what these make of it."""
    at_eight, monday = np.array([8.0, 8.0]), np.zeros(2, dtype=np.int64)
    days = np.array([0.0, 365.0])
    found = expected_rides(at_eight, monday, days, np.full(2, 14.0), np.zeros(2, dtype=np.int64))
    changed = 0.4 * 2.5 + 0.6 * weekend(np.array([8.0]))[0]
    assert found == pytest.approx([375.0, 150 * 1.63 * changed * (1 + 0.6 * 0.5 ** (5 / 120))], rel=1e-5)


def test_summers_and_afternoons_are_warm() -> None:
    """The mean of a year is 14 degrees; July is about 20 degrees warmer than January, 15 h about 8 warmer than 3 h."""
    celsius = temperature(5, np.arange(365 * 24) / 24)
    by_hour = celsius.reshape(365, 24)
    assert celsius.mean() == pytest.approx(14.0, abs=0.7)
    assert by_hour[185:215].mean() - by_hour[5:35].mean() == pytest.approx(19.5, abs=3.0)
    assert by_hour[:, 15].mean() - by_hour[:, 3].mean() == pytest.approx(8.0, abs=0.2)


def test_one_hour_in_nine_is_wet_and_rain_lasts_four_hours() -> None:
    """The chain's long-run share is 3 / 28 and its mean spell 1 / 0.25 hours."""
    wet = wetness(5, 100_000)
    assert wet.mean() == pytest.approx(3 / 28, abs=0.006)
    assert wet.sum() / np.sum(np.diff(wet) == 1) == pytest.approx(4.0, abs=0.2)


def test_humidity_rises_with_rain_and_falls_with_warmth() -> None:
    """The feature without a use is at least plausible."""
    wet = np.arange(4000) % 2
    percent = humidity(5, np.full(4000, 14.0), wet)
    assert percent[wet == 1].mean() - percent[wet == 0].mean() == pytest.approx(18.0, abs=1.0)
    assert humidity(5, np.full(4000, 24.0), wet).mean() < percent.mean() - 5


def test_an_autoregressive_series_has_its_spread_and_its_memory() -> None:
    """Standard deviation and correlations of 100 000 steps are the stated ones: memory, then memory squared."""
    series = autoregressive(np.random.default_rng(1), length=100_000, memory=0.41, sd=0.14)
    assert series.std() == pytest.approx(0.14, rel=0.02)
    assert correlation(series, 1) == pytest.approx(0.41, abs=0.01)
    assert correlation(series, 2) == pytest.approx(0.41**2, abs=0.01)


def test_an_autoregressive_series_is_as_spread_out_at_its_first_step() -> None:
    """The process starts in its stationary state, not at 0."""
    starts = [autoregressive(np.random.default_rng(seed), length=1, memory=0.9, sd=2.0)[0] for seed in range(2000)]
    assert np.std(starts) == pytest.approx(2.0, rel=0.06)


def test_chance_has_a_part_of_the_day_and_a_part_of_the_hour() -> None:
    """The variance of log chance is .10 ** 2 + .14 ** 2, and that of day means shows the day's part."""
    log = np.log(chance(5, 2000 * 24)).reshape(2000, 24)
    assert log.var() == pytest.approx(0.10**2 + 0.14**2, rel=0.04)
    hourly = 0.14**2 / 24 * (1 + 2 * sum((1 - lag / 24) * 0.41**lag for lag in range(1, 24)))
    assert log.mean(axis=1).std() == pytest.approx(np.sqrt(0.10**2 + hourly), rel=0.04)


def test_rides_are_whole_numbers_around_what_is_expected() -> None:
    """Their mean is the expected one times the mean of a lognormal chance."""
    counts = rides(5, np.full(48_000, 200.0))
    assert counts.dtype == np.int64
    assert counts.mean() == pytest.approx(200 * np.exp((0.10**2 + 0.14**2) / 2), rel=0.01)


def test_the_tail_of_the_label_delay_is_lognormal() -> None:
    """What comes on top of 24 h has a median of 3 h and a spread of 1.1 of its logarithm."""
    tail = np.log(label_delay(5, 50_000) - 24.0)
    assert np.exp(np.median(tail)) == pytest.approx(3.0, rel=0.03)
    assert tail.std() == pytest.approx(1.1, rel=0.02)


def test_no_label_takes_more_than_seven_days() -> None:
    """The tail is cut: of a million labels some would take longer, and arrive at the limit."""
    assert label_delay(5, 1_000_000).max() == 168.0
