"""Distances between two sets of counts, reported beside the test: none of them decides anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from perennial.monitoring.psi import Counts, Floats

_TAIL = 0.001


@dataclass(frozen=True, slots=True)
class Below:
    """Two distribution functions, as far as bins in the order of their values show them; of one column or of many.

    Attributes:
        shares: Shape (..., bins), the share of the reference's rows in each bin; NaN where it has none.
        reference: Shape (..., bins), the share of the reference's rows up to and with each bin.
        current: The same of the others.
    """

    shares: Floats
    reference: Floats
    current: Floats

    @staticmethod
    def of(reference: Counts, current: Counts) -> Below:
        """Return those of rows per bin, both of shape (..., bins), with at least one bin."""
        before, now = reference.cumsum(axis=-1), current.cumsum(axis=-1)
        with np.errstate(invalid="ignore"):  # NaN where there are no rows
            return Below(reference / before[..., -1:], before / before[..., -1:], now / now[..., -1:])

    @property
    def kolmogorov_smirnov(self) -> Floats:
        """The greatest distance between the two, between 0 and 1, shape (...); NaN where either has no rows.

        It is at most that of the values themselves, and less than it by at most the largest share that one bin has.

        Examples:
            >>> float(Below.of(np.array([10, 10]), np.array([5, 15])).kolmogorov_smirnov)
            0.25
        """
        found: Floats = np.abs(self.current - self.reference).max(axis=-1)
        return found

    def wasserstein(self, places: Floats) -> Floats:
        """Return how far the rows would have to be moved in the mean, in standard deviations of the reference, shape (...).

        What lies outside the reference's quantiles 0.001 and 0.999 counts as lying on them, so that no single value decides.

        Args:
            places: Shape (..., bins), where each bin lies, ascending, in the column's unit.

        Returns:
            At least 0; NaN where either has no rows, or the reference does not vary.
        """
        low, high = (np.take_along_axis(places, self._first(share), axis=-1) for share in (_TAIL, 1 - _TAIL))
        inside = np.clip(places, low, high)
        unit = _deviation(inside, self.shares)
        apart = np.abs(self.current - self.reference)[..., :-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = (apart * np.diff(inside, axis=-1)).sum(axis=-1) / unit
        return np.where(unit > 0, moved, np.nan)

    def _first(self, share: float) -> Counts:
        """Return the first bin up to and with which the reference has this *share* of its rows, shape (..., 1)."""
        before: Counts = np.count_nonzero(self.reference < share, axis=-1, keepdims=True)
        return before


def jensen_shannon(reference: Counts, current: Counts) -> Floats:
    """Return the Jensen-Shannon divergence of the shares.

    Args:
        reference: Shape (..., bins), rows per bin, in any order.
        current: Shape (..., bins), over the same bins.

    Returns:
        Nats, between 0 and ln 2, shape (...); NaN where either has no rows.

    Examples:
        >>> round(float(jensen_shannon(np.array([10, 0]), np.array([0, 10]))), 6)
        0.693147
    """
    with np.errstate(invalid="ignore"):
        p, q = (counts / counts.sum(axis=-1, keepdims=True) for counts in (reference, current))
    middle = (p + q) / 2
    found: Floats = np.maximum((special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum(axis=-1) / 2, 0.0)
    return found


def _deviation(places: Floats, shares: Floats) -> Floats:
    mean = (shares * places).sum(axis=-1, keepdims=True)
    deviation: Floats = np.sqrt((shares * (places - mean) ** 2).sum(axis=-1))
    return deviation
