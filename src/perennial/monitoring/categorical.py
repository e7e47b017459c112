"""The bins of a column of a limited number of values, and how many rows lie in each."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.monitoring.columns import is_text, pieces, require_countable, rows_of_texts
from perennial.monitoring.named import NamedEdges
from perennial.monitoring.psi import Counts
from perennial.monitoring.short_texts import ShortTexts

_FEW = 1 << 10
"""For no more texts than this it does not pay to learn how to find short ones."""


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
        """Return how many rows of *column* lie in each bin, shape (bins,)."""
        require_countable(self.name, column.type, None, numeric=False)
        counts = np.zeros(self.bins, dtype=np.int64)
        for piece in pieces(column):
            if is_text(piece.type):
                counts += np.bincount(self._placed(piece.drop_null()), minlength=self.bins)
                counts[-1] += piece.null_count
            else:
                rows, texts = rows_of_texts(self.name, piece)
                np.add.at(counts, self._placed(texts), rows[:-1])
                counts[-1] += rows[-1]
        return counts

    def _placed(self, texts: pa.Array) -> Counts:
        """Return the bin of each of *texts*, shape (rows,)."""
        bins = self._short.find(texts) if len(texts) > _FEW else np.full(len(texts), -1)
        left = np.flatnonzero(bins < 0)
        if left.size:
            rest = (texts if left.size == len(texts) else texts.take(pa.array(left))).dictionary_encode()
            values = rest.dictionary.cast(pa.large_string())
            position = pc.fill_null(pc.index_in(values, value_set=self._known), -1).to_numpy()
            placed = np.where(position < 0, self.ordinary, np.minimum(position, len(self.values)))
            bins[left] = placed[rest.indices.to_numpy()]
        return bins

    @cached_property
    def _known(self) -> pa.Array:
        return pa.array((*self.values, *self.others), pa.large_string())

    @cached_property
    def _short(self) -> ShortTexts:
        return ShortTexts(self._known, np.minimum(np.arange(len(self._known)), len(self.values)))
