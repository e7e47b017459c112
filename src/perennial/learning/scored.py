"""Several models' figures on the same rows, with what is needed to tell how sure they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from perennial.learning.bootstrap import resampled
from perennial.learning.metrics import Floats, as_loss


@dataclass(frozen=True, slots=True)
class Scored:
    """One figure of each role on one set of rows.

    Attributes:
        metric: The figure's name.
        unit: The figure's unit with a space before it, or nothing.
        actual: Shape (rows,).
        predictions: By role, shape (rows,).
        days: Shape (rows,), the day that each row belongs to.
        figures: By role, shape (1 + RESAMPLES,): on all rows, then on each draw of days, the same draws for all roles.
    """

    metric: str
    unit: str
    actual: Floats
    predictions: Mapping[str, Floats]
    days: npt.NDArray[np.int64]
    figures: Mapping[str, Floats]

    @property
    def day_count(self) -> int:
        """How many days there are."""
        return int(np.unique(self.days).size)

    def losses(self, role: str) -> Floats:
        """Return the figures of *role* turned so that less is better."""
        return as_loss(self.metric, self.figures[role])

    def among(self, rows: npt.NDArray[np.bool_]) -> Scored:
        """Return the same figure on some of the rows, shape (rows,)."""
        part = {role: predicted[rows] for role, predicted in self.predictions.items()}
        return replace(score(self.metric, self.actual[rows], part, self.days[rows]), unit=self.unit)


def score(metric: str, actual: Floats, predictions: Mapping[str, Floats], days: npt.NDArray[np.int64], *, unit: str = "") -> Scored:
    """Return the figure of every role."""
    figures = {role: resampled(metric, actual, predicted, days) for role, predicted in predictions.items()}
    shown = f" {unit}" if unit else ""
    return Scored(metric=metric, unit=shown, actual=actual, predictions=predictions, days=days, figures=figures)
