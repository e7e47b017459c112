"""The comparison with the trivial model beside the champion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from perennial.core.interval import Interval
from perennial.core.receipts import NightLoss, Role, Signal, SignalState
from perennial.monitoring.loss.baseline import behind_baseline

START = datetime(2024, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)


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
    return behind_baseline(champion, baseline, minimum_labels=20)


def test_a_champion_that_loses_the_last_week_is_reported() -> None:
    """What was before the last seven nights does not count."""
    signal = said(nights([1.0] * 30 + [3.0] * 7), nights([2.0] * 37, Role.BASELINE))
    assert signal == Signal(
        name="baseline",
        kind="baseline",
        state=SignalState.ALARM,
        value=3.0,
        threshold=2.0,
        n=7,
        unit="nights",
        sentence="the champion loses to the baseline: mean loss 3 and 2 over the last 7 nights",
    )


def test_a_champion_that_wins_or_ties_is_quiet() -> None:
    """A tie is no loss."""
    assert said(nights([1.0] * 7), nights([2.0] * 7, Role.BASELINE)).state is SignalState.QUIET
    signal = said(nights([2.0] * 7), nights([2.0] * 7, Role.BASELINE))
    assert signal.sentence == "the champion is no worse than the baseline: mean loss 2 and 2 over the last 7 nights"
    assert signal.state is SignalState.QUIET


def test_only_nights_that_both_have_are_compared() -> None:
    """Six in common are too few, and so are nights with too few labels."""
    signal = said(nights([1.0] * 7), nights([2.0] * 7, Role.BASELINE, first=1))
    assert (signal.state, signal.n, signal.sentence) == (SignalState.INSUFFICIENT, 6, "6 of 7 nights are known for both")
    assert said(nights([1.0] * 7, labelled=19), nights([2.0] * 7, Role.BASELINE)).n == 0
