"""What a column looks like over its history: a portrait in one pass and bounded memory, for proposing expectations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perennial.quality.column import Kind
from perennial.quality.scan import Batch

MOST_VALUES = 20
"""A column with more different texts is not proposed to be one of a set."""
_EXTREMES = 4
_SAMPLE = 50_000

Numbers = npt.NDArray[np.float64]


class Portrait:
    """Sees a column, and keeps its counts, its extremes with how often they stand, a sample, and its texts where they are few.

    Attributes:
        rows: How many rows were seen.
        missing: How many values are missing.
        kind: What the column holds; None before a batch was seen.
        texts: The different texts; None where there are more than ``MOST_VALUES``.
        extremes: The least and the greatest few numbers, each with how often it stands, by number.
    """

    def __init__(self, column: str) -> None:
        """Look at *column*."""
        self.columns = (column,)
        self.rows = self.missing = 0
        self.kind: Kind | None = None
        self.texts: frozenset[str] | None = frozenset()
        self.extremes: dict[float, int] = {}
        self._sample: Numbers = np.empty(0)
        self._lots: Numbers = np.empty(0)
        self._random = np.random.default_rng(0)

    def see(self, batch: Batch) -> None:
        """Take *batch* into account."""
        column = batch[self.columns[0]]
        self.kind = column.kind
        self.rows += len(batch)
        self.missing += len(batch) - column.count
        if column.kind is Kind.TEXT and self.texts is not None:
            found = self.texts | {str(text) for text in column.words[0].to_pylist()}
            self.texts = found if len(found) <= MOST_VALUES else None
        if column.kind in (Kind.WHOLE, Kind.REAL):
            self._numbers(column.present[np.isfinite(column.present)])

    def again(self) -> bool:
        """One pass suffices."""
        return False

    def sample(self, without: set[float]) -> Numbers:
        """Return a sample of the numbers, those in *without* left out; always the same one for the same batches."""
        return self._sample[~np.isin(self._sample, list(without))]

    def _numbers(self, values: Numbers) -> None:
        different, counts = np.unique(values, return_counts=True)
        ends = np.unique([*range(len(different))[:_EXTREMES], *range(len(different))[-_EXTREMES:]]).astype(np.int64)
        for value, count in zip(different[ends].tolist(), counts[ends].tolist(), strict=True):
            self.extremes[value] = self.extremes.get(value, 0) + count
        for value in sorted(self.extremes)[_EXTREMES:-_EXTREMES]:
            del self.extremes[value]
        lots = np.concatenate([self._lots, self._random.random(len(values))])  # those with the lowest lots stay
        drawn = np.argsort(lots)[:_SAMPLE]
        self._sample, self._lots = np.concatenate([self._sample, values])[drawn], lots[drawn]
