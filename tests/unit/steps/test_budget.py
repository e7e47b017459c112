"""How the budget of false alarms is shared out."""

from __future__ import annotations

from dataclasses import astuple
from datetime import timedelta
from typing import Any

import pytest

from perennial.definition.models import Definition
from perennial.monitoring.loss.losses import LossOutlook, SliceLoss
from perennial.steps.measuring.budget import budget

DAY = timedelta(days=1)
NIGHT = 0.5 / 365.25
PLAIN = LossOutlook(loss="absolute", variation=None)
SLICED = PLAIN.model_copy(update={"slices": {"wet=1": SliceLoss(rows=200, loss=1.0, most=1.1, variation=None)}})


@pytest.mark.parametrize(
    ("learnt", "decay", "slices"), [(None, 0.9 * NIGHT, 0.0), (PLAIN, 0.9 * NIGHT, 0.0), (SLICED, 0.7 * NIGHT, 0.2 * NIGHT)]
)
def test_what_is_not_tested_has_no_share(small: dict[str, Any], learnt: LossOutlook | None, decay: float, slices: float) -> None:
    """One false alarm a year: what moves has a half, the loss has the other; of that slices have a fifth, the baseline a tenth."""
    shared = budget(Definition.model_validate(small), DAY, learnt)
    assert astuple(shared) == pytest.approx((NIGHT, decay, 0.1 * NIGHT, slices, 0.0))


def test_a_night_of_a_week_has_the_budget_of_a_week(small: dict[str, Any]) -> None:
    """Seven times as much, of which the loss has as much as all else."""
    shared = budget(Definition.model_validate(small), 7 * DAY, None)
    assert shared.movements == pytest.approx(7 * NIGHT)
    assert shared.decay + shared.baseline == pytest.approx(7 * NIGHT)
