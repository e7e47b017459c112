"""What PSI does without drift worth the name: the null against which a night is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats
from scipy.optimize.elementwise import find_root

from perennial.monitoring.psi import Counts, Floats, sampling_scale, smoothed
from perennial.monitoring.shift.nights_differ import nights_differ

ORDINARY_ROWS = 5.0
"""So many rows an ordinary bin needs, to be one by itself."""

_APART_ROWS = 0.2
_EXACT = 1e-9
_LITTLE_LESS, _LITTLE_MORE = 1 - 1e-6, 1 + 1e-6
"""Ends between which a root lies are set apart by this where they would be one."""
_PLACES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_QUANTILES, _WEIGHTS = special.ndtr(_PLACES), _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True, slots=True)
class Null:
    """The distribution of PSI on a night without drift, of one column or of many, each taken as the worse of two.

    Sampling: PSI / *scale* follows a non-central chi-squared with *freedom* degrees of freedom and non-centrality
    *tolerated* / *scale*. Nights: those that differ do so in one direction, in which a night lies as far off as Student's
    distribution with *degrees* degrees of freedom does in units of sqrt(*excess* + *scale*); in all others it is *scale* times a
    chi-squared. Of all directions that normal differences with this mean can have, a single one is the worst (Szekely and Bakirov).

    Attributes:
        freedom: Shape (...), which all have: bins in use, less one.
        scale: 1/n + 1/m.
        tolerated: PSI of a shift that is not worth a retraining, in nats.
        excess: By how much the mean PSI of a night exceeds what sampling explains, in nats.
        degrees: How heavy the tails of what nights differ by are; 0 where that is not known, and only sampling counts.

    References:
        Yurdakul and Naranjo, Statistical properties of the population stability index, 2020.
        Szekely and Bakirov, Extremal probabilities for Gaussian quadratic forms, 2003.
    """

    freedom: Floats
    scale: Floats
    tolerated: Floats
    excess: Floats
    degrees: Floats

    def p_value(self, psi: Floats | float) -> Floats:
        """Return the chances of at least *psi* nats without drift, shape (...)."""
        flat, reached = self._flat, np.broadcast_to(psi, self.freedom.shape).ravel()
        found, some = np.ones(reached.size), np.flatnonzero(flat.freedom)
        varying = flat.at(some)
        found[some] = stats.ncx2.sf(reached[some] / varying.scale, varying.freedom, varying.tolerated / varying.scale)
        shown = some[varying.degrees > 0]
        found[shown] = np.maximum(found[shown], flat.at(shown).of_nights(reached[shown]))
        return found.reshape(self.freedom.shape)

    def threshold(self, level: float) -> Floats:
        """Return the PSI, in nats, that has the chance *level* without drift, shape (...); infinite for a constant column."""
        flat = self._flat
        found, some = np.full(flat.freedom.size, np.inf), np.flatnonzero(flat.freedom)
        varying = flat.at(some)
        found[some] = varying.scale * stats.ncx2.isf(level, varying.freedom, varying.tolerated / varying.scale)
        shown = some[varying.degrees > 0]
        beyond = shown[flat.at(shown).of_nights(found[shown]) > level]
        if beyond.size:
            found[beyond] = np.maximum(found[beyond], flat.at(beyond).threshold_of_nights(level))
        return found.reshape(self.freedom.shape)

    def of_nights(self, psi: Floats) -> Floats:
        """Return the chances of at least *psi* where nights differ, shape (columns,): the mean over what is in other directions."""
        return _tails(psi[:, None] - self._elsewhere, (self.excess + self.scale)[:, None], self.degrees[:, None])

    def threshold_of_nights(self, level: float) -> Floats:
        """Return the PSI that has the chance *level* where nights differ, shape (columns,)."""
        elsewhere, along = self._elsewhere, self.excess + self.scale

        def above(psi: Floats, place: Counts) -> Floats:
            tails = _tails(psi[:, None] - elsewhere[place], along[place, None], self.degrees[place, None])
            found: Floats = np.log(tails / level)
            return found

        alone = special.stdtrit(self.degrees, level / 2) ** 2 * along
        within = _LITTLE_LESS * alone, _LITTLE_MORE * (alone + elsewhere.max(axis=1))
        found: Floats = find_root(above, within, args=(np.arange(along.size),), tolerances={"xrtol": _EXACT}).x
        return found

    def at(self, places: Counts | slice) -> Null:
        """Return the null of the columns at *places*, of those of shape (columns,)."""
        return Null(*(part[places] for part in self.parts))

    @staticmethod
    def of(nulls: Sequence[Null]) -> Null:
        """Return *nulls*, each of shape (columns,), one after the other."""
        return Null(*map(np.concatenate, zip(*(null.parts for null in nulls), strict=True)))

    @property
    def parts(self) -> tuple[Floats, ...]:
        """All attributes, in order."""
        return self.freedom, self.scale, self.tolerated, self.excess, self.degrees

    @property
    def _flat(self) -> Null:
        return Null(*map(np.ravel, self.parts))

    @property
    def _elsewhere(self) -> Floats:
        """Some quantiles of what the other directions hold: chi-squared, one degree of freedom less, shape (columns, quantiles)."""
        freedom, place = np.unique(self.freedom, return_inverse=True)
        others = freedom[:, None] - 1
        quantiles = np.where(others > 0, 2 * special.gammaincinv(np.maximum(others, 1) / 2, _QUANTILES), 0.0)
        found: Floats = self.scale[:, None] * quantiles[place]
        return found


def _tails(left: Floats, along: Floats, degrees: Floats) -> Floats:
    """Return the chances that what is *left* lies in the one direction, in the mean over the last axis, shape (columns,)."""
    found: Floats = 2 * special.stdtr(degrees, -np.sqrt(np.maximum(left, 0.0) / along)) @ _WEIGHTS
    return found


def night_null(reference: Counts, night: Counts, nights: Counts, shift: float, group: Counts | None = None) -> Null:
    """Return the null of columns for a night of this size, shape (...).

    Args:
        reference: Shape (..., bins), over the bins in use.
        night: Shape (..., bins).
        nights: Shape (..., nights, bins), the counts of each reference night.
        shift: The tolerated shift, in reference standard deviations.
        group: Shape (nights,). Each night is held against the others of its group, which has a number from 0 on, and more than
            one night. By default all are one group.
    """
    freedom = reference.shape[-1] - 1
    learnt = nights_differ(nights, np.zeros(nights.shape[-2], np.int64) if group is None else group, freedom)
    scale = sampling_scale(night.sum(axis=-1), reference.sum(axis=-1))
    parts = float(freedom), scale, tolerated_psi(reference, shift), learnt.excess, learnt.degrees
    return Null(*np.broadcast_arrays(*parts))


def tolerated_psi(reference: Counts, shift: float) -> Floats:
    """Return the PSI of a normal variable whose mean moves by *shift* standard deviations, over bins of these shares, shape (...).

    With many bins this is about ``shift**2`` nats.

    Args:
        reference: Shape (..., bins).
        shift: In standard deviations.
    """
    shares = smoothed(reference)
    cuts = special.ndtri(np.clip(np.cumsum(shares, axis=-1)[..., :-1], 0.0, 1.0))
    moved: Floats = np.diff(special.ndtr(cuts - shift), axis=-1, prepend=0.0, append=1.0)
    moved = np.maximum(moved, np.finfo(float).tiny)
    found: Floats = np.sum((moved - shares) * (np.log(moved) - np.log(shares)), axis=-1)
    return found


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
    starts = _joined(expected[:ordinary])
    starts += [position for position in range(ordinary, len(expected)) if expected[position] >= _APART_ROWS]
    return np.array([0, *starts[1:]], dtype=np.int64)


def _joined(expected: list[float]) -> list[int]:
    """Return where the ordinary bins start, each with enough *expected* rows."""
    if min(expected, default=0.0) >= ORDINARY_ROWS:
        return list(range(len(expected)))
    starts: list[int] = []
    start, rows = 0, 0.0
    for position, more in enumerate(expected):
        rows += more
        if rows >= ORDINARY_ROWS:
            starts.append(start)
            start, rows = position + 1, 0.0
    return starts
