"""The population stability index: how far one set of counts lies from another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perennial.core.codes import Code
from perennial.core.errors import DataError

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_JEFFREYS = 0.5


def psi(reference: Counts, current: Counts) -> float:
    """Return the population stability index of *current* against *reference*.

    Both are smoothed with Jeffreys' prior, so an empty bin is not infinite.

    Args:
        reference: Shape (bins,), rows per bin.
        current: Shape (bins,), over the same edges.

    Returns:
        Nats, at least 0; the same in both directions.

    Raises:
        DataError: PROFILE_EDGES, the two have different edges.

    Examples:
        >>> psi(np.array([10, 10]), np.array([10, 10]))
        0.0

    References:
        Yurdakul and Naranjo, Statistical properties of the population stability index, 2020.
    """
    return float(psi_by_row(reference, current))


def psi_by_row(reference: Counts, current: Counts) -> Floats:
    """Return the index of each row of counts, shape (...), for counts of shape (..., bins).

    Raises:
        DataError: PROFILE_EDGES, the two have different edges.
    """
    if reference.shape[-1] != current.shape[-1]:
        found = f"{reference.shape[-1]} and {current.shape[-1]}"
        raise DataError(Code.PROFILE_EDGES, f"both must have the same number of bins, got {found}", where="psi")
    p, q = smoothed(reference), smoothed(current)
    terms: Floats = (q - p) * (np.log(q) - np.log(p))
    index: Floats = terms.sum(axis=-1)
    return index


def smoothed(counts: Counts) -> Floats:
    """Return the probability of each bin under Jeffreys' prior, half a row per bin."""
    prior = counts + _JEFFREYS
    shares: Floats = prior / prior.sum(axis=-1, keepdims=True)
    return shares


def sampling_scale(rows: float, others: float) -> float:
    """Return ``1/n + 1/m``: without drift, PSI divided by it follows a chi-squared with bins - 1 degrees of freedom.

    Examples:
        >>> sampling_scale(1000, 4000)
        0.00125
    """
    return 1 / rows + 1 / others
