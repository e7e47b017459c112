"""The median of a column, exactly and in bounded memory."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perennial.quality.plain import Plain
from perennial.quality.scan import Batch

HELD_VALUES = 1_000_000
"""So many values are held at a time."""

Ordered = npt.NDArray[np.uint64]
"""Numbers as 64 bits that come in the same order."""

_ALL = 64
_STEP = 16
_SIGN = np.uint64(1 << 63)
_ONES = np.uint64(2**64 - 1)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value is looked for: among those whose ordered form begins with *known* bits, *prefix*; there it has *rank*."""

    rank: int
    prefix: int = 0
    known: int = 0
    size: int = 0


class Median:
    """Finds the median of a column's numbers: the mean of the two middle ones where their number is even.

    Values that fit into memory are held. Of more, each pass counts by the next 16 bits of their ordered form, and goes on with what
    begins like the middle (a radix selection), until that fits: two passes as a rule, four at most.

    Attributes:
        figure: The median, as float64; NaN of nothing.
    """

    def __init__(self, column: str, rows: int, *, held_values: int = HELD_VALUES) -> None:
        """Look in *column*.

        Args:
            column: Its name. It is numeric.
            rows: How many rows there are in all.
            held_values: So many values are held at a time.
        """
        self.columns = (column,)
        self.figure = float("nan")
        self._most = held_values
        self._count: int | None = None
        self._holding = rows <= held_values
        self._seen = 0
        self._places: tuple[_Place, ...] = (_Place(0),)
        self._held: dict[int, list[Ordered]] = {0: []}
        self._counts: dict[int, npt.NDArray[np.int64]] = {0: np.zeros(1 << _STEP, np.int64)}

    def see(self, batch: Batch) -> None:
        """Hold or count the values of *batch* that may be in the middle."""
        keys = ordered(batch[self.columns[0]].present)
        self._seen += len(keys)
        for prefix, known in {(place.prefix, place.known) for place in self._places}:
            alike = keys if known == 0 else keys[keys >> np.uint64(_ALL - known) == np.uint64(prefix)]
            if self._holding:
                self._held[prefix].append(alike)
            else:
                digits = (alike >> np.uint64(_ALL - _STEP - known)) & np.uint64((1 << _STEP) - 1)
                self._counts[prefix] += np.bincount(digits.astype(np.int64), minlength=1 << _STEP)

    def again(self) -> bool:
        """Narrow the search down, and return whether another pass is needed."""
        if self._count is None:
            self._count = self._seen
            self._places = (_Place((self._count - 1) // 2), _Place(self._count // 2))
        if self._count == 0:
            return False
        if self._holding:
            return self._found([self._held_value(place) for place in self._places])
        self._places = tuple(self._narrower(place) for place in self._places)
        if self._places[0].known == _ALL:
            return self._found([place.prefix for place in self._places])
        self._holding = sum({place.prefix: place.size for place in self._places}.values()) <= self._most
        self._begin()
        return True

    def apart(self) -> Median:
        """Return one for a piece of the rows, that looks where this one looks now."""
        other = copy(self)
        other._seen = 0  # noqa: SLF001 - of its own class
        other._begin()  # noqa: SLF001 - the same
        return other

    def told(self) -> Plain:
        """Return what was seen of a piece: values that are held, or how many begin alike."""
        held = [np.concatenate(parts or [np.empty(0, np.uint64)]) for parts in self._held.values()]
        digits = [np.flatnonzero(counts) for counts in self._counts.values()]
        counts = [counts[found] for counts, found in zip(self._counts.values(), digits, strict=True)]
        return self._seen, held if self._holding else [], [] if self._holding else list(zip(digits, counts, strict=True))

    def take(self, told: Plain) -> None:
        """Take into account what was told of a piece."""
        seen, held, counts = told
        self._seen += seen
        for prefix, values in zip(self._held, held, strict=False):
            self._held[prefix].append(values)
        for prefix, (digits, found) in zip(self._counts, counts, strict=False):
            self._counts[prefix][digits] += found

    def _begin(self) -> None:
        self._held = {place.prefix: [] for place in self._places}
        self._counts = {place.prefix: np.zeros(1 << _STEP, np.int64) for place in self._places}

    def _narrower(self, place: _Place) -> _Place:
        below = np.cumsum(self._counts[place.prefix])
        digit = int(np.searchsorted(below, place.rank, side="right"))
        size = int(self._counts[place.prefix][digit])
        return _Place(place.rank - (int(below[digit]) - size), (place.prefix << _STEP) | digit, place.known + _STEP, size)

    def _held_value(self, place: _Place) -> int:
        return int(np.partition(np.concatenate(self._held[place.prefix]), place.rank)[place.rank])

    def _found(self, keys: list[int]) -> bool:
        low, high = numbers(np.array(keys, np.uint64)).tolist()
        self.figure = (low + high) / 2
        self._held = {}
        return False


def ordered(values: npt.NDArray[np.float64]) -> Ordered:
    """Return *values*, none of them NaN, in their ordered form. The bits of a negative number are turned round."""
    bits = values.view(np.uint64) if values.flags.c_contiguous else np.ascontiguousarray(values).view(np.uint64)
    return np.asarray(np.where(bits & _SIGN, bits ^ _ONES, bits | _SIGN), np.uint64)


def numbers(keys: Ordered) -> npt.NDArray[np.float64]:
    """Return the numbers whose ordered form *keys* is.

    Examples:
        >>> numbers(ordered(np.array([-1.5, 0.0, 2.0]))).tolist()
        [-1.5, 0.0, 2.0]
    """
    return np.asarray(np.where(keys & _SIGN, keys ^ _SIGN, keys ^ _ONES), np.uint64).view(np.float64)
