"""Whether the champion still beats the trivial model that is scored beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from perennial.core.receipts import NightLoss, Signal, SignalState
from perennial.monitoring.loss.usable import usable_nights

LAST_NIGHTS = 7


def behind_baseline(
    champion: Sequence[NightLoss], baseline: Sequence[NightLoss], *, minimum_labels: int, last: int = LAST_NIGHTS
) -> Signal:
    """Compare the mean losses of *champion* and *baseline* over the last nights that both have.

    It has no error budget: it is a figure to look at, and asks for no retraining by itself.

    Args:
        champion: The champion's nights.
        baseline: The baseline's nights.
        minimum_labels: A night with fewer labels does not count.
        last: How many nights are compared, by default a week. With fewer there is no answer.

    Returns:
        A signal whose value is the champion's mean loss, and whose threshold is the baseline's.
    """
    theirs = {night.interval: night.loss for night in usable_nights(baseline, minimum_labels)}
    both = [(night.loss, theirs[night.interval]) for night in usable_nights(champion, minimum_labels) if night.interval in theirs]
    recent = both[-last:]
    if len(recent) < last:
        return _said(SignalState.INSUFFICIENT, None, None, len(recent), f"{len(recent)} of {last} nights are known for both")
    ours, other = (math.fsum(losses) / len(recent) for losses in zip(*recent, strict=True))
    behind = ours > other
    verb = "loses to" if behind else "is no worse than"
    sentence = f"the champion {verb} the baseline: mean loss {ours:.3g} and {other:.3g} over the last {last} nights"
    return _said(SignalState.ALARM if behind else SignalState.QUIET, ours, other, last, sentence)


def _said(state: SignalState, value: float | None, threshold: float | None, n: int, sentence: str) -> Signal:
    return Signal(
        name="baseline", kind="baseline", state=state, value=value, threshold=threshold, n=n, unit="nights", sentence=sentence
    )
