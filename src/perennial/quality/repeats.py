"""Uniqueness: which rows have values that other rows have as well, exactly and in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perennial.quality.column import Column
from perennial.quality.held import InOrder, InShares
from perennial.quality.marks import Marks, Mask
from perennial.quality.plain import Plain
from perennial.quality.scan import Batch

HELD_ROWS = 1_000_000
"""So many rows of the columns in question are held at a time."""


class Repeats:
    """Marks the rows whose values stand in another row as well; every copy is marked, as nobody knows which one is right.

    Rows that come in the order of a moment among their columns, as those of a snapshot do, need one pass: equal ones are near each
    other. Others are gone through in shares by their values, in as many passes as it takes for a share to fit into memory.
    """

    def __init__(
        self, columns: Sequence[str], rows: int, *, ignored: str = "never", in_order: bool = False, held_rows: int = HELD_ROWS
    ) -> None:
        """Look for repeated values.

        Args:
            columns: The columns that are unique together. None of their kinds is OTHER.
            rows: How many rows there are in all.
            ignored: Which rows are left out: ``all_values_are_missing``, ``any_value_is_missing`` or ``never``.
            in_order: Whether the rows probably come in the order of a moment that is among the columns.
            held_rows: So many rows are held at a time.
        """
        self.columns = tuple(columns)
        self.marks = Marks()
        self.considered = 0
        self._ignored = ignored
        shares = max(1, -(-rows // held_rows))
        self._pass: InOrder | InShares | None = InOrder(held_rows, shares) if in_order else InShares(0, shares)
        self._first = True

    def see(self, batch: Batch) -> None:
        """Mark what is known to be repeated by now."""
        columns = [batch[name] for name in self.columns]
        wanted = _wanted(columns, self._ignored)
        if self._first:
            self.considered += int(np.count_nonzero(wanted))
        if self._pass:
            self.marks.add_positions(self._pass.take(batch.start, columns, wanted))

    def again(self) -> bool:
        """Mark what the pass has found, and return whether another one is needed."""
        self._first = False
        if self._pass:
            found, self._pass = self._pass.end()
            self.marks.add_positions(found)
        return self._pass is not None

    def apart(self) -> RepeatsApart:
        """Return one for a piece of the rows."""
        return RepeatsApart(self.columns, self._ignored, self._pass)

    def take(self, told: Plain) -> None:
        """Take into account what was told of a piece."""
        considered, found = told
        self.considered += considered if self._first else 0
        if self._pass:
            self.marks.add_positions(self._pass.join(found))


class RepeatsApart:
    """Sees a piece of the rows for who looks for repeated values among all."""

    def __init__(self, columns: Sequence[str], ignored: str, kind: InOrder | InShares | None) -> None:
        """See the rows of a piece in a pass of the same *kind*; see :class:`Repeats`."""
        self.columns = tuple(columns)
        self._ignored = ignored
        self._pass = kind.apart() if kind else None
        self._considered = 0

    def see(self, batch: Batch) -> None:
        """Take *batch* into account."""
        columns = [batch[name] for name in self.columns]
        wanted = _wanted(columns, self._ignored)
        self._considered += int(np.count_nonzero(wanted))
        if self._pass:
            self._pass.take(batch.start, columns, wanted)

    def told(self) -> Plain:
        """Return what was seen."""
        return self._considered, self._pass.told() if self._pass else ()


def _wanted(columns: Sequence[Column], ignored: str) -> Mask:
    """Return which rows are not left out."""
    rows = len(columns[0].exact)
    missing = [np.zeros(rows, dtype=bool) if column.missing is None else column.missing for column in columns]
    if ignored == "never":
        return np.ones(rows, dtype=bool)
    left_out = np.logical_and if ignored == "all_values_are_missing" else np.logical_or
    return np.asarray(~left_out.reduce(missing), dtype=bool)
