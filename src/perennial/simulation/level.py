"""How busy an average hour is while the company grows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FIRST_LEVEL = 150.0
"""Rides in an average hour on day 0."""

YEARLY_GROWTH = 1.63
"""The level after 365 days, as a multiple of the one before."""

DAYS_PER_YEAR = 365.0


def level(elapsed_days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``150 * exp(ln 1.63 * t / 365)``, rides an hour, at *elapsed_days* t since the start.

    Examples:
        >>> level(np.array([0.0, 365.0])).round(1).tolist()
        [150.0, 244.5]
    """
    yearly = np.log(YEARLY_GROWTH)
    return np.asarray(FIRST_LEVEL * np.exp(yearly * elapsed_days / DAYS_PER_YEAR), dtype=np.float64)
