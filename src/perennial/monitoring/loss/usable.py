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
    """A night whose loss is known well enough.

    Attributes:
        interval: The night.
        loss: The mean loss of its labelled rows.
        square: The mean of their squared losses; None where it is not known.
        rows: How many have a label.
    """

    interval: Interval
    loss: float
    square: float | None
    rows: int


def usable_nights(nights: Sequence[NightLoss], minimum_labels: int) -> list[UsableNight]:
    """Return, oldest first, the nights with enough labels: *minimum_labels*, and labels for at least half of the predictions.

    Labels that come early are seldom typical of those that come late, so a night counts only when most of it is in. A night with
    fewer predictions than *minimum_labels* counts when all of them have a label: evidence is gathered over nights, and a model may
    predict one row a day.
    """
    usable = [
        UsableNight(night.interval, night.loss, night.square, night.labelled)
        for night in nights
        if night.loss is not None
        and not math.isnan(night.loss)
        and night.labelled >= max(min(minimum_labels, night.predicted), 1)
        and night.labelled >= _LABELLED_SHARE * night.predicted
    ]
    return sorted(usable, key=lambda night: night.interval)


def completeness(nights: Sequence[NightLoss]) -> float | None:
    """Return the share of the *nights*' predictions that have a label; None where nothing was predicted."""
    predicted = sum(night.predicted for night in nights)
    return sum(night.labelled for night in nights) / predicted if predicted else None
