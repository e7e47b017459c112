"""What PSI does without drift worth the name: the null against which a night is held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from perennial.monitoring.binning import FEW_NIGHTS
from perennial.monitoring.psi import Counts, Floats, psi_by_row, sampling_scale, smoothed

_ORDINARY_ROWS = 5.0
_APART_ROWS = 0.2


@dataclass(frozen=True, slots=True)
class Null:
    """The distribution of one column's PSI on a night without drift, taken as the worse of two.

    Sampling: PSI / *scale* follows a non-central chi-squared with *freedom* degrees of freedom and non-centrality
    *tolerated* / *scale*. Nights: PSI has *mean* and, as far as *nights* reference nights show, the *variance* of a scaled
    chi-squared (Satterthwaite). Those two are estimates: the shape is lowered by its standard error, and F takes the place of
    chi-squared.

    Attributes:
        freedom: Bins in use, less one.
        scale: 1/n + 1/m.
        tolerated: PSI of a shift that is not worth a retraining, in nats.
        mean: In nats.
        variance: In nats squared.
        nights: How many reference nights showed it; below 7 only sampling counts.

    References:
        Yurdakul and Naranjo, Statistical properties of the population stability index, 2020.
        Satterthwaite, An approximate distribution of estimates of variance components, 1946.
    """

    freedom: int
    scale: float
    tolerated: float
    mean: float
    variance: float
    nights: int

    def p_value(self, psi: float) -> float:
        """Return the chance of at least *psi* nats without drift."""
        figures = (psi, self.freedom, self.scale, self.tolerated, self.mean, self.variance, self.nights)
        return float(p_values(*(np.array([figure]) for figure in figures))[0])

    def threshold(self, level: float) -> float:
        """Return the PSI, in nats, that has the chance *level* without drift."""
        if not self.freedom:
            return float("inf")
        sampling = self.scale * float(stats.ncx2.isf(level, self.freedom, self.tolerated / self.scale))
        if self.nights < FEW_NIGHTS:
            return sampling
        shape = float(_shape(np.array(self.mean), np.array(self.variance), np.array(self.nights)))
        return max(sampling, self.mean * float(stats.f.isf(level, shape, shape * self.nights)))


def p_values(
    psi: Floats, freedom: Floats, scale: Floats, tolerated: Floats, mean: Floats, variance: Floats, nights: Floats
) -> Floats:
    """Return the chance of at least each *psi* without drift, shape (nulls,); the rest is like it, and as in :class:`Null`."""
    found = np.ones(psi.shape)
    some = np.flatnonzero(freedom > 0)
    found[some] = stats.ncx2.sf(psi[some] / scale[some], freedom[some], tolerated[some] / scale[some])
    shown = some[nights[some] >= FEW_NIGHTS]
    shape = _shape(mean[shown], variance[shown], nights[shown])
    found[shown] = np.maximum(found[shown], stats.f.sf(psi[shown] / mean[shown], shape, shape * nights[shown]))
    return found


def _shape(mean: Floats, variance: Floats, nights: Floats) -> Floats:
    shape = 2 * mean**2 / variance
    lowered: Floats = shape / (1 + np.sqrt((2 + 12 / shape) / nights))
    return lowered


def night_null(reference: Counts, night: Counts, nights: Counts, shift: float, group: Counts | None = None) -> Null:
    """Return the null of one column for a night of this size.

    Args:
        reference: Shape (bins,), over the bins in use.
        night: Shape (bins,).
        nights: Shape (nights, bins), the counts of each reference night.
        shift: The tolerated shift, in reference standard deviations.
        group: Shape (nights,). Each night is held against the others of its group, which has a number from 0 on, and more than
            one night. By default all are one group.
    """
    freedom = reference.size - 1
    scale = sampling_scale(night.sum(), reference.sum())
    group = np.zeros(len(nights), np.int64) if group is None else group
    excess, variance = between(nights, group, freedom) if len(nights) >= FEW_NIGHTS else (0.0, 0.0)
    return Null(
        freedom=freedom,
        scale=scale,
        tolerated=tolerated_psi(reference, shift),
        mean=scale * freedom + excess,
        variance=2 * freedom * scale**2 + variance,
        nights=len(nights),
    )


def between(nights: Counts, group: Counts, freedom: int) -> tuple[float, float]:
    """Return by how much mean and variance of PSI, of each night against the others, exceed what sampling explains.

    Args:
        nights: Shape (nights, bins).
        group: Shape (nights,), as in :func:`night_null`.
        freedom: Bins, less one.
    """
    totals = np.zeros((int(group.max()) + 1, nights.shape[1]), np.int64)
    np.add.at(totals, group, nights)
    others = totals[group] - nights
    found = psi_by_row(others, nights)
    scale = sampling_scale(nights.sum(axis=1), others.sum(axis=1))
    mean = float(np.mean(found - scale * freedom))
    variance = float(np.var(found, ddof=1) - np.mean(2 * freedom * scale**2))
    return max(mean, 0.0), max(variance, 0.0)


def tolerated_psi(reference: Counts, shift: float) -> float:
    """Return the PSI of a normal variable whose mean moves by *shift* standard deviations, over bins of these shares.

    With many bins this is about ``shift**2`` nats.
    """
    shares = smoothed(reference)
    cuts = special.ndtri(np.clip(np.cumsum(shares)[:-1], 0.0, 1.0))
    moved: Floats = np.diff(np.concatenate(([0.0], special.ndtr(cuts - shift), [1.0])))
    moved = np.maximum(moved, np.finfo(float).tiny)
    return float(np.sum((moved - shares) * (np.log(moved) - np.log(shares))))


def bins_in_use(reference: Counts, night: Counts, ordinary: int) -> Counts:
    """Return where each bin starts after sparse ones were joined with their neighbours, shape (bins in use,).

    The rule looks only at the counts of both together, which say nothing about a difference between them, so it costs no
    validity. An ordinary bin needs an expected 5 rows of the night; those that stand apart (outside the range, unseen, missing)
    need 0.2, so that a few of them are enough to be seen.

    Args:
        reference: Shape (bins,).
        night: Shape (bins,).
        ordinary: The number of bins that do not stand apart; these come first.
    """
    both = reference + night
    expected = (both * (min(night.sum(), reference.sum()) / both.sum())).tolist()
    starts: list[int] = []
    start, rows = 0, 0.0
    for position, more in enumerate(expected[:ordinary]):
        rows += more
        if rows >= _ORDINARY_ROWS:
            starts.append(start)
            start, rows = position + 1, 0.0
    starts += [position for position in range(ordinary, len(expected)) if expected[position] >= _APART_ROWS]
    return np.array([0, *starts[1:]], dtype=np.int64)
