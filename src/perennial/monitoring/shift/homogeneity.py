"""The chi-squared test of homogeneity: do two sets of counts come from one distribution, if rows were independent?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from perennial.monitoring.psi import Counts, Floats


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """Pearson's statistic of 2 x k tables without a continuity correction, its degrees of freedom and its p-value, shape (...).

    The p-value takes all rows for independent and allows no tolerance, so on many rows anything is significant. It is reported
    for those who know it, and decides nothing. Where a table has no test, statistic and p-value are NaN.
    """

    statistic: Floats
    freedom: Counts
    p_value: Floats


def homogeneity(reference: Counts, current: Counts) -> Homogeneity:
    """Test the tables of two rows each, *reference* and *current*, both of shape (..., bins).

    Unlike a test of fit, it knows that the reference is a sample, too. Bins without any row are left out. There is no test where
    either has no rows, or fewer than two bins have some.
    """
    both = reference + current
    before, now = reference.sum(axis=-1, keepdims=True), current.sum(axis=-1, keepdims=True)
    share = now / np.maximum(before + now, 1)
    # What is too many in one row is too few in the other, so the two cells of a bin are one term.
    terms = (current - both * share) ** 2 / np.maximum(both, 1)
    freedom = np.count_nonzero(both, axis=-1) - 1
    with np.errstate(divide="ignore", invalid="ignore"):  # where either has no rows, there is no test
        statistic = np.where(freedom > 0, (terms / (share * (1 - share))).sum(axis=-1), np.nan)
    return Homogeneity(statistic, freedom, special.chdtrc(np.maximum(freedom, 1), statistic))
