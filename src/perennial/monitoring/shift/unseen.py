"""Values that the reference never held: how many of them a night may bring before that is news."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from perennial.monitoring.counting.binning import FEW_NIGHTS
from perennial.monitoring.psi import Counts

_JEFFREYS = 0.5
_ALMOST_ALL = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class Unseen:
    """How many rows of a night hold a value that no night of the reference does, taken as the worse of two.

    Tolerance: a Poisson number of rows at the share *tolerated*. Nights: a Poisson number at a share that differs from night to
    night, by a gamma distribution of mean *expected* and this *shape*, which makes it a negative binomial number.

    Attributes:
        rows: The night's rows.
        expected: The share of rows that the reference leads one to expect.
        tolerated: The share that is not worth a retraining; at least the expected one.
        shape: 1 over the squared coefficient of variation of the share.
    """

    rows: int
    expected: float
    tolerated: float
    shape: float

    def p_value(self, unseen: int) -> float:
        """Return the chance of at least *unseen* such rows without drift."""
        return float(max(stats.poisson.sf(unseen - 1, self.rows * self.tolerated), stats.nbinom.sf(unseen - 1, *self._nights)))

    def threshold(self, level: float) -> float:
        """Return the least share of rows whose chance without drift is at most *level*."""
        mean = self.rows * self.tolerated
        least = max(stats.poisson.isf(level, mean), stats.nbinom.isf(level, *self._nights)) + 1
        return float(least / self.rows)

    @property
    def _nights(self) -> tuple[float, float]:
        """The two parameters of the negative binomial distribution."""
        return self.shape, self.shape / (self.shape + self.rows * self.expected)


def unseen_values(unseen: Counts, rows: Counts, tonight: int, tolerated_psi: float) -> Unseen:
    """Return what the reference's own nights lead one to expect of a night of *tonight* rows.

    Each reference night is held against the others, as the night is against all of them: a row counts where no other night holds
    its value. Their share is Good and Turing's estimate, with the night in place of the row, since new values come in groups. The
    tolerated share is the one that alone makes a PSI of *tolerated_psi* nats.

    Args:
        unseen: Shape (nights,), such rows by reference night.
        rows: Shape (nights,), all rows by reference night.
        tonight: The night's rows.
        tolerated_psi: In nats.

    References:
        Good, The population frequencies of species and the estimation of population parameters, 1953.
    """
    known = unseen.sum() + _JEFFREYS
    expected = float(known / (rows.sum() + 2 * _JEFFREYS))
    shape = min(float(known), _shape(unseen, rows * expected)) if unseen.size >= FEW_NIGHTS else float(known)
    return Unseen(rows=tonight, expected=expected, tolerated=_tolerated(expected, tolerated_psi), shape=shape)


def _shape(unseen: Counts, expected: np.ndarray) -> float:
    """Return the shape by the moments of the nights, lowered by its standard error; infinite where sampling explains them."""
    excess = float(np.sum((unseen - expected) ** 2 - expected))
    if excess <= 0:
        return float("inf")
    return float(np.sum(expected**2) / excess / (1 + np.sqrt(2 / unseen.size)))


def _tolerated(expected: float, psi: float) -> float:
    """Return the share whose PSI against the *expected* one, over the two bins seen and unseen, is *psi*."""

    def further(share: float) -> float:
        return (share - expected) * float(np.log(share / expected) - np.log((1 - share) / (1 - expected))) - psi

    if psi <= 0:
        return expected
    return float(optimize.brentq(further, expected, _ALMOST_ALL)) if further(_ALMOST_ALL) > 0 else _ALMOST_ALL
