"""Whether rows stand in the order of their keys, found out batch by batch."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]


class KeyOrder:
    """What is known of the order of some rows.

    Attributes:
        strict: Every row's key is greater than the one before, so that nothing is left to decide.
        in_time: No row happened before the one that stands before it.
        most_at_once: The most rows that stand together and happened at one moment.
    """

    def __init__(self, keys: tuple[str, ...]) -> None:
        """Begin without rows.

        Args:
            keys: The columns of the key, of which the first one is the moment.
        """
        self.strict, self.in_time, self.most_at_once = True, True, 0
        self._keys = keys
        self._first: pa.RecordBatch | None = None
        self._last: pa.RecordBatch | None = None
        self._run = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Go on with the rows of *batch*, which has the columns of the key."""
        if batch.num_rows == 0:
            return
        self._compare(batch if self._last is None else pa.concat_batches([self._last, batch]))
        self._count(batch)
        self._first = self._first or batch.slice(0, 1)
        self._last = batch.slice(batch.num_rows - 1)

    def place(self) -> tuple[bool, Any]:
        """Return what parts are put in order by: when their first row happened; parts without rows come last."""
        return (self._first is None, self._first and self._first.column(self._keys[0])[0].as_py())

    @classmethod
    def joined(cls, orders: Iterable[KeyOrder]) -> KeyOrder:
        """Return the order of all rows, where those of each of *orders* follow the ones before."""
        return reduce(KeyOrder._followed_by, orders)

    def _followed_by(self, other: KeyOrder) -> KeyOrder:
        if self._last is None or other._first is None:
            return other if self._last is None else self
        both = KeyOrder(self._keys)
        both._compare(pa.concat_batches([self._last, other._first.cast(self._last.schema)]))
        both.strict &= self.strict and other.strict
        both.in_time &= self.in_time and other.in_time
        at = self._keys[0]
        together = self._run + other.most_at_once if self._last.column(at)[0] == other._first.column(at)[0] else 0  # at most
        both.most_at_once = max(self.most_at_once, other.most_at_once, together)
        both._run = together or other._run
        both._first, both._last = self._first, other._last
        return both

    def _compare(self, rows: pa.RecordBatch) -> None:
        at = rows.column(self._keys[0]).cast(pa.int64()).to_numpy()
        self.in_time &= bool((at[1:] >= at[:-1]).all())
        self.strict &= self.in_time
        undecided = np.ones(rows.num_rows - 1, dtype=bool)
        for name in self._keys if self.strict else ():
            more, equal = _against_the_one_before(rows.column(name))
            self.strict &= bool((more | equal | ~undecided).all())
            undecided &= equal
            if not (self.strict and undecided.any()):
                break
        self.strict &= not undecided.any()

    def _count(self, batch: pa.RecordBatch) -> None:
        at = batch.column(self._keys[0]).cast(pa.int64()).to_numpy()
        ends = np.flatnonzero(at[1:] != at[:-1]) + 1
        goes_on = self._last is not None and self._last.column(self._keys[0]).cast(pa.int64())[0].as_py() == at[0]
        lengths = np.diff(np.concatenate([[0], ends, [len(at)]]))
        lengths[0] += self._run if goes_on else 0
        self._run = int(lengths[-1])
        self.most_at_once = max(self.most_at_once, int(lengths.max()))


def _against_the_one_before(column: pa.Array) -> tuple[Mask, Mask]:
    """Return for every row but the first whether it is greater than the one before, and whether it is equal. Nulls are greatest."""
    before, after = column[:-1], column[1:]
    more, equal = _mask(pc.greater(after, before)), _mask(pc.equal(after, before))
    if column.null_count:
        no_before, no_after = _mask(before.is_null()), _mask(after.is_null())
        more, equal = more | (no_after & ~no_before), equal | (no_after & no_before)
    return more, equal


def _mask(values: pa.Array) -> Mask:
    filled = values.fill_null(fill_value=False) if values.null_count else values
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=bool)
