"""The bins of a column of a limited number of values, and how many rows lie in each."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.monitoring.counting.columns import chunks, is_text, require_countable, rows_of_texts
from perennial.monitoring.counting.named import NamedEdges
from perennial.monitoring.counting.short_texts import ShortTexts
from perennial.monitoring.psi import Counts

_FEW = 1 << 10
"""For no more texts than this it does not pay to learn how to find short ones."""

_PIECE = 1 << 15
"""How many texts are looked up at a time: what that takes stays in the processor's cache, and with the thread that allocated it."""


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
        for chunk in chunks(column):
            counts += self._count_short(chunk) if is_text(chunk.type) and len(chunk) > _FEW else self._count_distinct(chunk)
        return counts

    def _count_short(self, texts: pa.Array) -> Counts:
        """Count *texts* one by one, as long as they are short; from the first piece on in which one is not, by distinct values."""
        counts = np.zeros(self.bins, dtype=np.int64)
        for start in range(0, len(texts), _PIECE):
            piece = texts.slice(start, _PIECE)
            places = self._short.find(piece.drop_null())
            if places is None:
                return counts + self._count_distinct(texts.slice(start))
            found = np.bincount(places + 1, minlength=self.bins + 1)
            if found[0]:
                counts += self._count_distinct(piece.drop_null().take(pa.array(np.flatnonzero(places < 0))))
            counts += found[1:]
            counts[-1] += piece.null_count
        return counts

    def _count_distinct(self, values: pa.Array) -> Counts:
        """Count *values*, of which each different one is looked up once."""
        counts = np.zeros(self.bins, dtype=np.int64)
        rows, texts = rows_of_texts(self.name, values)
        np.add.at(counts, self._placed(texts), rows[:-1])
        counts[-1] += rows[-1]
        return counts

    def _placed(self, texts: pa.Array) -> Counts:
        """Return the bin of each of *texts*, large_string, shape (texts,)."""
        bins = self._short.find(texts) if len(texts) > _FEW else None
        if bins is None:
            return self._looked_up(texts)
        left = np.flatnonzero(bins < 0)
        if left.size:
            bins[left] = self._looked_up(texts.take(pa.array(left)))
        return bins

    def _looked_up(self, texts: pa.Array) -> Counts:
        position = pc.fill_null(pc.index_in(texts, value_set=self._known), -1).to_numpy()
        return np.where(position < 0, self.ordinary, np.minimum(position, len(self.values)))

    @cached_property
    def _known(self) -> pa.Array:
        return pa.array((*self.values, *self.others), pa.large_string())

    @cached_property
    def _short(self) -> ShortTexts:
        return ShortTexts(self._known, np.minimum(np.arange(len(self._known)), len(self.values)))
