"""What PSI does without drift worth the name: the null against which a night is held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from perennial.monitoring.psi import Counts, Floats, sampling_scale, smoothed
from perennial.monitoring.shift.nights_differ import nights_differ

_ORDINARY_ROWS = 5.0
_APART_ROWS = 0.2
_EXACT = 1e-6
_PLACES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_QUANTILES, _WEIGHTS = special.ndtr(_PLACES), _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True, slots=True)
class Null:
    """The distribution of one column's PSI on a night without drift, taken as the worse of two.

    Sampling: PSI / *scale* follows a non-central chi-squared with *freedom* degrees of freedom and non-centrality
    *tolerated* / *scale*. Nights: those that differ do so in one direction, in which a night lies as far off as Student's
    distribution with *degrees* degrees of freedom does in units of sqrt(*excess* + *scale*); in all others it is *scale* times a
    chi-squared. Of all directions that normal differences with this mean can have, a single one is the worst (Szekely and Bakirov).

    Attributes:
        freedom: Bins in use, less one.
        scale: 1/n + 1/m.
        tolerated: PSI of a shift that is not worth a retraining, in nats.
        excess: By how much the mean PSI of a night exceeds what sampling explains, in nats.
        degrees: How heavy the tails of what nights differ by are; 0 where that is not known, and only sampling counts.

    References:
        Yurdakul and Naranjo, Statistical properties of the population stability index, 2020.
        Szekely and Bakirov, Extremal probabilities for Gaussian quadratic forms, 2003.
    """

    freedom: int
    scale: float
    tolerated: float
    excess: float
    degrees: float

    def p_value(self, psi: float) -> float:
        """Return the chance of at least *psi* nats without drift."""
        figures = (psi, self.freedom, self.scale, self.tolerated, self.excess, self.degrees)
        return float(p_values(*(np.array([figure]) for figure in figures))[0])

    def threshold(self, level: float) -> float:
        """Return the PSI, in nats, that has the chance *level* without drift."""
        if not self.freedom:
            return float("inf")
        sampling = self.scale * float(stats.ncx2.isf(level, self.freedom, self.tolerated / self.scale))
        return max(sampling, self._of_nights(level)) if self.degrees else sampling

    def _of_nights(self, level: float) -> float:
        elsewhere, along = self.scale * _elsewhere(np.array(self.freedom)), self.excess + self.scale

        def above(psi: float) -> float:
            return float(_tails(psi - elsewhere, along, self.degrees)) - level

        alone = float(special.stdtrit(self.degrees, level / 2)) ** 2 * along
        return float(optimize.brentq(above, 0.0, 2 * (alone + float(elsewhere.max())), rtol=_EXACT))


def p_values(psi: Floats, freedom: Floats, scale: Floats, tolerated: Floats, excess: Floats, degrees: Floats) -> Floats:
    """Return the chance of at least each *psi* without drift, shape (nulls,); the rest is like it, and as in :class:`Null`."""
    found = np.ones(psi.shape)
    some = np.flatnonzero(freedom > 0)
    found[some] = stats.ncx2.sf(psi[some] / scale[some], freedom[some], tolerated[some] / scale[some])
    shown = some[degrees[some] > 0]
    of_nights = _of_nights(psi[shown], freedom[shown], scale[shown], excess[shown], degrees[shown])
    found[shown] = np.maximum(found[shown], of_nights)
    return found


def _of_nights(psi: Floats, freedom: Floats, scale: Floats, excess: Floats, degrees: Floats) -> Floats:
    """Return the chance of at least each *psi* where nights differ: the mean over what the other directions may hold."""
    left = psi[..., None] - scale[..., None] * _elsewhere(freedom)
    return _tails(left, (excess + scale)[..., None], degrees[..., None])


def _tails(left: Floats, along: Floats | float, degrees: Floats | float) -> Floats:
    found: Floats = 2 * special.stdtr(degrees, -np.sqrt(np.maximum(left, 0.0) / along)) @ _WEIGHTS
    return found


def _elsewhere(freedom: Floats) -> Floats:
    """Return some quantiles of a chi-squared with one degree of freedom less than *freedom*, shape (..., quantiles)."""
    others = np.maximum(freedom - 1, 0)[..., None]
    quantiles: Floats = np.where(others > 0, 2 * special.gammaincinv(np.maximum(others, 1) / 2, _QUANTILES), 0.0)
    return quantiles


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
    group = np.zeros(len(nights), np.int64) if group is None else group
    learnt = nights_differ(nights, group, freedom)
    return Null(
        freedom=freedom,
        scale=sampling_scale(night.sum(), reference.sum()),
        tolerated=tolerated_psi(reference, shift),
        excess=learnt.excess,
        degrees=learnt.degrees,
    )


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
