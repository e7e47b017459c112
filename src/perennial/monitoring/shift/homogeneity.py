"""The chi-squared test of homogeneity: do two sets of counts come from one distribution, if rows were independent?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from perennial.monitoring.psi import Counts


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """Pearson's statistic of a 2 x k table without a continuity correction, its degrees of freedom and its p-value.

    The p-value takes all rows for independent and allows no tolerance, so on many rows anything is significant. It is reported
    for those who know it, and decides nothing.
    """

    statistic: float
    freedom: int
    p_value: float


def homogeneity(reference: Counts, current: Counts) -> Homogeneity | None:
    """Test the table of the two rows *reference* and *current*, each of shape (bins,).

    Unlike a test of fit, it knows that the reference is a sample, too. Bins without any row are left out.

    Returns:
        The test; None where either has no rows, or fewer than two bins have some.
    """
    both = reference + current
    table = np.stack([reference, current])[:, both > 0].astype(np.float64)
    freedom, rows = table.shape[1] - 1, table.sum(axis=1)
    if freedom < 1 or not rows.all():
        return None
    expected = np.outer(rows, table.sum(axis=0)) / rows.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return Homogeneity(statistic, freedom, float(special.chdtrc(freedom, statistic)))
