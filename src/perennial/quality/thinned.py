"""A systematic sample of values that come in pieces: every one of few, every second of more, every fourth of still more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


class Thinned:
    """Holds at most twice *most* values, evenly spaced among all that came."""

    def __init__(self, most: int) -> None:
        """Hold nothing yet."""
        self._most = most
        self._step, self._skip, self._held = 1, 0, 0
        self._parts: list[Values] = []

    def add(self, values: Values) -> None:
        """Add *values*, shape (n,)."""
        taken = values[self._skip :: self._step]
        self._skip = (self._skip - len(values)) % self._step
        self._parts.append(taken.copy())
        self._held += len(taken)
        while self._held > 2 * self._most:
            self._halve()

    def take(self, values: Values) -> None:
        """Take *values* as they are: some of the sample, in order, as :func:`step_of` says which."""
        self._parts.append(values)

    @property
    def values(self) -> Values:
        """The sample, in the order in which the values came."""
        return np.concatenate(self._parts) if self._parts else np.empty(0)

    def _halve(self) -> None:
        held = self.values
        if len(held) % 2:  # the next one of the wider grid is one narrow step further away
            self._skip += self._step
        self._step *= 2
        self._parts = [held[::2]]
        self._held = len(self._parts[0])


def step_of(count: int, most: int) -> int:
    """Return which of *count* values are a sample of at most twice *most*: the first, and each so many further on.

    Examples:
        >>> thinned = Thinned(2)
        >>> thinned.add(np.arange(9.0))
        >>> thinned.values.tolist(), step_of(9, 2)
        ([0.0, 4.0, 8.0], 4)
    """
    step = 1
    while -(-count // step) > 2 * most:
        step *= 2
    return step
