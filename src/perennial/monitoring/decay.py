"""Decay: whether the champion's loss has risen above the evaluated one by more than is tolerated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from perennial.core.receipts import NightLoss, Signal, SignalState
from perennial.monitoring.evidence import change_point, evidence
from perennial.monitoring.usable import UsableNight, usable_nights

_LEAST_THRESHOLD = 2.0
_CEILING = 10.0
_LAST_NIGHTS = 7
_THREE_DIGITS = 100


def decay(
    nights: Sequence[NightLoss],
    *,
    evaluated_loss: float,
    tolerance: float,
    alpha: float,
    minimum_labels: int,
    loss_name: str = "mean loss",
) -> Signal:
    """Say whether the champion has decayed, from all nights it predicted. A pure function of them, in any order.

    The unit of evidence is the night, as rows of one night share its weather and its mistakes. Without decay the chance of an
    alarm within t nights is at most ``alpha * t``, and false alarms are at least 1/alpha nights apart in the mean
    (see :func:`perennial.monitoring.evidence.evidence_by_night`). The alarm stands as long as the evidence does: good nights
    take it back.

    Args:
        nights: The nights of one version in one role; a night counts once most of its labels are known.
        evaluated_loss: The mean loss on the holdout that the champion was judged by, in the unit of the loss.
        tolerance: The increase of it, as a share, that is not worth a retraining.
        alpha: The budget of false alarms per night.
        minimum_labels: A night with fewer labels does not count.
        loss_name: What the sentence calls the loss.

    Raises:
        ValueError: The nights are of several versions or roles.
    """
    if len({(night.version, night.role) for night in nights}) > 1:
        raise ValueError("the evaluated loss belongs to one version, but the nights are of several versions or roles")
    usable = usable_nights(nights, minimum_labels)
    threshold = max(1 / alpha, _LEAST_THRESHOLD)
    if not usable or not math.isfinite(evaluated_loss):
        reason = _why_none(nights, minimum_labels) if not usable else "the evaluated loss is not a finite number"
        return _said(SignalState.INSUFFICIENT, None, threshold, len(usable), reason)
    ratios = [_ratio(night.loss, evaluated_loss * (1 + tolerance)) for night in usable]
    found = evidence(ratios, ceiling=_CEILING * threshold)
    state = SignalState.ALARM if found >= threshold else SignalState.QUIET
    start = change_point(ratios) if state is SignalState.ALARM else None
    figures = _figures(usable, start, evaluated_loss)
    needed = f"evidence {_plain(found)} of {_plain(threshold)} needed"
    sentence = f"{loss_name} {figures} with {100 * tolerance:.3g} % tolerated; {needed}"
    since = None if start is None else usable[start].interval.start
    return _said(state, found, threshold, len(usable), sentence, since=since)


def _ratio(loss: float, tolerated: float) -> float:
    """Return loss over tolerated loss; any loss is infinitely much where none is tolerated."""
    if loss <= 0:
        return 0.0
    return loss / tolerated if tolerated > 0 else math.inf


def _figures(usable: Sequence[UsableNight], start: int | None, evaluated: float) -> str:
    span = usable[-_LAST_NIGHTS if start is None else start :]
    mean = math.fsum(night.loss for night in span) / len(span)
    nights = f"the last {_nights(len(span))}" if start is None else f"{_nights(len(span))} since {span[0].interval.start.date()}"
    times = f"{mean / evaluated:.3g} times" if evaluated > 0 else "against"
    return f"{mean:.3g} over {nights}, {times} the evaluated {evaluated:.3g}"


def _why_none(nights: Sequence[NightLoss], minimum_labels: int) -> str:
    return (
        f"none of {_nights(len(nights))} counts yet: {minimum_labels} labels are needed, and labels for half of its predictions"
        if nights
        else "no night was predicted yet, or none is matured"
    )


def _plain(figure: float) -> str:
    """Return three digits, or all before the point where there are more."""
    return f"{figure:.3g}" if figure < _THREE_DIGITS else f"{figure:.0f}"


def _nights(number: int) -> str:
    return "1 night" if number == 1 else f"{number} nights"


def _said(
    state: SignalState, value: float | None, threshold: float, n: int, sentence: str, *, since: datetime | None = None
) -> Signal:
    return Signal(
        name="decay",
        kind="decay",
        state=state,
        value=value,
        threshold=threshold,
        n=n,
        unit="nights",
        since=since,
        sentence=sentence,
    )
