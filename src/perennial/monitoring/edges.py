"""Edges: the bins over which rows are counted. They come from the reference and are stored with the model version.

Each column's bins stand in one order: first the *ordinary* ones, then those that stand apart (outside the range, unseen, missing).
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from perennial.core.digest import digest_json
from perennial.monitoring.columns import coded, floats
from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.stored import Frozen

_BLOCK = 1 << 15
_MOST = np.finfo(np.float64).max


class NumericEdges(Frozen):
    """The bins of a column of numbers: cuts.., atoms.., below, above, missing.

    Attributes:
        name: The column.
        cuts: Increasing. Bin i holds ``cuts[i] <= x < cuts[i+1]``, the last one its right end too. The first and the last cut
            are the range; a constant column has one cut and an empty one none, and no bin between.
        atoms: Increasing. Single values with a large share and a bin of their own.
    """

    kind: Literal["numeric"] = "numeric"
    name: str
    cuts: tuple[float, ...]
    atoms: tuple[float, ...]

    @property
    def ordinary(self) -> int:
        """The number of bins that do not stand apart."""
        return max(len(self.cuts) - 1, 0) + len(self.atoms)

    @property
    def bins(self) -> int:
        """The number of bins."""
        return self.ordinary + 3

    def count(self, column: pa.Array | pa.ChunkedArray) -> Counts:
        """Return how many rows of *column* lie in each bin, shape (bins,).

        A block of rows that fits the processor's cache is held against each end of a run: to compare all is several times faster
        than to look up each.
        """
        values = floats(self.name, column)
        ends, bins = self._runs
        at_least = np.zeros(ends.size, dtype=np.int64)
        mask = np.empty(min(values.size, _BLOCK), dtype=bool)
        for start in range(0, values.size, _BLOCK):
            block = values[start : start + _BLOCK]
            for position, end in enumerate(ends):
                at_least[position] += np.count_nonzero(np.greater_equal(block, end, out=mask[: block.size]))
        counts = np.zeros(self.bins, dtype=np.int64)
        np.add.at(counts, bins[:-1], at_least[:-1] - at_least[1:])
        counts[-1] = values.size - counts.sum()
        return counts

    def place_numbers(self, values: Floats) -> Counts:
        """Return the bin of each value, shape (rows,); NaN and the infinite are missing."""
        ends, bins = self._runs
        return bins[np.searchsorted(ends, values, side="right") - 1]

    @cached_property
    def _runs(self) -> tuple[Floats, Counts]:
        """The ends between which all numbers share a bin, ascending from the least finite number to infinity, and those bins.

        The bin at infinity, and thus the one at position -1, is that of what is missing.
        """
        single = np.array(self.atoms, dtype=np.float64)
        with np.errstate(over="ignore"):  # the number after the last one is infinity
            after = np.nextafter([*self.cuts[-1:], *self.atoms], np.inf)
        ends = np.unique(np.concatenate(([-_MOST], self.cuts, single, after, [np.inf])))
        return ends, np.append(self._bins_of(ends[:-1]), self.bins - 1)

    def _bins_of(self, values: Floats) -> Counts:
        inner = max(len(self.cuts) - 1, 0)
        low, high = (self.cuts[0], self.cuts[-1]) if self.cuts else (np.inf, -np.inf)
        bins = np.searchsorted(np.asarray(self.cuts), values, side="right") - 1
        bins = np.minimum(bins, max(inner - 1, 0))
        bins = np.where(values < low, self.ordinary, bins)
        bins = np.where(values > high, self.ordinary + 1, bins)
        for number, atom in enumerate(self.atoms):
            bins = np.where(values == atom, inner + number, bins)
        return bins.astype(np.int64)


class CategoricalEdges(Frozen):
    """The bins of a column of a limited number of values: values.., other, unseen, missing.

    Attributes:
        name: The column.
        values: The values with a bin of their own, the most frequent first.
        others: Further values that the reference held, counted together as ``other``.
    """

    kind: Literal["categorical"] = "categorical"
    name: str
    values: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def ordinary(self) -> int:
        """The number of bins that do not stand apart: the values and ``other``."""
        return len(self.values) + 1

    @property
    def bins(self) -> int:
        """The number of bins."""
        return self.ordinary + 2

    def count(self, column: pa.Array | pa.ChunkedArray) -> Counts:
        """Return how many rows of *column* lie in each bin, shape (bins,). Each different value is looked up once."""
        codes, values = coded(self.name, column)
        rows = np.bincount(codes, minlength=len(values) + 1)
        known = pa.array((*self.values, *self.others), pa.large_string())
        position = pc.fill_null(pc.index_in(values, value_set=known), -1).to_numpy()
        bins = np.where(position < 0, self.ordinary, np.minimum(position, len(self.values)))
        counts = np.zeros(self.bins, dtype=np.int64)
        np.add.at(counts, bins, rows[:-1])
        counts[-1] = rows[-1]
        return counts


ColumnEdges = Annotated[NumericEdges | CategoricalEdges, Field(discriminator="kind")]


class Edges(Frozen):
    """The bins of all columns, in order."""

    columns: tuple[ColumnEdges, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 that names these edges."""
        return digest_json(self.model_dump(mode="json"))
