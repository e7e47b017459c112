"""How sure a figure is, where rows of one day depend on each other: whole days are drawn again, the same ones for all models."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from perennial.core.receipts import Estimate
from perennial.learning.arrays import Floats
from perennial.learning.metrics import figures_of

RESAMPLES = 2000
LEVEL = 0.95
"""The confidence of every interval that is told."""

CERTAINTY = 0.96
"""The confidence of the one bound that a gate looks at.

An equal challenger then passes 4 of 100 times, which leaves room below the promised 5 for what a few days cannot tell, and one that
is better by three standard errors passes 86 of 100 times from 14 days on.
"""

ALIKE_DAYS = 31
"""So many days that are all alike are believed.

What was never seen on n days happens, with ``CERTAINTY``, on at most a share p of all days with ``(1 - p)**n = 1 - CERTAINTY``: a
tenth for 31 days, more than a third for 7. Fewer days that happen to be alike have no spread, and so say nothing of their spread.
"""

ROUNDING = 1e-9
"""Figures that differ by less than this share of what they are made of differ by rounding."""

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
    of_row, count = _numbered(days)
    figures = figures_of(name, actual, predicted, of_row, draws(count))
    return settled(figures, abs(float(figures[0])))


def resampled_mean(values: Floats, days: npt.NDArray[np.int64]) -> Floats:
    """Return the mean of *values*, shape (rows,), on all rows and then on each draw, as ``resampled`` does."""
    of_row, count = _numbered(days)
    sums, rows = np.bincount(of_row, values), np.bincount(of_row)
    mixtures = draws(count)
    means = np.concatenate([[values.mean()], (mixtures @ sums) / (mixtures @ rows)])
    return settled(means, abs(float(means[0])))


def _numbered(days: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.intp], int]:
    """Return the days numbered from 0, shape (rows,), and how many there are."""
    of_row = np.unique(days, return_inverse=True)[1]
    return of_row, int(of_row.max()) + 1


def settled(figures: Floats, size: float) -> Floats:
    """Return *figures* without the draws' rounding: what differs from the first one by rounding only is the first one.

    Args:
        figures: Shape (1 + RESAMPLES,).
        size: How large the figures are that these were made of, as differences may be much smaller than these.
    """
    return np.where(np.abs(figures - figures[0]) <= ROUNDING * size, figures[0], figures)


@lru_cache(maxsize=8)
def draws(days: int) -> Floats:
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
    if why_unsure(figures, days):
        return math.nan
    drawn = figures[1:][np.isfinite(figures[1:])]
    return 0.0 if _alike(drawn) else float(drawn.std()) * math.sqrt(days / (days - 1))


def why_unsure(figures: Floats, days: int) -> str:
    """Return why nobody can say how sure a figure is, as the end of a sentence; empty where one can.

    Args:
        figures: Shape (1 + RESAMPLES,).
        days: The number of days that were drawn from.
    """
    if days < _TWO:
        return "one day gives no interval"
    drawn = figures[1:][np.isfinite(figures[1:])]
    if drawn.size < (1 - _UNDEFINED) * RESAMPLES:
        return "it is undefined in too many draws of days"
    if _alike(drawn) and days < ALIKE_DAYS:
        return f"{days} days that are all alike give no interval ({ALIKE_DAYS} would)"
    return ""


def _alike(drawn: Floats) -> bool:
    return bool(drawn.max() == drawn.min())


def estimate(figures: Floats, days: int, *, tail: float = (1 - LEVEL) / 2) -> Estimate:
    """Return a figure with an interval that misses it by *tail* on each side.

    The interval is ``f ± t * s`` with the standard error s and the quantile t of Student's distribution of ``days - 1`` degrees of
    freedom. Percentiles of the draws would be too narrow: of three days with three gains, every draw gains.

    It takes days for independent of each other. Where one bad day makes the next one bad, it is narrower than it says. One day
    gives no interval, nor do fewer than ``ALIKE_DAYS`` that are all alike.

    Args:
        figures: Shape (1 + RESAMPLES,).
        days: The number of days that were drawn from.
        tail: The chance of each side.
    """
    whole, error = float(figures[0]), standard_error(figures, days)
    if not math.isfinite(error):
        return Estimate(value=whole)
    half = float(stdtrit(days - 1, 1 - tail)) * error
    return Estimate(value=whole, low=whole - half, high=whole + half)


def bounds(figures: Floats, days: int) -> Estimate:
    """Return a figure between two bounds, each of which holds with ``CERTAINTY`` for itself."""
    return estimate(figures, days, tail=1 - CERTAINTY)


def chance_of_more(figures: Floats, days: int) -> float:
    """Return the p-value of the figure being above 0 where it is 0 in truth, one-sided; NaN where nobody can say.

    Days that are all alike say nothing of what other days do, if there are few of them; but where none of them lies above 0, they
    are no sign that others do.
    """
    if days >= _TWO and figures[0] <= 0 and _alike(figures):
        return 1.0
    error = standard_error(figures, days)
    if not error > 0:
        return math.nan if math.isnan(error) else 0.0
    return float(stdtr(days - 1, -figures[0] / error))
