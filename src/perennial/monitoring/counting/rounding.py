"""Rounded cuts: short to write, and several times as fast to count over as any others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perennial.monitoring.psi import Floats

_CELLS_LOG2 = 13
_TAIL = 0.01
_MOVED = 0.1


def rounded(rest: Floats, fine: Floats, tests: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """Return *fine* and *tests* rounded to multiples of a power of two, or as they are where that would tell too much worse.

    About 4000 to 8000 such multiples lie between *low* and *high*; where that moves a cut of the test by more than a tenth of a
    bin, between the first and the last percentile instead, and the cuts beyond stay as they are.

    Args:
        rest: What the cuts share out evenly, ascending.
        fine: Cuts.
        tests: Some of them, those of the test.
        low: The least end.
        high: The greatest end.
    """
    places, most = np.searchsorted(rest, tests), _MOVED * rest.size / (tests.size + 1)
    for least, greatest in _windows(rest, low, high):
        found = _round(tests, least, greatest)
        if (np.abs(np.searchsorted(rest, found) - places) <= most).all():
            return np.clip(_round(fine, least, greatest), low, high), np.clip(found, low, high)
    return fine, tests


def _windows(rest: Floats, low: float, high: float) -> Iterator[tuple[float, float]]:
    yield low, high
    if rest.size:
        tail = int(_TAIL * rest.size)
        yield float(rest[tail]), float(rest[-1 - tail])


def _round(cuts: Floats, least: float, greatest: float) -> Floats:
    with np.errstate(over="ignore"):
        exponent = int(np.frexp(greatest - least)[1]) - _CELLS_LOG2
        found = np.ldexp(np.round(np.ldexp(cuts, -exponent)), exponent)
    return np.where((cuts >= least) & (cuts <= greatest) & np.isfinite(found), found, cuts)
