"""Several models' figures on the same rows, with what is needed to tell how sure they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perennial.learning.jackknife import without_each_day
from perennial.learning.metrics import Floats


@dataclass(frozen=True, slots=True)
class Scored:
    """The deciding figure of each role on one set of rows.

    Attributes:
        metric: The figure's name.
        unit: The figure's unit with a space before it, or nothing.
        actual: Shape (rows,).
        predictions: By role, shape (rows,).
        days: Shape (rows,), the day that each row belongs to.
        figures: By role, shape (1 + days,): on all rows, then without each day.
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


def score(metric: str, actual: Floats, predictions: Mapping[str, Floats], days: npt.NDArray[np.int64], *, unit: str = "") -> Scored:
    """Return the figure of every role."""
    figures = {role: without_each_day(metric, actual, predicted, days) for role, predicted in predictions.items()}
    shown = f" {unit}" if unit else ""
    return Scored(metric=metric, unit=shown, actual=actual, predictions=predictions, days=days, figures=figures)
