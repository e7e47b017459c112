"""The budget of false alarms, shared out: how often each test of a night may alarm where nothing is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from perennial.monitoring.shift.drift import nightly_budget

if TYPE_CHECKING:
    from perennial.definition.models import Definition
    from perennial.monitoring.loss.losses import LossOutlook

_YEAR = timedelta(days=365.25)
_HALF = 0.5
"""The loss has one half of the budget: its evidence is gathered over many nights, for which its share must stay the same. All other
tests of a night that can alarm share the other half by Holm's rule."""

_BASELINE, _SLICES, _ESTIMATE = 0.1, 0.2, 0.1
"""The shares of the loss's half for its comparison with the baseline's, and, where there are such, for its slices and its estimate;
decay on the labels of all rows has the rest."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The chances of a false alarm a night: of all *movements* together, and of what the loss says in each way."""

    movements: float
    decay: float
    baseline: float
    slices: float
    estimate: float


def nights_per_year(length: timedelta) -> float:
    """Return how many nights of this length a year has."""
    return _YEAR / length


def budget(definition: Definition, length: timedelta, learnt: LossOutlook | None) -> Budget:
    """Share out what *definition* allows over nights of this length.

    Args:
        definition: The model.
        length: Of a night.
        learnt: What was learnt of the loss that is watched: without slices, or an estimate, these have no share.
    """
    half, nights = _HALF * definition.monitoring.false_alarms_per_year, nights_per_year(length)
    of_loss = half / nights
    baseline = _BASELINE * of_loss
    slices = _SLICES * of_loss if learnt and learnt.slices else 0.0
    estimate = _ESTIMATE * of_loss if learnt and learnt.estimates else 0.0
    return Budget(nightly_budget(half, nights), of_loss - baseline - slices - estimate, baseline, slices, estimate)
