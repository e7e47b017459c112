"""How soon a rise of the champion's loss would be seen, by the losses of its own nights."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from perennial.core.receipts import ModelVersion, Receipt, Role
from perennial.monitoring.loss.decay import needed
from perennial.monitoring.loss.delay import Delay, delays
from perennial.monitoring.loss.evidence import Nights
from perennial.monitoring.loss.usable import usable_nights
from perennial.steps.champion import promoted_with
from perennial.steps.judging.outlook import learnt_losses, outlook_in
from perennial.steps.measuring.budget import budget
from perennial.steps.measuring.loss import evaluated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perennial.core.receipts import Evaluation, Measurement, NightLoss
    from perennial.definition.models import Definition
    from perennial.monitoring.loss.losses import LossOutlook
    from perennial.monitoring.loss.usable import UsableNight
    from perennial.ports import Stores

INCREASES = (0.1, 0.25, 0.5, 1.0)
_DAY = timedelta(days=1)
_LEAST = 7


class ExpectedDelay(Receipt):
    """How soon a rise of the loss by *increase*, a share of the evaluated one, would be seen: in the median of many trials.

    *nights* with labels, and *days* with those that labels take to come; None where less than half are *seen* within a year.
    """

    increase: float
    nights: int | None
    days: float | None
    seen: float


def expected_delays(definition: Definition, stores: Stores, measurements: Sequence[Measurement]) -> list[ExpectedDelay]:
    """Return the delays of the newest champion; none where fewer than seven of its nights have labels.

    Args:
        definition: The model.
        stores: Where its champion was evaluated.
        measurements: Its nights, oldest first.
    """
    if not measurements or measurements[-1].version is None:
        return []
    version = stores.ledger.get(ModelVersion, measurements[-1].version)
    evaluation = promoted_with(stores, version)
    nights = usable_nights(_losses(measurements, version.id), definition.monitoring.minimum_rows)
    if evaluation is None or len(nights) < _LEAST:
        return []
    length = measurements[-1].interval.length
    learnt = learnt_losses(definition, outlook_in(stores, evaluation))
    return [
        ExpectedDelay(increase=one.increase, nights=one.nights, days=_days(definition, one.nights, length), seen=one.seen)
        for one in _delays(definition, evaluation, learnt, nights, length)
    ]


def _delays(
    definition: Definition, evaluation: Evaluation, learnt: LossOutlook | None, nights: Sequence[UsableNight], length: timedelta
) -> list[Delay]:
    known = evaluated(definition, evaluation, learnt.variation if learnt else None)
    wanted = definition.monitoring.tolerance.loss_increase
    tolerated = known.tolerated(wanted) / known.loss - 1 if known.loss > 0 else wanted
    return delays(
        _arrays(nights),
        INCREASES,
        tolerance=tolerated,
        threshold=needed(budget(definition, length, learnt).decay),
        variation=known.variation,
        seed=definition.estimator.seed,
    )


def _arrays(nights: Sequence[UsableNight]) -> Nights:
    squares = [np.nan if night.square is None else night.square for night in nights]
    return Nights(np.array([float(night.rows) for night in nights]), np.array([night.loss for night in nights]), np.array(squares))


def _losses(measurements: Sequence[Measurement], version: str) -> list[NightLoss]:
    """Return what was said last of each whole night that *version* predicted as champion."""
    known = {
        loss.interval: loss
        for row in measurements
        for loss in row.losses
        if loss.role is Role.CHAMPION and loss.version == version and loss.slice is None
    }
    return list(known.values())


def _days(definition: Definition, nights: int | None, length: timedelta) -> float | None:
    return None if nights is None else (nights * length + definition.label.delay) / _DAY
