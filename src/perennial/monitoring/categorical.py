"""The bins of a column of a limited number of values, and how many rows lie in each."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.monitoring.columns import coded
from perennial.monitoring.named import NamedEdges
from perennial.monitoring.psi import Counts


class CategoricalEdges(NamedEdges):
    """The bins of a column of a limited number of values: values.., other, unseen, missing.

    Attributes:
        values: The values with a bin of their own, the most frequent first.
        others: Further values that the reference held, counted together as ``other``.
    """

    kind: Literal["categorical"] = "categorical"
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

    @property
    def test_ordinary(self) -> int:
        """The number of the test's bins that do not stand apart: all of them."""
        return self.ordinary

    def test_counts(self, counts: Counts) -> Counts:
        """Return the counts of the test's bins, shape (..., bins): all of them."""
        return counts

    @cached_property
    def places(self) -> dict[str, int]:
        """The bin of each value that the reference held."""
        return {**dict.fromkeys(self.others, len(self.values)), **{value: place for place, value in enumerate(self.values)}}

    @cached_property
    def by_name(self) -> Counts:
        """The bins of the values in the order of their names, then ``other``, shape (ordinary,)."""
        return np.append(np.argsort(np.array(self.values, dtype=object), kind="stable"), len(self.values)).astype(np.int64)

    def count(self, column: pa.Array | pa.ChunkedArray) -> Counts:
        """Return how many rows of *column* lie in each bin, shape (bins,). Each different value is looked up once."""
        codes, values = coded(self.name, column)
        rows = np.bincount(codes, minlength=len(values) + 1)
        position = pc.fill_null(pc.index_in(values, value_set=self._known), -1).to_numpy()
        bins = np.where(position < 0, self.ordinary, np.minimum(position, len(self.values)))
        counts = np.zeros(self.bins, dtype=np.int64)
        np.add.at(counts, bins, rows[:-1])
        counts[-1] = rows[-1]
        return counts

    @cached_property
    def _known(self) -> pa.Array:
        return pa.array((*self.values, *self.others), pa.large_string())
