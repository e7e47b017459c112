"""Decay of slices: the same test for each, and one budget for all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from perennial.core.interval import Interval
from perennial.core.receipts import NightLoss, Role, Signal, SignalState
from perennial.monitoring.loss.losses import SliceLoss, slice_losses
from perennial.monitoring.loss.slice_decay import slice_decay
from perennial.monitoring.loss.variation import Variation

START, DAY = datetime(2025, 1, 1, tzinfo=UTC), timedelta(days=1)
YEAR = 365
KNOWN = SliceLoss(rows=3000, loss=1.0, most=None, variation=Variation(nights=30, spread=1.0, alike=0.0))


def night(number: int, name: str, loss: float, rows: int = 100, square: float | None = None) -> NightLoss:
    """Return a slice's night, whose losses are as an exponential distribution's where their mean *square* is not given."""
    return NightLoss(
        interval=Interval(START + number * DAY, START + (number + 1) * DAY),
        role=Role.CHAMPION,
        version="v",
        predicted=rows,
        labelled=rows,
        loss=loss,
        square=2 * loss**2 if square is None else square,
        slice=name,
    )


def judged(nights: list[NightLoss], names: list[str], alpha: float = 1 / YEAR) -> Signal:
    """Return what is said of the slices."""
    learnt = dict.fromkeys(names, KNOWN)
    return slice_decay(nights, learnt, tolerance=0.05, alpha=alpha, minimum_labels=20, loss_name="mean absolute error")


def test_a_slice_that_got_worse_is_named() -> None:
    """One of three, while the others are as ever."""
    nights = [night(number, f"city={city}", 1.0) for number in range(20) for city in ("a", "b", "c")]
    nights += [
        night(number, f"city={city}", loss) for number in range(20, 30) for city, loss in (("a", 1.0), ("b", 2.0), ("c", 0.9))
    ]
    signal = judged(nights, ["city=a", "city=b", "city=c"])
    sentence = "1 of 3 slices lost more than is tolerated: city=b, mean absolute error 2 on the last 700 rows, evaluated 1"
    assert (signal.kind, signal.state, signal.n, signal.unit, signal.sentence) == (
        "slice_decay",
        SignalState.ALARM,
        3,
        "slices",
        sentence,
    )


def test_the_order_of_the_figures_does_not_matter() -> None:
    """They are sorted by night."""
    nights = [night(number, "a=1", 1.0 + number / 10) for number in range(20)]
    assert judged(nights[::-1], ["a=1"]) == judged(nights, ["a=1"])


def test_the_more_slices_the_more_evidence_each_needs() -> None:
    """Of one as much as of the whole; of fifty, fifty times as much."""
    nights = [night(0, f"a={number}", 1.0) for number in range(50)]
    assert judged(nights[:1], ["a=0"]).threshold == pytest.approx(YEAR)
    assert judged(nights, [f"a={number}" for number in range(50)]).threshold == pytest.approx(50 * YEAR)


def test_a_slice_that_the_holdout_does_not_know_is_not_judged() -> None:
    """Nobody knows what it lost before."""
    signal = judged([night(number, "a=2", 9.0) for number in range(30)], ["a=1"])
    assert (signal.state, signal.sentence) == (SignalState.INSUFFICIENT, "no night of any of 1 slice counts yet")


def test_false_alarms_keep_to_one_budget() -> None:
    """Twenty slices at exactly what is tolerated, over fifty nights of 100 rows: an alarm in 50 of 365 cases at most."""
    rng, alarms = np.random.default_rng(1), 0
    names = [f"a={number}" for number in range(20)]
    for _ in range(30):
        rows = 1.05 * rng.exponential(1.0, (50, 20, 100))
        means, squares = rows.mean(axis=2).tolist(), (rows**2).mean(axis=2).tolist()
        nights = [
            night(number, name, means[number][slice_], square=squares[number][slice_])
            for number in range(50)
            for slice_, name in enumerate(names)
        ]
        alarms += judged(nights, names).state is SignalState.ALARM
    assert alarms <= stats.binom.ppf(0.999, 30, 50 / YEAR)


def test_what_the_holdout_says_of_its_slices() -> None:
    """By hand: two values, one of which is too rare, a missing one beside them."""
    losses = np.array([1.0, 3.0, 2.0, 6.0, 9.0, 4.0])
    nights = np.array([0, 0, 1, 1, 1, 2])
    found = slice_losses(losses, nights, {"city": ["x", "x", "x", "y", "missing", "x"]}, minimum_rows=3)
    assert list(found) == ["city=x"]
    of_x = found["city=x"]
    assert (of_x.rows, of_x.loss, of_x.variation) == (4, 2.5, None)
    # by night 4 of 2 rows, 2 of 1, 4 of 1: away from 2.5 a row by -1, -.5 and 1.5
    error = np.sqrt((1 + 0.25 + 2.25) * 3 / 2) / 4
    assert of_x.most == pytest.approx(2.5 + stats.t.ppf(0.975, 2) * error)


def test_only_the_fifty_most_frequent_values_are_watched() -> None:
    """Of sixty, of which the first ten have one row less."""
    values = [f"{number:02}" for number in range(60) for _ in range(5 if number < 10 else 6)]
    nights = np.arange(len(values)) % 3
    found = slice_losses(np.ones(len(values)), nights, {"a": values}, minimum_rows=2)
    assert list(found) == [f"a={number}" for number in range(10, 60)]
