"""Distances between two sets of counts, reported beside the test: none of them decides anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perennial.monitoring.psi import Counts, Floats

_TAIL = 0.001


@dataclass(frozen=True, slots=True)
class Below:
    """Two distribution functions, as far as bins in the order of their values show them.

    Attributes:
        rows: Shape (bins,), those of the reference.
        reference: Shape (bins,), the share of the reference's rows up to and with each bin.
        current: The same of the others.
    """

    rows: Counts
    reference: Floats
    current: Floats

    @staticmethod
    def of(reference: Counts, current: Counts) -> Below | None:
        """Return those of rows per bin, both of shape (bins,); None where either has no rows."""
        before, now = reference.cumsum(), current.cumsum()
        return Below(reference, before / before[-1], now / now[-1]) if before.size and before[-1] and now[-1] else None

    @property
    def kolmogorov_smirnov(self) -> float:
        """The greatest distance between the two, between 0 and 1.

        It is at most that of the values themselves, and less than it by at most the largest share that one bin has.

        Examples:
            >>> Below.of(np.array([10, 10]), np.array([5, 15])).kolmogorov_smirnov
            0.25
        """
        return float(np.abs(self.current - self.reference).max())

    def wasserstein(self, places: Floats) -> float | None:
        """Return how far the rows would have to be moved in the mean, in standard deviations of the reference, at least 0.

        What lies outside the reference's quantiles 0.001 and 0.999 counts as lying on them, so that no single value decides.

        Args:
            places: Shape (bins,), where each bin lies, ascending, in the column's unit.

        Returns:
            None where the reference does not vary.
        """
        low, high = places[self.reference.searchsorted([_TAIL, 1 - _TAIL])]
        inside = np.minimum(np.maximum(places, low), high)
        unit = _deviation(inside, self.rows / self.rows.sum())
        apart = np.abs(self.current - self.reference)[:-1]
        return float(apart @ (inside[1:] - inside[:-1]) / unit) if unit > 0 else None


def jensen_shannon(reference: Counts, current: Counts) -> float | None:
    """Return the Jensen-Shannon divergence of the shares.

    Args:
        reference: Shape (bins,), rows per bin, in any order.
        current: Shape (bins,), over the same bins.

    Returns:
        Nats, between 0 and ln 2; None where either has no rows.

    Examples:
        >>> round(jensen_shannon(np.array([10, 0]), np.array([0, 10])), 6)
        0.693147
    """
    before, now = int(reference.sum()), int(current.sum())
    if not (before and now):
        return None
    p, q = reference / before, current / now
    middle = (p + q) / 2
    return max(0.0, (_divergence(p, middle) + _divergence(q, middle)) / 2)


def _divergence(p: Floats, q: Floats) -> float:
    some = p > 0
    share = p[some]
    return float(share @ np.log(share / q[some]))


def _deviation(places: Floats, shares: Floats) -> float:
    mean = shares @ places
    return float(np.sqrt(shares @ (places - mean) ** 2))
