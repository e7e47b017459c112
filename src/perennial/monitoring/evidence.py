"""Evidence that a loss has risen: an e-detector over nights, and the night from which it most likely rose."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from perennial.monitoring.psi import Floats

CLIP = 4.0
"""A night counts at most so many times the tolerated loss, so that no single night raises an alarm by itself."""

_BETS: Floats = np.array([0.2, 0.5, 0.95])


def evidence(ratios: Sequence[float], *, ceiling: float = math.inf) -> float:
    """Return the evidence, after the last of *ratios*, that their mean rose above 1 at some night: 0 without nights.

    Examples:
        >>> evidence([1.0, 1.0])
        2.0
    """
    return float(evidence_by_night(np.array(ratios, dtype=np.float64), ceiling=ceiling)[-1]) if len(ratios) else 0.0


def evidence_by_night(ratios: Floats, *, ceiling: float = math.inf) -> Floats:
    """Return the evidence after each night that the mean of *ratios* rose above 1 at some night.

    Each of several bets b multiplies its stake by ``1 + b * (min(x, 4) - 1)`` a night, and one more unit is staked every night
    (Shiryaev and Roberts), as the night of the change is not known. The evidence is the mean stake over the bets.

    As long as each ratio's mean, given the nights before, is at most 1, the mean stake after t nights is at most t. Hence an
    alarm at 1/a comes within t nights with a chance of at most ``a * t``, for any t, and the mean time to a false alarm is at
    least 1/a nights; whatever the ratios' distribution, and however often one looks. Clipping only lowers a mean, so it costs
    power but no validity.

    Where nights hang together (a bad week), the mean given the nights before goes above 1 for a while, and the promise does not
    cover that; the tolerance is the room for it. Simulated over a year with 1/a = 365, a spread of 40 % between nights and a
    correlation of 0.5 from night to night, a champion that loses what was evaluated is suspected with a chance of 4 % where 25 %
    more is tolerated, and of 73 % where 5 % is; at a correlation of 0.7, of 29 % and 91 %.

    Args:
        ratios: Shape (..., nights), loss over tolerated loss, oldest night first, at least 0.
        ceiling: A stake does not grow beyond this, so that good nights can take the evidence back after a long decay.

    Returns:
        Shape (..., nights).

    References:
        Shin, Ramdas and Rinaldo, E-detectors: a nonparametric framework for sequential change detection, arXiv:2203.03532.
        Podkopaev and Ramdas, Tracking the risk of a deployed model and detecting harmful distribution shifts, arXiv:2110.06177.
    """
    factors = 1 + _BETS * (np.minimum(ratios, CLIP)[..., None] - 1)
    stakes = np.zeros((*ratios.shape[:-1], _BETS.size))
    found = np.empty_like(ratios)
    for night in range(ratios.shape[-1]):
        stakes = np.minimum((stakes + 1) * factors[..., night, :], ceiling)
        found[..., night] = stakes.mean(axis=-1)
    return found


def change_point(ratios: Sequence[float]) -> int | None:
    """Return the position of the night from which the ratios most likely lie above 1; None if they do not at the end.

    It is the start of the last excursion of Page's cumulative sum of ``min(x, 4) - 1`` above 0.

    Args:
        ratios: Loss over tolerated loss, oldest night first.

    Examples:
        >>> change_point([0.9, 0.8, 2.0, 2.5])
        2

    References:
        Page, Continuous inspection schemes, 1954.
    """
    excess, start = 0.0, None
    for position, ratio in enumerate(ratios):
        excess = max(excess + min(ratio, CLIP) - 1, 0.0)
        if not excess:
            start = None
        elif start is None:
            start = position
    return start
