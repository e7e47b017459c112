"""The bins of a column of numbers, and how many rows lie in each."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perennial.monitoring.counting.at_least import AtLeast, Ends, Scratch
from perennial.monitoring.counting.columns import floats
from perennial.monitoring.counting.named import NamedEdges
from perennial.monitoring.psi import Counts, Floats

_MOST = np.finfo(np.float64).max


class NumericEdges(NamedEdges):
    """The bins of a column of numbers: ordinary ones in the order of their values, then below, above, -inf, inf, missing.

    Attributes:
        cuts: Increasing. Bin i holds ``cuts[i] <= x < cuts[i+1]``, the last one its right end too. The first and the last cut
            are the range; a constant column has one cut and an empty one none.
        atoms: Increasing. Single values with a large share and a bin of their own, which parts the bin in which they lie.
        test_starts: Which cuts, by position, begin a bin of the test; what lies between are finer bins. Empty where all do.
    """

    kind: Literal["numeric"] = "numeric"
    cuts: tuple[float, ...]
    atoms: tuple[float, ...]
    test_starts: tuple[int, ...] = ()

    @property
    def ordinary(self) -> int:
        """The number of bins that do not stand apart."""
        return int(np.count_nonzero(self._inside))

    @property
    def bins(self) -> int:
        """The number of bins."""
        return self.ordinary + 5

    @property
    def test_ordinary(self) -> int:
        """The number of the test's bins that do not stand apart."""
        return len(self._tests)

    @property
    def test_spans(self) -> Floats:
        """The least and the greatest end of each ordinary bin of the test, shape (test_ordinary, 2)."""
        last = np.append(self._tests[1:], self.ordinary) - 1
        return np.column_stack((self.spans[self._tests, 0], self.spans[last, 1]))

    def test_counts(self, counts: Counts) -> Counts:
        """Return the counts of the test's bins, shape (..., test bins), out of those of all bins, shape (..., bins).

        They come in the same order: ordinary, below, above, -inf, inf, missing.
        """
        summed: Counts = np.add.reduceat(counts, self._test_starts, axis=-1)
        return summed

    def in_order(self, counts: Counts) -> Counts:
        """Return the counts of all that is not missing in the order of the values, shape (..., bins - 1): -inf, below, .., inf."""
        return np.take(counts, self._order, axis=-1)

    def count(self, column: pa.Array | pa.ChunkedArray) -> Counts:
        """Return how many rows of *column* lie in each bin, shape (bins,)."""
        return self.count_numbers(floats(self.name, column))

    def count_numbers(self, values: Floats) -> Counts:
        """Return how many of *values*, NaN where missing, lie in each bin, shape (bins,)."""
        counting = self.counting()
        counting.add(values, Scratch(values.size))
        return self.binned(counting, values.size)

    def counting(self) -> AtLeast:
        """Return what counts numbers, with none so far; :meth:`binned` tells what it found."""
        return AtLeast(self._counted_ends)

    def binned(self, counting: AtLeast, rows: int) -> Counts:
        """Return how many of the *rows* that were counted lie in each bin, shape (bins,)."""
        reached = counting.counts
        counts = np.zeros(self.bins, dtype=np.int64)
        np.add.at(counts, self.runs[1], reached - np.append(reached[1:], 0))
        counts[-1] = rows - reached[0]
        return counts

    def place_numbers(self, values: Floats) -> Counts:
        """Return the bin of each value, NaN where missing, shape (rows,)."""
        ends, bins = self.runs
        placed = bins[np.searchsorted(ends, values, side="right") - 1]
        return np.where(np.isnan(values), self.bins - 1, placed)

    @cached_property
    def spans(self) -> Floats:
        """The least and the greatest end of each ordinary bin, shape (ordinary, 2). For an atom both are its value."""
        ends, closed = self._ends, np.array([*self.cuts[-1:], *self.atoms])
        with np.errstate(over="ignore"):  # the number before the least one is minus infinity
            before = np.nextafter(ends, -np.inf)
        shown = np.where(np.isin(before, closed), before, ends)
        return np.column_stack((shown[1:-1], shown[2:]))[self._inside]

    @cached_property
    def _ends(self) -> Floats:
        """Where the runs begin."""
        with np.errstate(over="ignore"):  # the number after the last one is infinity
            after = np.nextafter([*self.cuts[-1:], *self.atoms], np.inf)
        starts = self.cuts[:-1] or self.cuts
        return np.unique(np.concatenate(([-np.inf, -_MOST], starts, self.atoms, after, [np.inf])))

    @cached_property
    def _counted_ends(self) -> Ends:
        return Ends(self._ends)

    @cached_property
    def _inside(self) -> npt.NDArray[np.bool_]:
        """Which of the finite runs are ordinary bins, shape (ends - 2,)."""
        finite = self._ends[1:-1]
        low, high = self._range
        return np.isin(finite, np.array(self.atoms)) | ((finite >= low) & (finite <= high))

    @cached_property
    def runs(self) -> tuple[Floats, Counts]:
        """Where each run of numbers that share a bin begins, ascending: minus infinity, all finite ones, infinity; and its bin."""
        low, (least, _) = self.ordinary, self._range
        finite = np.where(self._ends[1:-1] < least, low, low + 1)
        finite = np.where(self._inside, np.cumsum(self._inside) - 1, finite)
        return self._ends, np.concatenate(([low + 2], finite, [low + 3])).astype(np.int64)

    @cached_property
    def _tests(self) -> Counts:
        """The position of the first bin of each of the test's bins, shape (test_ordinary,)."""
        cuts, atoms = np.array(self.cuts), np.array(self.atoms)
        begins = cuts[list(self.test_starts)] if self.test_starts else cuts
        with np.errstate(over="ignore"):  # the number after the last one is infinity
            begins = np.unique(np.concatenate((begins, cuts[:1], atoms, np.nextafter(atoms, np.inf))))
        inside = self._ends[1:-1][self._inside]
        places = np.searchsorted(inside, begins)
        there = places < inside.size
        found: Counts = places[there][inside[places[there]] == begins[there]]
        return found

    @cached_property
    def _test_starts(self) -> Counts:
        """The position of the first bin of each of the test's bins and of those that stand apart, shape (test bins,)."""
        return np.append(self._tests, np.arange(self.ordinary, self.bins))

    @cached_property
    def _order(self) -> Counts:
        """The positions of all bins but that of what is missing, in the order of their values."""
        low = self.ordinary
        return np.array([low + 2, low, *range(low), low + 1, low + 3])

    @property
    def _range(self) -> tuple[float, float]:
        return (self.cuts[0], self.cuts[-1]) if self.cuts else (-np.inf, -np.inf)
