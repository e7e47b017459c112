"""How many numbers reach each of many ends, at about the speed of memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perennial.monitoring.psi import Counts, Floats

MOST_CELLS = 1 << 16
_BLOCK = 1 << 16
"""The numbers of a block, their cells and the cells' counts fit the processor's cache."""
_FEW = 16
_MANY = 128
_SMALL = 2048
_MANTISSA = 53
_EXTREME = 900
_MOST = np.finfo(np.float64).max


class AtLeast:
    """How many of the numbers that come, block by block, are at least each of some ends. NaN is not.

    Measured per number: to hold it against one end takes 0.2 ns, to look it up in a :class:`Grid` 3 ns however many ends there are,
    to sort it 30 ns, and to search for it 60 ns.
    """

    def __init__(self, ends: Floats, grid: Grid | None) -> None:
        """Begin with no numbers.

        Args:
            ends: Ascending.
            grid: From :func:`grid_of`, of the same ends.
        """
        self._ends, self._grid = ends, grid
        regular = grid.holds(ends) if grid else np.zeros(ends.size, dtype=bool)
        self._single, self._even = np.flatnonzero(~regular), np.flatnonzero(regular)
        self._counts = np.zeros(ends.size, dtype=np.int64)
        self._cells = np.zeros(grid.cells + 1 if grid else 0, dtype=np.int64)

    def add(self, values: Floats) -> None:
        """Count *values*, shape (rows,)."""
        if values.size <= _SMALL:
            self._counts += _sorted(values, self._ends)
            return
        count = _sorted if self._single.size > _MANY else _compared
        for start in range(0, values.size, _BLOCK):
            block = values[start : start + _BLOCK]
            least, most = block.min(), block.max()  # NaN where one is missing
            if self._grid:
                self._cells += self._grid.count(block, has_nan=bool(np.isnan(least)))
            self._counts[self._single] += count(block, self._ends[self._single], (least, most))

    @property
    def counts(self) -> Counts:
        """The counts so far, shape (ends,)."""
        found = self._counts.copy()
        if self._grid:
            found[self._even] += self._cells[::-1].cumsum()[::-1][self._grid.places(self._ends[self._even])]
        return found


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

    def holds(self, ends: Floats) -> npt.NDArray[np.bool_]:
        """Return which of *ends* begin a cell, shape (ends,)."""
        with np.errstate(over="ignore"):
            places = np.ldexp(ends, -self.exponent) - self.first
        return (_exponents(ends) >= self.exponent) & (places >= 0) & (places < self.cells)

    def places(self, ends: Floats) -> Counts:
        """Return the place of the cell that begins at each of *ends*, which begin cells; at 0 stands what lies before them all."""
        return np.ldexp(ends, -self.exponent).astype(np.int64) - self.first + 1

    def count(self, block: Floats, *, has_nan: bool) -> Counts:
        """Return how many numbers of *block* lie before the cells, and in each, the last of which has no right end."""
        cell = np.floor(block) if self.exponent > 0 else block  # else what is a little below 0 would be lost
        with np.errstate(over="ignore"):
            cell = np.ldexp(1.0, -self.exponent) * cell
        np.floor(cell, out=cell)
        cell -= self.first - 1
        if has_nan:
            np.fmax(cell, 0.0, out=cell)
        np.clip(cell, 0.0, self.cells, out=cell)
        return np.bincount(cell.astype(np.int64), minlength=self.cells + 1)


def grid_of(ends: Floats) -> Grid | None:
    """Return the grid, of at most ``MOST_CELLS``, that holds most of *ends*, ascending; None where none holds more than a few."""
    exponents = _exponents(ends)
    most, best = _FEW, None
    for exponent in np.unique(exponents[np.abs(exponents) < _EXTREME]).tolist():
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


def _compared(block: Floats, ends: Floats, bounds: tuple[float, float]) -> Counts:
    least, most = bounds  # NaN is below and above nothing
    found = np.zeros(ends.size, dtype=np.int64)
    mask = np.empty(block.size, dtype=bool)
    for position, end in enumerate(ends):
        if end <= least:
            found[position] = block.size
        elif not end > most:
            found[position] = np.count_nonzero(np.greater_equal(block, end, out=mask))
    return found


def _sorted(block: Floats, ends: Floats, _: tuple[float, float] | None = None) -> Counts:
    ordered = np.sort(block)  # NaN comes last
    known = block.size - np.count_nonzero(np.isnan(block))
    return known - np.searchsorted(ordered[:known], ends)
