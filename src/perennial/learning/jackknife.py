"""How sure a figure is, where rows of one day depend on each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from perennial.core.receipts import Estimate
from perennial.learning.metrics import Floats, figure, metric, terms

LEVEL = 0.95
"""The confidence of every interval."""

_TWO = 2


def without_each_day(name: str, actual: Floats, predicted: Floats, days: npt.NDArray[np.int64]) -> Floats:
    """Return a figure on all rows, and then without each day in turn.

    Args:
        name: A figure of ``metric``.
        actual: Shape (rows,).
        predicted: Shape (rows,).
        days: Shape (rows,), the day that each row belongs to.

    Returns:
        Shape (1 + days,), ascending by day; NaN where the figure is undefined.
    """
    of_row = np.unique(days, return_inverse=True)[1]
    count = int(of_row.max()) + 1
    whole = metric(name, actual, predicted)
    if not np.isfinite(whole):
        return np.full(1 + count, np.nan)
    if name == "roc_auc":
        return np.array([whole, *(metric(name, actual[of_row != day], predicted[of_row != day]) for day in range(count))])
    rows = terms(name, actual, predicted)
    sums = np.stack([np.bincount(of_row, weights=term, minlength=count) for term in rows.T], axis=-1)
    left = (rows.shape[0] - np.bincount(of_row, minlength=count))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.concatenate([[whole], figure(name, (sums.sum(axis=0) - sums) / left)])


def estimate(replicates: Floats) -> Estimate:
    """Return a figure with its 95 % interval, from what ``without_each_day`` gave or a function of several of these.

    With k days, f on all of them and f(i) without day i, the delete-one-day jackknife has the variance
    ``v = (k - 1) / k * sum((f(i) - mean(f(i)))**2)``, and the interval is ``f ± t * sqrt(v)`` with the 97.5 % quantile t of
    Student's distribution of k - 1 degrees of freedom. For a mean this is the classic interval over blocks; for a difference of two
    figures on the same rows it is the paired one.

    It takes days for independent of each other. Where one bad day makes the next one bad, or where there are fewer than about ten
    days, it is narrower than it says. One day gives no interval.

    Args:
        replicates: Shape (1 + days,).

    References:
        Efron and Stein, The jackknife estimate of variance, 1981.
    """
    whole, left_out = float(replicates[0]), replicates[1:]
    count = left_out.size
    if count < _TWO or not np.isfinite(left_out).all():
        return Estimate(value=whole)
    variance = (count - 1) / count * np.sum((left_out - left_out.mean()) ** 2)
    half = float(student.ppf((1 + LEVEL) / 2, count - 1) * np.sqrt(variance))
    return Estimate(value=whole, low=whole - half, high=whole + half)
