"""The comparison with the trivial model beside the champion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from perennial.core.interval import Interval
from perennial.core.receipts import NightLoss, Role, Signal, SignalState
from perennial.monitoring.loss.baseline import behind_baseline
from perennial.monitoring.loss.behind import evidence_behind

START = datetime(2024, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ALPHA = 0.05 / 365
NEEDED = 1 / ALPHA


def nights(losses: list[float], role: Role = Role.CHAMPION, *, first: int = 0, labelled: int = 100) -> list[NightLoss]:
    """Return consecutive nights of these losses."""
    return [
        NightLoss(
            interval=Interval(START + number * DAY, START + (number + 1) * DAY),
            role=role,
            version="v1",
            predicted=100,
            labelled=labelled,
            loss=loss,
        )
        for number, loss in enumerate(losses, first)
    ]


def said(champion: list[NightLoss], baseline: list[NightLoss]) -> Signal:
    """Return the signal."""
    return behind_baseline(champion, baseline, minimum_labels=20, alpha=ALPHA)


def test_a_champion_that_loses_again_and_again_raises_an_alarm() -> None:
    """The figures are the evidence; the sentence tells both losses of the last week."""
    signal = said(nights([3.0] * 37), nights([2.0] * 37, Role.BASELINE))
    value = signal.value or 0.0
    losses = "the champion loses to the baseline: mean loss 3 and 2 over the last 7 nights"
    assert value > NEEDED
    assert signal == Signal(
        name="baseline",
        kind="baseline",
        state=SignalState.ALARM,
        value=value,
        threshold=NEEDED,
        n=37,
        unit="nights",
        sentence=f"{losses}; evidence {value:.0f} of 7300 needed",
    )


def test_a_week_in_which_the_champion_loses_a_little_is_told_and_raises_no_alarm() -> None:
    """Near its baseline a model loses on every other week."""
    signal = said(nights([2.0] * 30 + [2.1] * 7), nights([2.0] * 37, Role.BASELINE))
    assert signal.state is SignalState.QUIET
    assert signal.sentence.startswith("the champion loses to the baseline: mean loss 2.1 and 2 over the last 7 nights; evidence ")


def test_a_champion_that_wins_or_ties_is_quiet() -> None:
    """A tie is no loss."""
    assert said(nights([1.0] * 7), nights([2.0] * 7, Role.BASELINE)).state is SignalState.QUIET
    signal = said(nights([2.0]), nights([2.0], Role.BASELINE))
    expected = "the champion is no worse than the baseline: mean loss 2 and 2 over the last night; evidence 1 of 7300 needed"
    assert (signal.state, signal.sentence) == (SignalState.QUIET, expected)


def test_only_nights_that_both_have_are_compared() -> None:
    """Nor do nights with too few labels count."""
    signal = said(nights([3.0] * 30), nights([2.0] * 30, Role.BASELINE, first=30))
    assert (signal.state, signal.n, signal.sentence) == (SignalState.INSUFFICIENT, 0, "no night is known for both yet")
    assert said(nights([3.0] * 30, labelled=19), nights([2.0] * 30, Role.BASELINE)).n == 0
    assert said(nights([3.0] * 30), nights([2.0] * 30, Role.BASELINE, first=20)).n == 10


def test_evidence_by_hand() -> None:
    """The second night is half worse: 1.1, 1.25 and 1.475 times two units; the third is twice as good as the baseline."""
    found = evidence_behind(np.array([2.0, 3.0, 1.0]), np.array([2.0, 2.0, 2.0]), threshold=100.0)
    second = np.array([2 * 1.1, 2 * 1.25, 2 * 1.475])
    assert found == pytest.approx([1.0, second.mean(), ((second + 1) * [0.9, 0.75, 0.525]).mean()])


def test_good_nights_take_the_alarm_back() -> None:
    """As they do with decay."""
    worse, better = nights([3.0] * 37), nights([1.0] * 60, first=37)
    assert said([*worse, *better], nights([2.0] * 97, Role.BASELINE)).state is SignalState.QUIET


@pytest.mark.parametrize("common", [0.0, 0.5])
def test_a_champion_as_good_as_the_baseline_alarms_no_more_often_than_is_promised(common: float) -> None:
    """At 1 in 20 000 a night, 2 000 models in a year: 36.5 in the mean at most, 56 by the 99.9 % quantile."""
    rng = np.random.default_rng(7)
    night = rng.lognormal(-(common**2) / 2, common, (2000, 365))
    ours, other = (night * rng.lognormal(-0.02, 0.2, night.shape) for _ in range(2))
    found = evidence_behind(ours, other, threshold=20_000.0)
    assert (found.max(axis=1) >= 20_000.0).sum() <= 56


def test_a_champion_that_is_half_as_bad_again_is_found_within_a_month() -> None:
    """In three of four cases, at what a definition has where it says nothing."""
    rng = np.random.default_rng(8)
    night = rng.lognormal(-0.125, 0.5, (200, 30))
    ours, other = (night * rng.lognormal(-0.02, 0.2, night.shape) for _ in range(2))
    assert (evidence_behind(1.5 * ours, other, threshold=NEEDED)[:, -1] >= NEEDED).mean() >= 0.75


def test_a_champion_that_wins_by_far_on_a_few_nights_is_no_worse() -> None:
    """It loses a seventh on most nights, and the baseline four times as much on one of twenty; such nights were seen before."""
    rng = np.random.default_rng(9)
    other = np.where(rng.random((500, 365)) < 0.05, 4.0, 1.0)
    other[:, 10] = 4.0
    found = evidence_behind(np.full(other.shape, 1.15), other, threshold=NEEDED)
    assert (found.max(axis=1) >= NEEDED).mean() <= 0.05


@pytest.mark.parametrize(
    ("ours", "other", "alarm"),
    [
        ([0.0] * 40, [0.0] * 40, False),
        ([1.0] * 40, [0.0] * 40, True),
        ([np.inf] * 40, [1.0] * 40, True),
        ([1.0] * 40, [np.inf] * 40, False),
    ],
)
def test_losses_of_nothing_and_without_end(ours: list[float], other: list[float], alarm: bool) -> None:
    """Two models without any loss are equally good."""
    found = evidence_behind(np.array(ours), np.array(other), threshold=NEEDED)
    assert np.isfinite(found).all()
    assert bool(found[-1] >= NEEDED) is alarm
