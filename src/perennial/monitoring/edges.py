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
from perennial.monitoring.columns import numbers, texts
from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.stored import Frozen


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

    def place(self, column: pa.Array | pa.ChunkedArray) -> Counts:
        """Return the bin of each row, shape (rows,)."""
        return self.place_numbers(numbers(self.name, column))

    def place_numbers(self, values: Floats) -> Counts:
        """Return the bin of each value; NaN is missing."""
        inner = max(len(self.cuts) - 1, 0)
        low, high = (self.cuts[0], self.cuts[-1]) if self.cuts else (np.inf, -np.inf)
        bins = np.searchsorted(np.asarray(self.cuts), values, side="right") - 1
        bins = np.minimum(bins, max(inner - 1, 0))
        bins = np.where(values < low, self.ordinary, bins)
        bins = np.where(values > high, self.ordinary + 1, bins)
        for number, atom in enumerate(self.atoms):
            bins = np.where(values == atom, inner + number, bins)
        return np.where(np.isnan(values), self.ordinary + 2, bins).astype(np.int64)


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

    def place(self, column: pa.Array | pa.ChunkedArray) -> Counts:
        """Return the bin of each row, shape (rows,)."""
        found = texts(self.name, column)
        known = pa.array((*self.values, *self.others), pa.large_string())
        position = pc.fill_null(pc.index_in(found, value_set=known), -1).to_numpy(zero_copy_only=False)
        bins = np.where(position < 0, self.ordinary, np.minimum(position, len(self.values)))
        return np.where(pc.is_null(found).to_numpy(zero_copy_only=False), self.ordinary + 1, bins).astype(np.int64)


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
