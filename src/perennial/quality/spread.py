"""Mean and standard deviation of a column in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from perennial.quality.plain import Plain
from perennial.quality.scan import Batch


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of some numbers.

    Attributes:
        count: How many there are.
        total: Their sum.
        squares: The sum of the squared differences from their mean.
    """

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, numbers: npt.NDArray[np.float64]) -> Moments:
        """Return the moments of *numbers*, shape (n,)."""
        if not len(numbers):
            return cls()
        total = float(numbers.sum())
        away = numbers - total / len(numbers)
        return cls(len(numbers), total, float(np.square(away, out=away).sum()))

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both together.

        References:
            Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979.
        """
        if not (self.count and other.count):
            return self if self.count else other
        count = self.count + other.count
        apart = other.mean - self.mean
        between = apart * apart * self.count * other.count / count
        return Moments(count, self.total + other.total, self.squares + other.squares + between)

    @property
    def mean(self) -> float:
        """The mean; NaN of nothing."""
        return self.total / self.count if self.count else np.nan

    @property
    def deviation(self) -> float:
        """The standard deviation of a sample (divided by n - 1); NaN of fewer than two numbers."""
        return float(np.sqrt(self.squares / (self.count - 1))) if self.count > 1 else np.nan


class Spread:
    """Adds up the moments of a column's numbers, batch after batch: in another order the last digit would be another one."""

    def __init__(self, column: str) -> None:
        """Look at *column*, which is numeric."""
        self.columns = (column,)
        self._batches: list[Moments] = []

    def see(self, batch: Batch) -> None:
        """Add the numbers of *batch*. Of infinite ones no spread can be computed: it is NaN."""
        with np.errstate(invalid="ignore", over="ignore"):
            self._batches.append(Moments.of(batch[self.columns[0]].present))

    @property
    def moments(self) -> Moments:
        """Those of the numbers seen."""
        with np.errstate(invalid="ignore", over="ignore"):
            return reduce(Moments.merge, self._batches, Moments())

    def again(self) -> bool:
        """One pass suffices."""
        return False

    def apart(self) -> Spread:
        """Return one for a piece of the rows."""
        return Spread(self.columns[0])

    def told(self) -> Plain:
        """Return what was seen of a piece, batch by batch."""
        return [(one.count, one.total, one.squares) for one in self._batches]

    def take(self, told: Plain) -> None:
        """Take into account what was told of a piece."""
        self._batches += [Moments(*one) for one in told]
