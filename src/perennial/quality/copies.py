"""Rows that are copies of other rows in every value, under another key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from perennial.quality.column import Column, Kind, kind_of
from perennial.quality.marks import Mask, Positions
from perennial.quality.plain import Plain
from perennial.quality.scan import Batch
from perennial.quality.shares import Hashes, hashes_of

HELD = 50_000
"""About so many different rows are held at a time, by two hashes."""
_FEWEST_COLUMNS = 2
_FIRST = 3
"""By so many columns it is known already which rows are looked at, where there are many."""


class Copies:
    """Counts the different rows by a hash of their values. Of very many it looks at those of a share of all hashes.

    References:
        Bar-Yossef, Jayram, Kumar, Sivakumar, Trevisan, Counting distinct elements in a data stream, 2002.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        """Look at *columns*: all but the key, those with many different values first."""
        self.columns = tuple(columns)
        self._rows, self._halvings = 0, 0
        self._held: Hashes = np.empty((0, 2), np.uint64)

    def see(self, batch: Batch) -> None:
        """Take the hashes of *batch*."""
        usable = [name for name in self.columns if kind_of(batch.rows.schema.field(name).type) is not Kind.OTHER]
        if len(usable) < _FEWEST_COLUMNS or not len(batch):
            return
        self._rows += len(batch)
        first = hashes_of([batch[name] for name in usable[:_FIRST]])
        while self._differ(first) > HELD:
            self._halve()
        wanted = np.flatnonzero(self._in_share(first))
        whole = hashes_of(_taken(batch, usable, wanted))
        self._hold(np.stack([first[wanted], whole], axis=1))

    def told(self) -> Plain:
        """Return what was seen of a piece."""
        return self._rows, self._halvings, self._held

    def take(self, told: Plain) -> None:
        """Take into account what was told of a piece. The share depends on the different rows, not on their order."""
        rows, halvings, held = told
        self._rows += rows
        while self._halvings < halvings:
            self._halve()
        self._hold(held[self._in_share(held[:, 0])])

    @property
    def share(self) -> float | None:
        """The share of rows that an earlier one equals, estimated where there are many; None where nothing was looked at."""
        different = len(self._held) << self._halvings
        return max(0.0, 1.0 - different / self._rows) if self._rows else None

    def _hold(self, pairs: Hashes) -> None:
        """Hold rows of the share, each once, and a smaller share of them where there are too many."""
        both = np.concatenate([self._held, pairs])
        _, once = np.unique(both[:, 1], return_index=True)  # rows that are equal are so in their first columns
        self._held = both[once]
        while len(self._held) > HELD:
            self._halve()

    def _differ(self, first: Hashes) -> int:
        """Return how many rows of the share differ at least; they are only told apart where that matters."""
        wanted = first[self._in_share(first)]
        return len(wanted) if len(wanted) <= HELD else len(np.unique(wanted))

    def _in_share(self, first: Hashes) -> Mask:
        return np.asarray((first & np.uint64((1 << self._halvings) - 1)) == 0)

    def _halve(self) -> None:
        self._halvings += 1
        self._held = self._held[self._in_share(self._held[:, 0])]


def _taken(batch: Batch, names: Sequence[str], wanted: Positions) -> Sequence[Column]:
    if len(wanted) == len(batch):
        return [batch[name] for name in names]
    return [Column(batch.rows.column(name).take(pa.array(wanted))) for name in names]
