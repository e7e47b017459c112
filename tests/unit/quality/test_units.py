"""Units: a column that is another one scaled or shifted is told from one that drifts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from perennial.quality.night_figures import Numbers
from perennial.quality.transforms import TRANSFORMS, Transform
from perennial.quality.units import units
from perennial.quality.usual import UsualNumbers

NIGHTS, ROWS = 60, 400
Values = npt.NDArray[np.float64]
Usual = Callable[[list[Values]], UsualNumbers]
CELSIUS = {"loc": 14.0, "scale": 3.0, "nights": 1.0}
KINDS = {
    "°C": CELSIUS,
    "°F": {"loc": 57.0, "scale": 5.4, "nights": 1.8},
    "K": {"loc": 287.0, "scale": 3.0, "nights": 1.0},
}


def weather(rng: np.random.Generator, loc: float, scale: float, nights: float) -> Values:
    """Return a night's temperatures: nights differ, and rows within a night."""
    return rng.normal(loc + rng.normal(0, nights), scale, ROWS)


def prices(rng: np.random.Generator, level: float = 20.0) -> Values:
    """Return a night's amounts, skewed and positive."""
    return rng.lognormal(np.log(level) + rng.normal(0, 0.02), 0.3, ROWS)


def told(were: UsualNumbers, now: Values, stale: float = 0.0) -> str | None:
    """Return what is said of a night."""
    finding = units("x", were, Numbers.of(now, float(now.min()), float(now.max())), rows=ROWS, stale=stale)
    return finding.sentence if finding else None


def sentence(transform: Transform) -> str:
    """Return what is said where *transform* happened."""
    return f"x: looks like {transform.words} ({transform.formula}); taken back, it lies where it usually does"


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda one: one.formula)
def test_every_transform_is_recognised(usual: Usual, transform: Transform) -> None:
    """By its own name: none is taken for another one."""
    rng = np.random.default_rng(1)
    kind = next((KINDS[unit] for unit in KINDS if transform.words.endswith(f"{unit} was")), None)

    def night() -> Values:
        return weather(rng, **kind) if kind else prices(rng)

    assert told(usual([night() for _ in range(NIGHTS)]), transform.factor * night() + transform.shift) == sentence(transform)


def test_nights_as_usual_are_no_other_unit(usual: Usual) -> None:
    """Of three hundred nights none is called one."""
    rng = np.random.default_rng(2)
    were = usual([prices(rng) for _ in range(NIGHTS)])
    assert [said for _ in range(300) if (said := told(were, prices(rng)))] == []


@pytest.mark.parametrize("growth", [1.63, 2.2, 0.45])
def test_growth_is_no_other_unit(usual: Usual, growth: float) -> None:
    """A year of growth that passes 1.609 and 2.205, beside a champion that grows old."""
    rng = np.random.default_rng(3)
    were = usual([prices(rng, 20 * growth ** (night / 365)) for night in range(NIGHTS)])
    later = range(NIGHTS, NIGHTS + 365, 3)
    assert [night for night in later if told(were, prices(rng, 20 * growth ** (night / 365)), (night - NIGHTS) / NIGHTS)] == []


def test_the_seasons_are_no_other_unit(usual: Usual) -> None:
    """Winter was learnt, summer comes: thirty degrees are no Fahrenheit."""
    rng = np.random.default_rng(4)

    def night(number: int) -> Values:
        return weather(rng, loc=10 - 14 * np.cos(2 * np.pi * number / 365), scale=3.0, nights=2.5)

    were = usual([night(number) for number in range(NIGHTS)])
    assert [number for number in range(NIGHTS, 425, 3) if told(were, night(number), (number - NIGHTS) / NIGHTS)] == []


@pytest.mark.parametrize("seed", range(3))
def test_random_walks_are_no_other_unit(usual: Usual, seed: int) -> None:
    """A level that goes wherever it goes, for ten months."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 0.04, NIGHTS + 300))
    were = usual([prices(rng, 20 * np.exp(step)) for step in walk[:NIGHTS]])
    later = list(enumerate(walk[NIGHTS:]))[::4]
    assert [since for since, step in later if told(were, prices(rng, 20 * np.exp(step)), since / NIGHTS)] == []


def test_a_heat_wave_is_no_other_unit(usual: Usual) -> None:
    """Ten degrees more than on any night before."""
    rng = np.random.default_rng(5)
    were = usual([weather(rng, **CELSIUS) for _ in range(NIGHTS)])
    assert told(were, np.full(ROWS, 32.0) + rng.normal(0, 3, ROWS)) is None


def test_a_column_that_goes_live_is_no_other_unit(usual: Usual) -> None:
    """It was constant before, and nobody knows how it varies."""
    rng = np.random.default_rng(6)
    assert told(usual([np.full(ROWS, 0.414)] * NIGHTS), rng.normal(41.4, 8.0, ROWS)) is None


def test_a_constant_column_in_another_unit_is_recognised(usual: Usual) -> None:
    """Exactly a hundred times the one value."""
    hundredths = next(one for one in TRANSFORMS if one.factor == 100)
    assert told(usual([np.full(ROWS, 0.5)] * NIGHTS), np.full(ROWS, 50.0)) == sentence(hundredths)


def test_a_season_that_crosses_zero_has_no_other_sign(usual: Usual) -> None:
    """Dew points below zero all winter, then above."""
    rng = np.random.default_rng(7)
    were = usual([rng.normal(min(-15 + rng.normal(0, 4), -6), 1.0, ROWS) for _ in range(NIGHTS)])
    assert told(were, rng.normal(8.0, 1.0, ROWS)) is None


def test_a_column_that_is_mostly_zero_may_be_shifted(usual: Usual) -> None:
    """Every usual median is 0, so there is no range to tell distances in."""
    rng = np.random.default_rng(8)

    def frost() -> Values:
        degrees = rng.normal(-4.0, 3.0, ROWS)
        return np.where(degrees > 0, degrees, 0.0)

    fahrenheit = next(one for one in TRANSFORMS if one.formula == "x·1.8+32")
    nights = [frost() for _ in range(NIGHTS)]
    assert told(usual(nights), 1.8 * nights[7] + 32) == sentence(fahrenheit)
