"""Values that were never seen: as many as the reference leads one to expect are no news."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from perennial.monitoring.shift.unseen import unseen_values

NONE = np.zeros(30, np.int64)
ROWS = np.full(30, 1000)
NIGHTLY = 1 / 365 / 2 / 35
"""One false alarm a year, half of it for drift, in 35 columns."""


def test_one_unseen_value_in_a_thousand_rows_is_no_news() -> None:
    """Of a column in which no night of the reference had any."""
    assert unseen_values(NONE, ROWS, 1000, 0.04).p_value(1) > 0.01


def test_five_in_a_hundred_are_news() -> None:
    """50 of 1000 rows, at the level of one false alarm a year."""
    assert unseen_values(NONE, ROWS, 1000, 0.04).p_value(50) < NIGHTLY


def test_what_every_night_brings_is_no_news() -> None:
    """Where each night has about 5 % of values that no other night has, as names of people, 5 % is what one expects."""
    rng = np.random.default_rng(1)
    found = unseen_values(rng.poisson(50, 30), ROWS, 1000, 0.04)
    assert found.p_value(50) > 0.1
    assert found.p_value(150) < NIGHTLY


def test_a_share_below_the_tolerated_one_is_no_news_at_any_size() -> None:
    """0.5 % of a hundred million rows, with a shift of 0.2 standard deviations tolerated: that is 0.7 %, of 30 000 rows."""
    found = unseen_values(NONE, ROWS, 10**8, 0.04)
    assert found.tolerated == pytest.approx(0.0067, rel=0.05)
    assert found.p_value(5 * 10**5) > 0.5
    assert found.p_value(10**6) < NIGHTLY


def test_nights_that_bring_new_values_in_groups_raise_the_threshold() -> None:
    """The same number of rows, all in three of thirty nights."""
    evenly, grouped = np.full(30, 10), np.zeros(30, np.int64)
    grouped[::10] = 100
    thresholds = [unseen_values(unseen, ROWS, 1000, 0.0).threshold(1e-4) for unseen in (evenly, grouped)]
    assert thresholds[1] > 3 * thresholds[0]


@pytest.mark.parametrize("unseen", [NONE, np.full(30, 3), np.repeat([0, 30], 15)])
@pytest.mark.parametrize("rows", [20, 1000, 10**6])
def test_threshold_and_chance_agree(unseen: np.ndarray, rows: int) -> None:
    """The least number of rows that alarms is the threshold's."""
    found = unseen_values(unseen, ROWS, rows, 0.04)
    least = round(found.threshold(1e-4) * rows)
    assert found.p_value(least) <= 1e-4 < found.p_value(least - 1)


@pytest.mark.parametrize("share", [0.0, 0.002, 0.05])
@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_quiet_nights_alarm_no_more_often_than_the_level(share: float, spread: float) -> None:
    """2000 references of 30 nights and a night like them, whose shares differ by a gamma distribution; at 1 %."""
    rng = np.random.default_rng(3)
    alarms, trials = 0, 1000
    for _ in range(trials):
        shares = share * rng.gamma(1 / spread**2, spread**2, 31) if spread else np.full(31, share)
        unseen = rng.poisson(1000 * shares)
        alarms += unseen_values(unseen[:30], ROWS, 1000, 0.0).p_value(int(unseen[30])) <= 0.01
    assert alarms <= stats.binom.ppf(0.999, trials, 0.01)


def test_no_tolerance_is_possible() -> None:
    """Then the expected share is the tolerated one."""
    found = unseen_values(np.full(30, 10), ROWS, 1000, 0.0)
    assert found.tolerated == found.expected == pytest.approx(0.01, rel=0.01)
