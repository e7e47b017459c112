"""Intervals over days."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student

from perennial.learning.bootstrap import (
    ALIKE_DAYS,
    CERTAINTY,
    RESAMPLES,
    bounds,
    chance_of_more,
    estimate,
    resampled,
    resampled_mean,
)
from perennial.learning.metrics import figures_of, metric

DRAW = np.random.default_rng(11)
DAYS = np.sort(DRAW.integers(0, 9, 200)) * 3
ACTUAL = DRAW.normal(50, 10, 200)
PREDICTED = ACTUAL + DRAW.normal(1, 4, 200)
CLASSES = (DRAW.random(200) < 0.5).astype(np.float64)
CHANCES = np.clip(DRAW.random(200), 0.01, 0.99)
REGRESSION = ("mae", "rmse", "r2", "bias", "mape", "pinball_0.9")
BINARY = ("log_loss", "brier", "roc_auc", "average_precision", "accuracy", "calibration_error")


@pytest.mark.parametrize("name", [*REGRESSION, *BINARY])
def test_each_mixture_is_the_figure_of_its_days_rows(name: str) -> None:
    """The sums by day give what repeating and leaving out the days' rows would give."""
    actual, predicted = (ACTUAL, PREDICTED) if name in REGRESSION else (CLASSES, CHANCES)
    days = np.unique(DAYS, return_inverse=True)[1]
    mixtures = np.array([[1, 1, 1, 1, 1, 1, 1, 1, 1], [2, 0, 1, 1, 0, 3, 0, 1, 1], [0, 0, 0, 9, 0, 0, 0, 0, 0]])
    expected = [metric(name, actual, predicted)]
    for mixture in mixtures:
        rows = np.repeat(np.arange(200), mixture[days])
        expected.append(metric(name, actual[rows], predicted[rows]))
    assert figures_of(name, actual, predicted, days, mixtures.astype(np.float64)) == pytest.approx(expected)


def test_a_mixtures_calibration_slope_is_one_step_from_its_fit() -> None:
    """Of two halves of 4000 rows, each close to the fit of its own rows."""
    draw = np.random.default_rng(5)
    chances = np.clip(draw.beta(2, 2, 8000), 0.01, 0.99)
    classes = (draw.random(8000) < 1 / (1 + (1 / chances - 1) ** 0.7)).astype(np.float64)
    halves = np.repeat([0, 1], 4000)
    found = figures_of("calibration_slope", classes, chances, halves, np.eye(2))
    expected = [metric("calibration_slope", classes[halves == half], chances[halves == half]) for half in (0, 1)]
    assert found[1:] == pytest.approx(expected, abs=0.01)
    assert found[0] == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_a_ranking_of_many_predictions_is_told_in_steps_that_are_fine_enough(name: str) -> None:
    """1 024 steps of 20 000 predictions change a draw's figure by less than a thousandth."""
    draw = np.random.default_rng(6)
    chances, days = draw.random(20_000), np.repeat(np.arange(10), 2000)
    classes = (draw.random(20_000) < chances**2).astype(np.float64)
    found = figures_of(name, classes, chances, days, np.eye(10))
    expected = [metric(name, classes[days == day], chances[days == day]) for day in range(10)]
    assert found[0] == metric(name, classes, chances)
    assert found[1:] == pytest.approx(expected, abs=2e-3)


def test_of_a_mean_over_equal_days_it_is_close_to_students_interval_of_the_days_means() -> None:
    """Ten days: plus and minus t times their standard error, within what 2 000 draws leave open."""
    means = np.array([1.0, 2.0, 6.0, 3.0, 4.0, 2.5, 1.5, 5.0, 3.5, 2.0])
    found = estimate(resampled("mae", np.zeros(20), np.repeat(means, 2), np.repeat(np.arange(10), 2)), 10)
    half = student.ppf(0.975, 9) * means.std(ddof=1) / math.sqrt(10)
    assert found.low is not None
    assert found.value == pytest.approx(means.mean())
    assert found.value - found.low == pytest.approx(half, rel=0.05)


def test_a_bound_is_nearer_than_an_end_of_the_interval() -> None:
    """96 % on one side beside 97.5 %."""
    drawn = resampled("mae", ACTUAL, PREDICTED, DAYS)
    wide, near = estimate(drawn, 9), bounds(drawn, 9)
    assert wide.low is not None
    assert near.low is not None
    assert (near.low - near.value) / (wide.low - wide.value) == pytest.approx(student.ppf(0.96, 8) / student.ppf(0.975, 8))


def test_the_same_rows_give_the_same_draws_for_every_model() -> None:
    """A model beside itself has a difference of exactly 0 in every draw; twice the errors have twice the figure."""
    once, twice = resampled("mae", ACTUAL, PREDICTED, DAYS), resampled("mae", ACTUAL, 2 * PREDICTED - ACTUAL, DAYS)
    assert once.shape == (1 + RESAMPLES,)
    assert twice == pytest.approx(2 * once)


def test_one_day_gives_no_interval() -> None:
    """However many rows it has."""
    found = estimate(resampled("mae", ACTUAL, PREDICTED, np.zeros(200, dtype=np.int64)), 1)
    assert (found.low, found.high) == (None, None)


def test_a_figure_that_is_undefined_in_many_draws_has_no_interval() -> None:
    """All rows of class 1 lie on one day of nine, which a third of the draws lack."""
    classes = (DAYS == 0).astype(np.float64)
    found = estimate(resampled("roc_auc", classes, CHANCES, DAYS), 9)
    assert (math.isfinite(found.value), found.low, found.high) == (True, None, None)


def test_a_p_value_is_that_of_students_t() -> None:
    """Half at 0; nothing to tell without a spread."""
    drawn = np.concatenate([[0.0], np.random.default_rng(1).normal(0, 1, RESAMPLES)])
    assert chance_of_more(drawn, 10) == pytest.approx(0.5)
    assert chance_of_more(drawn, 1) is not None
    assert math.isnan(chance_of_more(drawn, 1))


def test_a_p_value_of_days_that_are_all_alike_is_known_where_they_are_many_or_none_is_above_0() -> None:
    """Ten days of 2 each say nothing of other days; ten of 0 each are no sign of any above 0, two neither, one is none at all."""
    two, none = np.full(1 + RESAMPLES, 2.0), np.zeros(1 + RESAMPLES)
    assert math.isnan(chance_of_more(two, 10))
    assert chance_of_more(two, ALIKE_DAYS) == 0.0
    assert (chance_of_more(none, 10), chance_of_more(-two, 2)) == (1.0, 1.0)
    assert math.isnan(chance_of_more(none, 1))


@pytest.mark.parametrize("days", [2, 3, 7, ALIKE_DAYS - 1])
@pytest.mark.parametrize("name", ["mae", "rmse", "bias", "mape"])
def test_a_few_days_that_are_all_alike_have_no_interval(days: int, name: str) -> None:
    """They have no spread, and that is not certainty: identical rows each day, of which rounding makes no spread either."""
    actual, predicted = np.tile(ACTUAL[:30], days), np.tile(PREDICTED[:30], days)
    figures = resampled(name, actual, predicted, np.repeat(np.arange(days), 30))
    found = estimate(figures, days)
    assert found.value == pytest.approx(metric(name, actual, predicted))
    assert (found.low, found.high) == (None, None)
    assert bounds(figures, days).low is None


def test_many_days_that_are_all_alike_are_believed() -> None:
    """With as many, a day of another kind is at most one of ten, with the certainty of a gate."""
    days = np.repeat(np.arange(ALIKE_DAYS), 30)
    figures = resampled("mae", np.tile(ACTUAL[:30], ALIKE_DAYS), np.tile(PREDICTED[:30], ALIKE_DAYS), days)
    found = bounds(figures, ALIKE_DAYS)
    assert found.low == found.value == found.high
    assert 0.9**ALIKE_DAYS <= 1 - CERTAINTY < 0.9 ** (ALIKE_DAYS - 1)


def test_the_mean_of_any_values_has_its_interval_too() -> None:
    """It is that of a mean absolute error of these values."""
    values = np.abs(PREDICTED)
    assert resampled_mean(values, DAYS) == pytest.approx(resampled("mae", np.zeros(200), values, DAYS))


def test_it_covers_the_truth_as_often_as_it_says_although_rows_of_a_day_are_alike() -> None:
    """Of 1000 holdouts of 14 days with a strong common error per day, 95 % (92 to 97) have the true bias inside."""
    draw, inside = np.random.default_rng(5), 0
    days = np.repeat(np.arange(14), 24)
    for _ in range(1000):
        errors = np.repeat(draw.normal(0, 1, 14), 24) + draw.normal(0, 1, 14 * 24)
        found = estimate(resampled("bias", np.zeros_like(errors), errors, days), 14)
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= 0 <= found.high
    assert 920 <= inside <= 970
