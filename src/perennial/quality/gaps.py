"""Time without rows, or without values of a column: a block that is missing, or an end that did not come."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_HOUR_US = 3_600_000_000


class Gap:
    """The longest time between neighbours in a series of moments that begins at a *start*.

    Attributes:
        longest: Hours; from the start to the first moment counts as well, from the last one to the end does not.
    """

    def __init__(self, start_us: int) -> None:
        """Begin at *start_us*, microseconds since 1970."""
        self._last = start_us
        self.longest = 0.0

    def add(self, at: npt.NDArray[np.int64], inner_us: int | None = None) -> None:
        """Add moments in ascending order, shape (n,), microseconds since 1970; *inner_us* is :func:`widest` of them, if known."""
        if len(at):
            self.join(int(at[0]), int(at[-1]), widest(at) if inner_us is None else inner_us)

    def join(self, first: int, last: int, inner_us: int) -> None:
        """Add moments of which only the first, the last and the longest time between neighbours are known."""
        self.longest = max(self.longest, max(first - self._last, inner_us) / _HOUR_US)
        self._last = last

    def tail(self, end_us: int) -> float:
        """Return the hours from the last moment to *end_us*."""
        return (end_us - self._last) / _HOUR_US


def widest(at: npt.NDArray[np.int64]) -> int:
    """Return the longest time between neighbours of *at*, ascending, shape (n,), in its own unit; 0 where there are none."""
    return int(np.diff(at).max(initial=0))
