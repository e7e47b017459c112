"""Which nights count as evidence about a loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from perennial.core.interval import Interval
from perennial.core.receipts import NightLoss

_LABELLED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class UsableNight:
    """A night whose loss is known well enough."""

    interval: Interval
    loss: float


def usable_nights(nights: Sequence[NightLoss], minimum_labels: int) -> list[UsableNight]:
    """Return, oldest first, the nights with at least *minimum_labels* labels, and labels for at least half of the predictions.

    Labels that come early are seldom typical of those that come late, so a night counts only when most of it is in.
    """
    usable = [
        UsableNight(night.interval, night.loss)
        for night in nights
        if night.loss is not None
        and not math.isnan(night.loss)
        and night.labelled >= max(minimum_labels, 1)
        and night.labelled >= _LABELLED_SHARE * night.predicted
    ]
    return sorted(usable, key=lambda night: night.interval)
