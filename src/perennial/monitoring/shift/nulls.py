"""The nulls of many columns at once: what :class:`perennial.monitoring.shift.night_null.Null` says of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from scipy import stats

from perennial.monitoring.psi import Floats
from perennial.monitoring.shift.night_null import Null, p_values

_ROUNDING = 1e-9


def chances(nulls: Sequence[Null], psi: Floats) -> Floats:
    """Return the chance of at least *psi*, in nats, without drift; both of shape (nulls,)."""
    return p_values(psi, *(np.array([getattr(null, field.name) for null in nulls]) for field in fields(Null)))


def thresholds(nulls: Sequence[Null], level: float) -> Floats:
    """Return the PSI, in nats, that has the chance *level* without drift by each of *nulls*, shape (nulls,).

    Where sampling alone gives it, all are found together; where nights differ by more, one by one.
    """
    freedom, scale, tolerated = (np.array([getattr(null, name) for null in nulls]) for name in ("freedom", "scale", "tolerated"))
    found, some = np.full(len(nulls), np.inf), freedom > 0
    found[some] = scale[some] * stats.ncx2.isf(level, freedom[some], tolerated[some] / scale[some])
    for place in np.flatnonzero(some & (chances(nulls, found) > level * (1 + _ROUNDING))).tolist():
        found[place] = nulls[place].threshold(level)
    return found
