"""How many numbers reach each of many ends, at about the speed of memory."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perennial.monitoring.psi import Counts, Floats

MOST_CELLS = 1 << 16
_BLOCK = 1 << 17
"""The numbers of a block, their cells and the cells' counts fit the processor's cache."""
_FEW = 16
_MANY = 128
_TAILS = 3
_SMALL = 2048
_MANTISSA = 53
_EXTREME = 900
_MOST = np.finfo(np.float64).max


class Scratch:
    """Memory for one block of numbers, which columns that are counted one after the other share."""

    def __init__(self, rows: int = _BLOCK) -> None:
        """Make room for blocks of *rows* numbers, or of fewer where that is faster."""
        self.rows = min(max(rows, 1), _BLOCK)
        self.scaled = np.empty(self.rows)
        self.places = np.empty(self.rows, dtype=np.int32)
        self.mask = np.empty(self.rows, dtype=bool)


class Ends:
    """Ends, and how they are counted: on a grid, or one by one."""

    def __init__(self, ends: Floats) -> None:
        """Find the grid of *ends*, ascending, each once."""
        exponents = _exponents(ends)
        self.ends, self.grid = ends, _grid_of(ends, exponents)
        held = self.grid.holds(ends, exponents) if self.grid else np.zeros(ends.size, dtype=bool)
        self.starts = self.grid.places(ends[held]) if self.grid else np.empty(0, np.int64)
        self.even, self.single = np.flatnonzero(held), np.flatnonzero(~held)
        self.singles: list[float] = ends[~held].tolist()
        self.span = (float(ends[held][0]), float(ends[held][-1])) if self.grid else (-np.inf, np.inf)


class AtLeast:
    """How many of the numbers that come, block by block, are at least each of some ends. NaN is not.

    Measured per number: to hold it against one end takes 0.2 ns, to look it up in a :class:`Grid` 2.3 ns however many ends there
    are, to sort it 30 ns, and to search for it 60 ns.
    """

    def __init__(self, ends: Ends) -> None:
        """Begin with no numbers."""
        self._ends = ends
        self._counts = np.zeros(ends.ends.size, dtype=np.int64)

    def add(self, values: Floats, scratch: Scratch) -> None:
        """Count *values*, shape (rows,)."""
        for start in range(0, values.size, scratch.rows):
            self._counts += _reached(values[start : start + scratch.rows], self._ends, scratch)

    def take_off(self, values: Floats, scratch: Scratch) -> None:
        """Count *values*, shape (rows,), which were added, no longer."""
        for start in range(0, values.size, scratch.rows):
            self._counts -= _reached(values[start : start + scratch.rows], self._ends, scratch)

    @property
    def counts(self) -> Counts:
        """The counts so far, shape (ends,)."""
        return self._counts.copy()


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of one width, a power of two, so that the cell of a number is found exactly by a multiplication.

    Attributes:
        exponent: The cells begin at multiples of ``2**exponent``.
        first: The number of the first cell.
        cells: How many there are.
    """

    exponent: int
    first: int
    cells: int

    def holds(self, ends: Floats, exponents: Counts) -> npt.NDArray[np.bool_]:
        """Return which of *ends*, multiples of two to the power of *exponents*, begin a cell, shape (ends,)."""
        with np.errstate(over="ignore"):
            places = np.ldexp(ends, -self.exponent) - self.first
        return (exponents >= self.exponent) & (places >= 0) & (places < self.cells)

    def places(self, ends: Floats) -> Counts:
        """Return the place of the cell that begins at each of *ends*, which begin cells; at 0 stands what lies before them all."""
        return np.ldexp(ends, -self.exponent).astype(np.int64) - self.first + 1

    def count(self, block: Floats, scratch: Scratch) -> Counts:
        """Return how many numbers of *block*, without NaN, lie before the cells, and in each; the last has no right end."""
        cell, place = scratch.scaled[: block.size], scratch.places[: block.size]
        # Where a number may become too small to be told from 0, what is a little below 0 would be lost.
        whole = np.floor(block, out=cell) if self.exponent > 0 else block
        with np.errstate(over="ignore"):
            np.multiply(whole, np.ldexp(1.0, -self.exponent), out=cell)
        np.floor(cell, out=cell)
        before = self.first - 1.0
        np.clip(cell, before, before + self.cells, out=cell)
        np.subtract(cell, before, out=cell)
        np.copyto(place, cell, casting="unsafe")
        return np.bincount(place, minlength=self.cells + 1)

    def beyond(self, block: Floats, scratch: Scratch) -> Floats:
        """Return the numbers of the *block* just counted that lie before the cells or in the last of them."""
        place, mask = scratch.places[: block.size], scratch.mask[: block.size]
        before = np.flatnonzero(np.equal(place, 0, out=mask))
        return block[np.concatenate((before, np.flatnonzero(np.equal(place, self.cells, out=mask))))]


def _reached(values: Floats, ends: Ends, scratch: Scratch) -> Counts:
    """Return how many of *values*, a block of them, are at least each of *ends*, shape (ends,)."""
    if values.size <= _SMALL:
        return _sorted(values[~np.isnan(values)], ends.ends)
    block, bounds = _known(values)
    counts = np.empty(ends.ends.size, dtype=np.int64)
    if ends.grid:
        cells = ends.grid.count(block, scratch)
        counts[ends.even] = np.add.reduceat(cells, ends.starts)[::-1].cumsum()[::-1]
    if ends.single.size > _MANY:
        counts[ends.single] = _sorted(block, ends.ends[ends.single])
    elif ends.singles:
        counts[ends.single] = _singly(block, bounds, ends, scratch)
    return counts


def _grid_of(ends: Floats, exponents: Counts) -> Grid | None:
    """Return the grid, of at most ``MOST_CELLS``, that holds most of *ends*, ascending; None where none holds more than a few."""
    most, best = _FEW, None
    for exponent in np.unique(exponents[np.abs(exponents) < _EXTREME]).tolist():
        if np.count_nonzero(exponents >= exponent) <= most:
            break
        width = np.ldexp(1.0, exponent)
        held = ends[(exponents >= exponent) & (np.abs(ends) < 2.0**_MANTISSA * width)]
        reach = np.searchsorted(held, held + MOST_CELLS * width) - np.arange(held.size)
        if reach.max(initial=0) > most:
            start = int(reach.argmax())
            most = int(reach[start])
            first, last = held[start] / width, held[start + most - 1] / width
            best = Grid(exponent, int(first), int(last - first) + 1)
    return best


def _exponents(numbers: Floats) -> Counts:
    """Return the exponent of the greatest power of two of which each number is a multiple, shape (numbers,)."""
    mantissa, exponent = np.frexp(np.where(np.isfinite(numbers), numbers, _MOST))
    whole = np.ldexp(mantissa, _MANTISSA).astype(np.int64)
    lowest = np.frexp((whole & -whole).astype(np.float64))[1] - 1
    return np.where(whole == 0, np.iinfo(np.int32).max, exponent - _MANTISSA + lowest)


def _known(block: Floats) -> tuple[Floats, tuple[float, float]]:
    """Return the numbers of *block* that are not NaN, the least of them and the greatest."""
    least, most = float(block.min()), float(block.max())  # NaN where one is
    if not math.isnan(least):
        return block, (least, most)
    known = block[~np.isnan(block)]
    return known, (float(known.min(initial=np.inf)), float(known.max(initial=-np.inf)))


def _singly(block: Floats, bounds: tuple[float, float], ends: Ends, scratch: Scratch) -> list[int]:
    """Return how many numbers of *block*, without NaN and just counted, are at least each of *ends* that is not on the grid."""
    least, most = bounds
    parting = [end for end in ends.singles if least < end <= most]
    found = dict(zip(parting, _parted(block, parting, ends, scratch), strict=True))
    return [block.size if end <= least else found.get(end, 0) for end in ends.singles]


def _parted(block: Floats, parting: list[float], ends: Ends, scratch: Scratch) -> list[int]:
    """Return the same for *parting*, those of *ends* that have numbers of *block* on both sides."""
    below, above = bisect_left(parting, ends.span[0]), bisect_right(parting, ends.span[1])
    if ends.grid is None or below + len(parting) - above <= _TAILS:
        return _compared(block, parting, scratch)
    beyond = ends.grid.beyond(block, scratch)
    tails = list(map(int, _sorted(beyond, np.array(parting[:below] + parting[above:]))))
    inside = block.size - beyond.size
    return [inside + tail for tail in tails[:below]] + _compared(block, parting[below:above], scratch) + tails[below:]


def _compared(block: Floats, ends: list[float], scratch: Scratch) -> list[int]:
    """Return how many numbers of *block* are at least each of *ends*."""
    mask = scratch.mask[: block.size]
    return [int(np.count_nonzero(np.greater_equal(block, end, out=mask))) for end in ends]


def _sorted(block: Floats, ends: Floats) -> Counts:
    return block.size - np.searchsorted(np.sort(block), ends)
