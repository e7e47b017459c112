"""How sure a figure is, where rows of one day depend on each other: whole days are drawn again, the same ones for all models."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from perennial.core.receipts import Estimate
from perennial.learning.metrics import Floats, figures_of

RESAMPLES = 2000
LEVEL = 0.95
"""The confidence of every interval that is told."""

CERTAINTY = 0.96
"""The confidence of the one bound that a gate looks at.

An equal challenger then passes 4 of 100 times, which leaves room below the promised 5 for what a few days cannot tell, and one that
is better by three standard errors passes 86 of 100 times from 14 days on.
"""

_SEED = 20_240_101
_UNDEFINED = 0.01
"""The share of draws in which a figure may be undefined."""

_TWO = 2


def resampled(name: str, actual: Floats, predicted: Floats, days: npt.NDArray[np.int64]) -> Floats:
    """Return a figure on all rows, and then on each of ``RESAMPLES`` draws of as many days as there are, with replacement.

    The draws depend on the number of days alone, so that differences between models on the same rows are paired.

    Args:
        name: A figure of ``metric``.
        actual: Shape (rows,).
        predicted: Shape (rows,).
        days: Shape (rows,), the day that each row belongs to.

    Returns:
        Shape (1 + RESAMPLES,); NaN where the figure is undefined.
    """
    of_row = np.unique(days, return_inverse=True)[1]
    count = int(of_row.max()) + 1
    return figures_of(name, actual, predicted, of_row, _draws(count))


@lru_cache(maxsize=8)
def _draws(days: int) -> Floats:
    """Return how often each day is drawn, shape (RESAMPLES, days)."""
    drawn = np.random.default_rng([_SEED, days]).multinomial(days, np.full(days, 1 / days), size=RESAMPLES)
    return drawn.astype(np.float64)


def standard_error(figures: Floats, days: int) -> float:
    """Return the standard error of what ``resampled`` gave, or of a function of several of these; NaN where it has none.

    It is the standard deviation over the draws, times ``sqrt(days / (days - 1))``: a draw of k days varies as k - 1 do.

    Args:
        figures: Shape (1 + RESAMPLES,).
        days: The number of days that were drawn from.

    References:
        Efron, Tibshirani, An Introduction to the Bootstrap, 1993, chapter 8 (blocks) and problem 5.4 (the factor).
    """
    drawn = figures[1:][np.isfinite(figures[1:])]
    if days < _TWO or drawn.size < (1 - _UNDEFINED) * RESAMPLES:
        return math.nan
    return float(drawn.std()) * math.sqrt(days / (days - 1))


def estimate(figures: Floats, days: int, *, tail: float = (1 - LEVEL) / 2) -> Estimate:
    """Return a figure with an interval that misses it by *tail* on each side.

    The interval is ``f ± t * s`` with the standard error s and the quantile t of Student's distribution of ``days - 1`` degrees of
    freedom. Percentiles of the draws would be too narrow: of three days with three gains, every draw gains.

    It takes days for independent of each other. Where one bad day makes the next one bad, it is narrower than it says. One day
    gives no interval.

    Args:
        figures: Shape (1 + RESAMPLES,).
        days: The number of days that were drawn from.
        tail: The chance of each side.
    """
    whole, error = float(figures[0]), standard_error(figures, days)
    if not math.isfinite(error):
        return Estimate(value=whole)
    half = float(student.ppf(1 - tail, days - 1)) * error
    return Estimate(value=whole, low=whole - half, high=whole + half)


def bounds(figures: Floats, days: int) -> Estimate:
    """Return a figure between two bounds, each of which holds with ``CERTAINTY`` for itself."""
    return estimate(figures, days, tail=1 - CERTAINTY)


def chance_of_more(figures: Floats, days: int) -> float:
    """Return the p-value of the figure being above 0 where it is 0 in truth, one-sided; NaN where it has no standard error."""
    error = standard_error(figures, days)
    if not error > 0:
        return math.nan if math.isnan(error) else float(figures[0] <= 0)
    return float(student.sf(figures[0] / error, days - 1))
