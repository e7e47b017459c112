"""Sentinels: values for what was not measured are told from measurements, and only known ones are named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from perennial.quality.column import Column
from perennial.quality.night_figures import Numbers
from perennial.quality.sentinels import Sentinel, is_reason, sentinels
from perennial.quality.usual import UsualNumbers

NIGHTS, ROWS = 60, 200
Values = npt.NDArray[np.float64]
Usual = Callable[[list[Values]], UsualNumbers]


def with_value(values: Values, value: float, rows: int) -> Values:
    """Return *values* with the first *rows* of them replaced."""
    return np.concatenate([np.full(rows, value), values[rows:]])


def kelvin(rng: np.random.Generator) -> Values:
    """Return a night's temperatures in kelvin."""
    return rng.normal(285.0, 6.0, ROWS)


def rain(rng: np.random.Generator) -> Values:
    """Return a night's rain: mostly none."""
    return np.where(rng.random(ROWS) < 0.95, 0.0, np.round(rng.exponential(2.0, ROWS), 1))


def reasons(were: UsualNumbers, now: Values) -> list[str]:
    """Return why rows of a night are refused, beside what is usual."""
    return [one.reason for one in sentinels("x", were, Numbers.of(now, float(now.min()), float(now.max())))]


@pytest.mark.parametrize(("value", "said"), [(0.0, "0"), (-999.0, "-999"), (9999.0, "9999"), (-273.15, "-273.15")])
def test_a_known_sentinel_is_named(usual: Usual, value: float, said: str) -> None:
    """A twentieth of the rows suffices."""
    rng = np.random.default_rng(1)
    were = [kelvin(rng) for _ in range(NIGHTS)]
    assert reasons(usual(were), with_value(kelvin(rng), value, 10)) == [f"x is {said}, a value for what was not measured"]


def test_a_new_value_is_not_named(usual: Usual) -> None:
    """Nobody knows whether it is a secret."""
    rng = np.random.default_rng(2)
    were = [kelvin(rng) for _ in range(NIGHTS)]
    assert reasons(usual(were), with_value(kelvin(rng), 1234.5, 40)) == ["x is one value that is not usual"]


def test_a_single_number_far_from_all_others_is_no_measurement(usual: Usual) -> None:
    """One hour with 9 831 millimetres of rain."""
    rng = np.random.default_rng(3)
    were = [rain(rng) for _ in range(NIGHTS)]
    assert reasons(usual(were), with_value(rain(rng), 9831.3, 1)) == ["x is further than 100 times the usual range away from it"]


@pytest.mark.parametrize("night", [kelvin, rain])
def test_nights_as_usual_hold_no_sentinel(usual: Usual, night: Callable[[np.random.Generator], Values]) -> None:
    """Neither do 300 nights of a column that varies, nor of one that is mostly 0."""
    rng = np.random.default_rng(4)
    were = usual([night(rng) for _ in range(NIGHTS)])
    assert [said for _ in range(300) if (said := reasons(were, night(rng)))] == []


def test_a_value_that_was_always_there_is_no_sentinel(usual: Usual) -> None:
    """-1 for whom nobody had called before."""
    rng = np.random.default_rng(5)
    nights = [with_value(rng.integers(0, 400, ROWS).astype(np.float64), -1.0, 120) for _ in range(NIGHTS + 1)]
    assert reasons(usual(nights[1:]), nights[0]) == []


def test_the_first_frost_is_no_sentinel(usual: Usual) -> None:
    """Whole degrees that reach 0 for the first time."""
    rng = np.random.default_rng(6)
    were = [np.round(rng.normal(9.0, 1.5, ROWS)) for _ in range(NIGHTS)]
    assert reasons(usual(were), np.round(rng.normal(1.0, 1.0, ROWS))) == []


def test_a_storm_is_no_sentinel(usual: Usual) -> None:
    """Ten times as much rain as on any night before."""
    rng = np.random.default_rng(7)
    were = [rain(rng) for _ in range(NIGHTS)]
    assert reasons(usual(were), rain(rng) * 10) == []


def test_a_column_that_only_says_which_night_it_is_holds_no_sentinel(usual: Usual) -> None:
    """One value a night, and another one each night."""
    were = [np.full(ROWS, 0.001 * number) for number in range(NIGHTS)]
    assert reasons(usual(were), np.full(ROWS, 400.0)) == []


def test_a_stuck_sensor_is_seen(usual: Usual) -> None:
    """A third of the rows have one and the same value inside the range."""
    rng = np.random.default_rng(8)
    were = [kelvin(rng) for _ in range(NIGHTS)]
    assert reasons(usual(were), with_value(kelvin(rng), 285.123, 70)) == ["x is one value that is not usual"]


def test_what_a_row_was_refused_for_is_recognised() -> None:
    """A training leaves out what a night refused for a sentinel, and asks its expectations itself."""
    assert is_reason("x is -999, a value for what was not measured")
    assert not is_reason("x is outside -30 .. 45")


def test_1970_is_no_moment_that_was_measured() -> None:
    """Moments are looked at like numbers, and a missing one is no 1970."""
    at = pa.array([None, 0, 1_700_000_000_000_000], pa.timestamp("us", "UTC"))
    assert Sentinel("x", 0.0).mask(Column(at)).tolist() == [False, True, False]
