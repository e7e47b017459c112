"""Whether the champion still beats the trivial model that is scored beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from perennial.core.receipts import NightLoss, Signal, SignalState
from perennial.monitoring.loss.behind import evidence_behind
from perennial.monitoring.loss.decay import needed, plain
from perennial.monitoring.loss.usable import usable_nights

LAST_NIGHTS = 7


def behind_baseline(champion: Sequence[NightLoss], baseline: Sequence[NightLoss], *, minimum_labels: int, alpha: float) -> Signal:
    """Say whether *champion* loses more than *baseline*, from all nights that both have. A pure function of them, in any order.

    If it loses at most as much, the chance of an alarm within t nights is at most ``alpha * t``, however often one looks (see
    :func:`perennial.monitoring.loss.behind.evidence_behind`). The sentence tells both mean losses of the last week as they are.

    Args:
        champion: The champion's nights.
        baseline: The baseline's nights.
        minimum_labels: A night with fewer labels does not count, unless it has one for each prediction.
        alpha: The budget of false alarms per night.

    Returns:
        A signal whose value is the evidence.
    """
    theirs = {night.interval: night.loss for night in usable_nights(baseline, minimum_labels)}
    both = [(night.loss, theirs[night.interval]) for night in usable_nights(champion, minimum_labels) if night.interval in theirs]
    threshold = needed(alpha)
    said = partial(Signal, name="baseline", kind="baseline", threshold=threshold, n=len(both), unit="nights")
    if not both:
        return said(state=SignalState.INSUFFICIENT, value=None, sentence="no night is known for both yet")
    found = float(evidence_behind(*np.array(both).T, threshold=threshold)[-1])
    state = SignalState.ALARM if found >= threshold else SignalState.QUIET
    sentence = f"{_losses(both[-LAST_NIGHTS:])}; evidence {plain(found)} of {plain(threshold)} needed"
    return said(state=state, value=found, sentence=sentence)


def _losses(recent: Sequence[tuple[float, float]]) -> str:
    ours, other = (math.fsum(losses) / len(recent) for losses in zip(*recent, strict=True))
    verb = "loses to" if ours > other else "is no worse than"
    nights = "night" if len(recent) == 1 else f"{len(recent)} nights"
    return f"the champion {verb} the baseline: mean loss {ours:.3g} and {other:.3g} over the last {nights}"
