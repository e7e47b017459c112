"""How much nights without drift differ from each other, beyond what sampling explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perennial.monitoring.counting.binning import FEW_NIGHTS
from perennial.monitoring.psi import Counts, Floats, psi_by_row, sampling_scale

_LEAST_TAILS = 1.0
"""Nights are taken to differ with at least this much excess kurtosis: Student's with 10 degrees of freedom has it."""

_CAUTION = 1.28
"""In standard errors: the quantile of nine tenths."""

_MODERATE = 4.0
"""Student's distribution has a kurtosis only above so many degrees of freedom."""


@dataclass(frozen=True, slots=True)
class NightsDiffer:
    """What the nights of a reference show of columns.

    Attributes:
        excess: Shape (...). By how much the mean PSI of a night exceeds what sampling explains, in nats; at the upper end of what
            so few nights leave possible: of ten references without any differences nine show less than what is added.
        degrees: Shape (...). Nights differ with tails as heavy as Student's distribution with so many degrees of freedom; 0 where
            there were too few nights to know anything.
    """

    excess: Floats
    degrees: Floats


def nights_differ(nights: Counts, group: Counts, freedom: int) -> NightsDiffer:
    """Learn from the PSI of each night against the others how much, and how evenly, nights differ.

    Their spread is told from that of sampling by two moments. What is left of the second beyond that of a normal distribution is
    taken for heavy tails, as far as nights surely differ at all: in full from three standard errors on, not at all below one.

    Args:
        nights: Shape (..., nights, bins), over the bins in use.
        group: Shape (nights,), a number from 0 on. Each night is held against the others of its group, of which there are some.
        freedom: Bins, less one.
    """
    count = nights.shape[-2]
    if count < FEW_NIGHTS or not freedom:
        return NightsDiffer(*np.zeros((2, *nights.shape[:-2])))
    others = _others(nights, group)
    found = psi_by_row(others, nights)
    scale = sampling_scale(nights.sum(axis=-1), others.sum(axis=-1))
    sampled, usual = np.mean(2 * freedom * scale**2, axis=-1), np.mean(scale, axis=-1)
    error, mean = np.sqrt(sampled / count), np.maximum(np.mean(found - scale * freedom, axis=-1), 0.0)
    spread = np.maximum(np.var(found, ddof=1, axis=-1) - sampled - 4 * mean * usual, 0.0)
    sure = np.clip((mean / error - 1) / 2, 0.0, 1.0)
    tails = (_LEAST_TAILS * mean**2 + sure * np.maximum(spread - 2 * mean**2, 0.0)) / (mean + usual + error) ** 2
    most = max(count - int(group.max()) - 1, 1)
    with np.errstate(divide="ignore"):  # where tails are those of a normal distribution
        return NightsDiffer(mean + _CAUTION * error, np.minimum(_MODERATE + 6 / tails, most))


def _others(nights: Counts, group: Counts) -> Counts:
    """Return the counts of the other nights of each night's group, shape (..., nights, bins)."""
    totals = [np.compress(group == number, nights, axis=-2).sum(axis=-2) for number in range(int(group.max()) + 1)]
    others: Counts = np.take(np.stack(totals, axis=-2), group, axis=-2) - nights
    return others
