"""How losses differ where nothing has decayed: from row to row, and from night to night."""

from __future__ import annotations

import numpy as np
from scipy.special import fdtri

from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.stored import Frozen

LEAST_NIGHTS = 4
"""Fewer nights say nothing of how nights differ."""

_DOUBT = 0.25
"""The chance that nights differ more than is said of them."""


class Variation(Frozen):
    """What is known of a loss that has not decayed.

    Attributes:
        nights: How many nights it was learnt from.
        spread: The variance of a row's loss, over its squared mean.
        alike: The share of that variance which the rows of one night have in common: 0 where a night is rows like any others, 1
            where its rows all say the same.
    """

    nights: int
    spread: float
    alike: float

    def weight(self, rows: Floats) -> Floats:
        """Return the share of a night's rows that count as if they were independent of each other: one over the design effect.

        References:
            Kish, Survey sampling, 1965, chapter 5.
        """
        weights: Floats = 1 / (1 + np.maximum(rows - 1, 0) * self.alike)
        return weights


def variation(rows: Counts, means: Floats, squares: Floats) -> Variation | None:
    """Learn from nights in which nothing had decayed.

    ``alike`` is the intraclass correlation of a one-way analysis of variance, at the upper end of what these nights leave possible:
    it lies below with a chance of three quarters. A few nights that happen to be alike are no proof that nights are.

    Args:
        rows: Shape (nights,), rows with a label.
        means: Shape (nights,), the mean loss.
        squares: Shape (nights,), the mean of the squared loss.

    Returns:
        None with fewer than four nights, or where no loss was seen at all.

    Examples:
        >>> variation(np.array([9, 9]), np.array([1.0, 1.0]), np.array([2.0, 2.0])) is None
        True

    References:
        Searle, Casella, McCulloch, Variance components, 1992, section 3.6 (the interval).
    """
    seen = rows > 0
    rows, means, squares = rows[seen], means[seen], squares[seen]
    nights, total = rows.size, int(rows.sum())
    mean = float(rows @ means) / max(total, 1)
    if nights < LEAST_NIGHTS or not (mean > 0 and np.isfinite(squares).all()):
        return None
    within, between = float(rows @ np.maximum(squares - means**2, 0)), float(rows @ (means - mean) ** 2)
    spread = (within + between) / total / mean**2
    return Variation(nights=nights, spread=spread, alike=_alike(rows, within, between)) if np.isfinite(spread) else None


def _alike(rows: Counts, within: float, between: float) -> float:
    nights, total = rows.size, int(rows.sum())
    if total == nights or within <= 0:
        return 1.0
    ratio = between / (nights - 1) / (within / (total - nights))
    most = ratio / float(fdtri(nights - 1, total - nights, _DOUBT))
    a_night = (total - float(rows @ rows) / total) / (nights - 1)
    return float(np.clip((most - 1) / (most - 1 + a_night), 0, 1))
