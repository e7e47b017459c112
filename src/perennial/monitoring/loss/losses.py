"""What is known of a champion's loss from the rows that it was judged on: how it varies, by slice, and over the prediction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field
from scipy.special import stdtrit

from perennial.monitoring.loss.curve import Curve
from perennial.monitoring.loss.decay import Evaluated
from perennial.monitoring.loss.effects import Effects
from perennial.monitoring.loss.variation import Variation, variation
from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.stored import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 50
"""The most frequent values of a slicing column that are watched."""

_LEVEL = 0.975
LARGEST = 1e70
"""A loss is squared as if it were no larger; from larger ones nothing is learnt."""


class SliceLoss(Frozen):
    """The loss of the holdout's rows with one value of one column.

    Attributes:
        rows: How many there were.
        loss: Their mean loss.
        most: What it may be in truth, at the upper end of a 95 % interval; None where nobody can say.
        variation: How it varies; None where that could not be learnt.
    """

    rows: int
    loss: float
    most: float | None
    variation: Variation | None

    @property
    def evaluated(self) -> Evaluated:
        """What later nights of the slice are held against."""
        return Evaluated(loss=self.loss, most=self.most, variation=self.variation)


class LossOutlook(Frozen):
    """What is known of a loss from the holdout.

    Attributes:
        loss: Which one, as ``ports.Ledger.losses`` calls it.
        variation: How it varies; None where that could not be learnt.
        curve: How often class 1 comes true, over its probability; None of numbers, or where that could not be learnt.
        effects: How the loss goes with where the rows lie; None of classes, or where that could not be learnt.
        slices: By ``column=value``.
    """

    loss: str
    variation: Variation | None
    curve: Curve | None = None
    effects: Effects | None = None
    slices: dict[str, SliceLoss] = Field(default_factory=dict)

    @property
    def estimates(self) -> bool:
        """Whether the loss of a night can be estimated before its labels come."""
        return self.curve is not None or self.effects is not None


def slice_losses(losses: Floats, nights: Counts, columns: Mapping[str, list[str]], *, minimum_rows: int) -> dict[str, SliceLoss]:
    """Return what is known of each slice with enough rows, by ``column=value``.

    Args:
        losses: Shape (rows,).
        nights: Shape (rows,), the number of the night that each row belongs to.
        columns: By name, shape (rows,), the values.
        minimum_rows: With fewer rows, or on fewer than two nights, a slice is left out. So is one that is not among the 50 most
            frequent of its column.
    """
    found = {}
    for column, values in columns.items():
        texts, of_row, rows = np.unique(np.array(values, dtype=object).astype(str), return_inverse=True, return_counts=True)
        for position in sorted(np.argsort(-rows, kind="stable")[:MOST].tolist()):
            part = of_row == position
            if rows[position] >= minimum_rows and np.unique(nights[part]).size > 1:
                found[f"{column}={texts[position]}"] = _slice_loss(losses[part], nights[part])
    return found


def loss_variation(losses: Floats, nights: Counts) -> Variation | None:
    """Return how *losses*, shape (rows,), vary from row to row and from night to night."""
    rows, sums, squares = _by_night(losses, nights)
    return variation(rows, sums / rows, squares / rows)


def _slice_loss(losses: Floats, nights: Counts) -> SliceLoss:
    rows, sums, _ = _by_night(losses, nights)
    mean, count = float(losses.mean()), rows.size
    error = math.sqrt(float(np.sum((sums - rows * mean) ** 2)) * count / (count - 1)) / losses.size
    most = mean + float(stdtrit(count - 1, _LEVEL)) * error
    return SliceLoss(
        rows=losses.size, loss=mean, most=most if math.isfinite(most) else None, variation=loss_variation(losses, nights)
    )


def _by_night(losses: Floats, nights: Counts) -> tuple[Counts, Floats, Floats]:
    """Return rows, sums and sums of squares by night, each of shape (nights,)."""
    numbered = np.unique(nights, return_inverse=True)[1]
    sums = [np.bincount(numbered, values).astype(np.float64) for values in (losses, np.minimum(losses, LARGEST) ** 2)]
    return np.bincount(numbered), sums[0], sums[1]
