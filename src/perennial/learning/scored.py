"""Several models' figures on the same rows, with what is needed to tell how sure they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from perennial.learning.arrays import Floats
from perennial.learning.bootstrap import resampled, settled
from perennial.learning.metrics import as_loss


@dataclass(frozen=True, slots=True)
class Scored:
    """One figure of each role on one set of rows.

    Attributes:
        metric: The figure's name.
        unit: The figure's unit with a space before it, or nothing.
        actual: Shape (rows,).
        predictions: By role, shape (rows,).
        days: Shape (rows,), the day that each row belongs to.
        day_count: How many days there are.
        figures: By role, shape (1 + RESAMPLES,): on all rows, then on each draw of days, the same draws for all roles.
    """

    metric: str
    unit: str
    actual: Floats
    predictions: Mapping[str, Floats]
    days: npt.NDArray[np.int64]
    day_count: int
    figures: Mapping[str, Floats]

    def losses(self, role: str) -> Floats:
        """Return the figures of *role* turned so that less is better."""
        return as_loss(self.metric, self.figures[role])

    def below(self, asked: Floats) -> Floats:
        """Return by how much the challenger's loss lies below *asked*, in the same draws; negative where it lies above.

        Args:
            asked: Shape (1 + RESAMPLES,), a loss on all rows, then on each draw of days.
        """
        own = self.losses("challenger")
        return settled(asked - own, max(abs(float(asked[0])), abs(float(own[0]))))

    def room(self, allowed: Floats) -> Floats | None:
        """Return the logarithm of *allowed* over the challenger's loss, in the same draws: above 0 where the loss is smaller.

        Of two losses that are large on the same days the quotient is much surer than the difference. None where a loss is 0 in
        some draw, and has no logarithm.

        Args:
            allowed: Shape (1 + RESAMPLES,), a loss on all rows, then on each draw of days.
        """
        own = self.losses("challenger")
        if not min(own.min(), allowed.min()) > 0:
            return None
        return settled(np.log(allowed / own), 1.0)

    def same_as(self, role: str) -> bool:
        """Return whether the challenger predicts the same as *role* on every row."""
        own, other = self.predictions.get("challenger"), self.predictions.get(role)
        return own is not None and other is not None and np.array_equal(own, other)

    def among(self, rows: npt.NDArray[np.bool_]) -> Scored:
        """Return the same figure on some of the rows, shape (rows,)."""
        part = {role: predicted[rows] for role, predicted in self.predictions.items()}
        return replace(score(self.metric, self.actual[rows], part, self.days[rows]), unit=self.unit)


def score(metric: str, actual: Floats, predictions: Mapping[str, Floats], days: npt.NDArray[np.int64], *, unit: str = "") -> Scored:
    """Return the figure of every role."""
    return Scored(
        metric=metric,
        unit=f" {unit}" if unit else "",
        actual=actual,
        predictions=predictions,
        days=days,
        day_count=int(np.unique(days).size),
        figures={role: resampled(metric, actual, predicted, days) for role, predicted in predictions.items()},
    )
