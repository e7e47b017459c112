"""Intervals over days."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student

from perennial.learning.jackknife import estimate, without_each_day
from perennial.learning.metrics import metric

DRAW = np.random.default_rng(11)
DAYS = np.sort(DRAW.integers(0, 9, 200)) * 3
ACTUAL = DRAW.normal(50, 10, 200)
PREDICTED = ACTUAL + DRAW.normal(1, 4, 200)
CLASSES = (DRAW.random(200) < 0.5).astype(np.float64)
CHANCES = DRAW.random(200)


@pytest.mark.parametrize("name", ["mae", "rmse", "r2", "bias", "log_loss", "brier", "roc_auc", "accuracy"])
def test_each_replicate_is_the_figure_of_the_other_days_rows(name: str) -> None:
    """The sums by day give what leaving the day's rows out would give."""
    actual, predicted = (ACTUAL, PREDICTED) if name in {"mae", "rmse", "r2", "bias"} else (CLASSES, CHANCES)
    expected = [
        metric(name, actual, predicted),
        *(metric(name, actual[day != DAYS], predicted[day != DAYS]) for day in np.unique(DAYS)),
    ]
    assert without_each_day(name, actual, predicted, DAYS) == pytest.approx(expected)


def test_of_a_mean_over_equal_days_it_is_students_interval_of_the_days_means() -> None:
    """Days with mean errors of 1, 2 and 6: 3, plus and minus t times their standard error."""
    predicted = np.array([1.0, 1.0, 2.0, 2.0, 6.0, 6.0])
    found = estimate(without_each_day("mae", np.zeros(6), predicted, np.array([4, 4, 5, 5, 9, 9])))
    half = student.ppf(0.975, 2) * math.sqrt(7.0 / 3)
    assert (found.value, found.low, found.high) == pytest.approx((3.0, 3.0 - half, 3.0 + half))


def test_one_day_gives_no_interval() -> None:
    """However many rows it has."""
    found = estimate(without_each_day("mae", ACTUAL, PREDICTED, np.zeros(200, dtype=np.int64)))
    assert (found.low, found.high) == (None, None)


def test_a_figure_that_is_undefined_without_some_day_has_no_interval() -> None:
    """All rows of class 1 lie on one day."""
    classes = (DAYS == 0).astype(np.float64)
    found = estimate(without_each_day("roc_auc", classes, CHANCES, DAYS))
    assert (math.isfinite(found.value), found.low, found.high) == (True, None, None)


def test_it_covers_the_truth_as_often_as_it_says_although_rows_of_a_day_are_alike() -> None:
    """Of 1000 holdouts of 14 days with a strong common error per day, 95 % (92 to 97) have the true bias inside."""
    draw, inside = np.random.default_rng(5), 0
    days = np.repeat(np.arange(14), 24)
    for _ in range(1000):
        errors = np.repeat(draw.normal(0, 1, 14), 24) + draw.normal(0, 1, 14 * 24)
        found = estimate(without_each_day("bias", np.zeros_like(errors), errors, days))
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= 0 <= found.high
    assert 920 <= inside <= 970
