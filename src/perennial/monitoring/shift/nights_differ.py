"""How much nights without drift differ from each other, beyond what sampling explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perennial.monitoring.counting.binning import FEW_NIGHTS
from perennial.monitoring.psi import Counts, psi_by_row, sampling_scale

_LEAST_TAILS = 1.0
"""Nights are taken to differ with at least this much excess kurtosis: Student's with 10 degrees of freedom has it."""

_CAUTION = 1.28
"""In standard errors: the quantile of nine tenths."""

_MODERATE = 4.0
"""Student's distribution has a kurtosis only above so many degrees of freedom."""


@dataclass(frozen=True, slots=True)
class NightsDiffer:
    """What the nights of a reference show of a column.

    Attributes:
        excess: By how much the mean PSI of a night exceeds what sampling explains, in nats; at the upper end of what so few nights
            leave possible: of ten references without any differences nine show less than what is added.
        degrees: Nights differ with tails as heavy as Student's distribution with so many degrees of freedom; 0 where there were too
            few nights to know anything.
    """

    excess: float
    degrees: float


UNKNOWN = NightsDiffer(0.0, 0.0)


def nights_differ(nights: Counts, group: Counts, freedom: int) -> NightsDiffer:
    """Learn from the PSI of each night against the others how much, and how evenly, nights differ.

    Their spread is told from that of sampling by two moments. What is left of the second beyond that of a normal distribution is
    taken for heavy tails, as far as nights surely differ at all: in full from three standard errors on, not at all below one.

    Args:
        nights: Shape (nights, bins), over the bins in use.
        group: Shape (nights,), a number from 0 on. Each night is held against the others of its group, of which there are some.
        freedom: Bins, less one.
    """
    if len(nights) < FEW_NIGHTS or not freedom:
        return UNKNOWN
    groups = int(group.max()) + 1
    totals = np.zeros((groups, nights.shape[1]), np.int64)
    np.add.at(totals, group, nights)
    others = totals[group] - nights
    found = psi_by_row(others, nights)
    scale = sampling_scale(nights.sum(axis=1), others.sum(axis=1))
    sampled = float(np.mean(2 * freedom * scale**2))
    error, mean = math.sqrt(sampled / len(nights)), max(float(np.mean(found - scale * freedom)), 0.0)
    spread = max(float(np.var(found, ddof=1)) - sampled - 4 * mean * float(np.mean(scale)), 0.0)
    whole = mean + float(np.mean(scale)) + error
    sure = min(max((mean / error - 1) / 2, 0.0), 1.0)
    tails = (_LEAST_TAILS * mean**2 + sure * max(spread - 2 * mean**2, 0.0)) / whole**2
    most = max(len(nights) - groups, 1)
    return NightsDiffer(mean + _CAUTION * error, min(_MODERATE + 6 / tails, most) if tails > 0 else most)
