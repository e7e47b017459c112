"""Decay: whether the champion's loss has risen above the evaluated one by more than is tolerated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np

from perennial.core.receipts import NightLoss, Signal, SignalState
from perennial.monitoring.loss.evidence import Nights, change_point, evidence_by_night
from perennial.monitoring.loss.usable import UsableNight, completeness, usable_nights
from perennial.monitoring.loss.variation import Variation

_LEAST_EVIDENCE = 2.0
_LAST_NIGHTS = 7
_THREE_DIGITS = 100
_DAY = timedelta(days=1)
_LONG = 7 * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What a champion lost on the holdout that it was judged by.

    Attributes:
        loss: The mean loss, in the unit of the loss.
        most: The upper end of what it may be in truth, as the holdout has only so many days; None where nobody can say.
        variation: How losses differ from row to row and from night to night there; None where that was not learnt.
    """

    loss: float
    most: float | None = None
    variation: Variation | None = None

    def tolerated(self, tolerance: float) -> float:
        """Return the greatest loss that is no decay: a share above the evaluated one, or what that may be in truth."""
        wanted = self.loss * (1 + tolerance)
        return max(wanted, self.most) if self.most is not None and math.isfinite(self.most) else wanted


def decay(
    nights: Sequence[NightLoss],
    *,
    evaluated: Evaluated,
    tolerance: float,
    alpha: float,
    minimum_labels: int,
    loss_name: str = "mean loss",
    matured: datetime | None = None,
) -> Signal:
    """Say whether the champion has decayed, from all nights it predicted. A pure function of them, in any order.

    The unit of evidence is the night, as rows of one night share its weather and its mistakes; how much they do is learnt from
    the holdout's nights. Without decay the chance of an alarm within t nights is at most ``alpha * t``, and false alarms are at
    least 1/alpha nights apart in the mean (see :func:`perennial.monitoring.loss.evidence.evidence_by_night`). The alarm stands as
    long as the evidence does: good nights take it back. No single night raises one, unless nights are a week or longer.

    Args:
        nights: The nights of one version in one role; a night counts once most of its labels are known.
        evaluated: What the champion was judged by. The null hypothesis is a loss of at most ``evaluated.tolerated(tolerance)``.
        tolerance: The increase of the loss, as a share, that is not worth a retraining.
        alpha: The budget of false alarms per night.
        minimum_labels: A night with fewer labels does not count, unless it has one for each prediction.
        loss_name: What the sentence calls the loss.
        matured: Events before this moment have had the time to get a label. Where given, the sentence says how many of them have
            one, and of an alarm how many days of labels have come since the change.

    Raises:
        ValueError: The nights are of several versions or roles.
    """
    if len({(night.version, night.role) for night in nights}) > 1:
        raise ValueError("the evaluated loss belongs to one version, but the nights are of several versions or roles")
    usable = usable_nights(nights, minimum_labels)
    threshold = needed(alpha)
    share = completeness(_due(nights, matured))
    said = partial(Signal, name="decay", kind="decay", threshold=threshold, n=len(usable), unit="nights", labelled=share)
    if not usable or not math.isfinite(evaluated.loss):
        reason = _why_none(nights, minimum_labels) if not usable else "the evaluated loss is not a finite number"
        return said(state=SignalState.INSUFFICIENT, value=None, sentence=reason)
    tolerated = evaluated.tolerated(tolerance)
    ratios = [_ratio(night.loss, tolerated) for night in usable]
    found = evidence(usable, tolerated, threshold, evaluated.variation)
    state = SignalState.ALARM if found >= threshold else SignalState.QUIET
    start = change_point(ratios) if state is SignalState.ALARM else None
    since = None if start is None else usable[start].interval.start
    parts = [
        f"{loss_name} {_figures(usable, start, evaluated.loss)} {_room(evaluated, tolerance)}",
        f"evidence {plain(found)} of {plain(threshold)} needed",
        *([_complete(_due(nights, matured), share)] if share is not None else []),
        *([_window(since, matured)] if since is not None and matured is not None else []),
    ]
    return said(state=state, value=found, since=since, sentence="; ".join(parts))


def needed(alpha: float) -> float:
    """Return the evidence at which an alarm is raised, where a night may raise a false one with the chance *alpha*.

    Examples:
        >>> needed(0.5 / 365), needed(0.9)
        (730.0, 2.0)
    """
    return max(1 / alpha, _LEAST_EVIDENCE)


def plain(figure: float) -> str:
    """Return three digits, or all before the point where there are more."""
    return f"{figure:.3g}" if figure < _THREE_DIGITS else f"{figure:.0f}"


def evidence(usable: Sequence[UsableNight], tolerated: float, threshold: float, variation: Variation | None) -> float:
    """Return the evidence after the last of the *usable* nights, of which there is at least one, oldest first."""
    squares = [math.nan if night.square is None else night.square for night in usable]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # nothing, or next to it, is tolerated
        relative = Nights(
            rows=np.array([night.rows for night in usable], dtype=np.float64),
            means=np.array([_ratio(night.loss, tolerated) for night in usable]),
            squares=np.array(squares) / np.float64(tolerated) ** 2,
        )
    confirmed = usable[-1].interval.length < _LONG
    return float(evidence_by_night(relative, threshold=threshold, variation=variation, confirmed=confirmed)[-1])


def _due(nights: Sequence[NightLoss], matured: datetime | None) -> list[NightLoss]:
    """Return the last seven nights of which every label has had the time to come."""
    due = [night for night in nights if matured is not None and night.interval.end <= matured]
    return sorted(due, key=lambda night: night.interval)[-_LAST_NIGHTS:]


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


def _room(evaluated: Evaluated, tolerance: float) -> str:
    """Say how much more is tolerated, and where that is more than was asked for, why."""
    wanted, tolerated = evaluated.loss * (1 + tolerance), evaluated.tolerated(tolerance)
    if tolerated <= wanted or evaluated.loss <= 0:
        return f"with {100 * tolerance:.3g} % tolerated"
    return f"with {100 * (tolerated / evaluated.loss - 1):.3g} % tolerated, as the evaluated one is not known any better"


def _complete(due: Sequence[NightLoss], share: float) -> str:
    return f"labels for {100 * share:.3g} % of the predictions of {_nights(len(due))}"


def _window(since: datetime, matured: datetime) -> str:
    days = max(matured - since, timedelta()) / _DAY
    return f"a training window from the change on holds {days:.3g} days of labels"


def _why_none(nights: Sequence[NightLoss], minimum_labels: int) -> str:
    return (
        f"none of {_nights(len(nights))} counts yet: {minimum_labels} labels are needed, and labels for half of its predictions"
        if nights
        else "no night was predicted yet, or none is matured"
    )


def _nights(number: int) -> str:
    return "1 night" if number == 1 else f"{number} nights"
