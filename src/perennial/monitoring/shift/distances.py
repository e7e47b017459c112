"""Distances between two sets of counts, reported beside the test: none of them decides anything."""

from __future__ import annotations

import numpy as np

from perennial.monitoring.psi import Counts, Floats

_TAIL = 0.001


def kolmogorov_smirnov(reference: Counts, current: Counts) -> float | None:
    """Return the greatest distance between the two distribution functions, as far as the bins show it.

    It is at most that of the values themselves, and less than it by at most the largest share that one bin has.

    Args:
        reference: Shape (bins,), rows per bin, the bins in the order of their values.
        current: Shape (bins,), over the same bins.

    Returns:
        Between 0 and 1; None where either has no rows.

    Examples:
        >>> kolmogorov_smirnov(np.array([10, 10]), np.array([5, 15]))
        0.25
    """
    apart = _apart(reference, current)
    return None if apart is None else float(np.abs(apart).max(initial=0.0))


def wasserstein(places: Floats, reference: Counts, current: Counts) -> float | None:
    """Return how far the rows would have to be moved in the mean, in standard deviations of the reference.

    What lies outside the reference's quantiles 0.001 and 0.999 counts as lying on them, so that no single value decides.

    Args:
        places: Shape (bins,), where each bin lies, ascending, in the column's unit.
        reference: Shape (bins,), rows per bin.
        current: Shape (bins,), over the same bins.

    Returns:
        At least 0; None where either has no rows, or the reference does not vary.
    """
    apart = _apart(reference, current)
    if apart is None:
        return None
    below = np.cumsum(reference)
    low, high = places[np.searchsorted(below / below[-1], [_TAIL, 1 - _TAIL])]
    inside = np.minimum(np.maximum(places, low), high)
    unit = _deviation(inside, reference / below[-1])
    return float(np.abs(apart[:-1]) @ np.diff(inside) / unit) if unit > 0 else None


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


def _apart(reference: Counts, current: Counts) -> Floats | None:
    """Return current less reference share up to and with each bin, shape (bins,)."""
    before, now = np.cumsum(reference), np.cumsum(current)
    if not (before.size and before[-1] and now[-1]):
        return None
    apart: Floats = now / now[-1] - before / before[-1]
    return apart


def _deviation(places: Floats, shares: Floats) -> float:
    mean = shares @ places
    return float(np.sqrt(shares @ (places - mean) ** 2))
