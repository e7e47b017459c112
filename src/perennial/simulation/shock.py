"""The shock: a rail line closes, and its passengers take bicycles until they find another way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHOCK_DAY = 360.0
"""Days since the start when the line closes."""

SHOCK_SIZE = 1.6
"""Demand on SHOCK_DAY, as a multiple of what it would have been."""

SHOCK_HALF_LIFE = 120.0
"""Days after which half of the addition is gone."""


def shock(elapsed_days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the multiple of demand: 1 before day 360, ``1 + 0.6 * 0.5 ** ((t - 360) / 120)`` from then on.

    Examples:
        >>> shock(np.array([359.9, 360.0, 480.0])).tolist()
        [1.0, 1.6, 1.3]
    """
    since = np.maximum(elapsed_days - SHOCK_DAY, 0.0)
    return np.where(elapsed_days < SHOCK_DAY, 1.0, 1 + (SHOCK_SIZE - 1) * 0.5 ** (since / SHOCK_HALF_LIFE))
