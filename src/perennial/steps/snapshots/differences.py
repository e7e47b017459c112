"""What differs between two streams of rows that are sorted by the same key, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
_NTH, _SIDE, _ROW = "_nth", "_side", "_row"


@dataclass(slots=True)
class Differences:
    """Rows that only the later stream has, that only the earlier one has, and that both have with other values in *columns*."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    columns: set[str] = field(default_factory=set)


def differences(earlier: Iterator[pa.RecordBatch], later: Iterator[pa.RecordBatch], key: Sequence[str]) -> Differences:
    """Return what differs between two streams.

    Of rows with the same key, the first of one side is matched with the first of the other, and so on. Both streams have the same
    schema, and are sorted by *key* as Arrow sorts: ascending, nulls last. At any moment two batches of each are held.

    Args:
        earlier: The rows as they were.
        later: The rows as they are.
        key: The columns that name a row, as they sort.
    """
    found = Differences()
    left, right = _Window(earlier), _Window(later)
    while left.fill() and right.fill():
        rows = min(left.rows, right.rows)
        ours, theirs = left.first(rows), right.first(rows)
        if _differs(ours, theirs, key).any():
            _compare_matched(left, right, key, found)
        else:
            _compare(ours, theirs, key, found)
            left.drop(rows)
            right.drop(rows)
    found.removed += left.drain()
    found.added += right.drain()
    return found


class _Window:
    """The next rows of a stream."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.held: pa.RecordBatch | None = None

    @property
    def rows(self) -> int:
        return 0 if self.held is None else int(self.held.num_rows)

    def fill(self) -> bool:
        """Hold at least one row, and return whether there is one."""
        while self.rows == 0:
            self.held = next(self._batches, None)
            if self.held is None:
                return False
        return True

    def first(self, rows: int) -> pa.RecordBatch:
        """Return the first *rows* of those that are held."""
        return self.held.slice(0, rows) if self.held is not None else None

    def drop(self, rows: int) -> None:
        """Forget the first *rows*."""
        self.held = None if self.held is None else self.held.slice(rows)

    def drain(self) -> int:
        """Forget all rows, and return how many there were."""
        rows = self.rows + sum(int(batch.num_rows) for batch in self._batches)
        self.held = None
        return rows


def _compare_matched(left: _Window, right: _Window, key: Sequence[str], found: Differences) -> None:
    """Compare the rows up to the point to which both windows are complete, and drop these."""
    ours, theirs = left.first(left.rows), right.first(right.rows)
    merged = _merged([_numbered(ours, key, 0), _numbered(theirs, key, 1)], (*key, _NTH, _SIDE))
    side, row = (merged.column(name).to_numpy() for name in (_SIDE, _ROW))
    matched = np.append(~_differs(merged.slice(0, len(side) - 1), merged.slice(1), (*key, _NTH)), [False])  # with the next row
    cut = min(int(np.flatnonzero(side == number)[-1]) for number in (0, 1)) + 1
    cut += int(matched[cut - 1])
    pairs = np.flatnonzero(matched[:cut])
    gone, come = (int(np.count_nonzero(side[:cut] == number)) for number in (0, 1))
    found.removed += gone - pairs.size
    found.added += come - pairs.size
    _compare(ours.take(pa.array(row[pairs])), theirs.take(pa.array(row[pairs + 1])), key, found)
    left.drop(gone)
    right.drop(come)


def _merged(sides: Sequence[pa.RecordBatch], order: Sequence[str]) -> pa.RecordBatch:
    both = pa.Table.from_batches(sides).combine_chunks().to_batches()[0]
    return both.sort_by([(name, "ascending") for name in order])


def _numbered(rows: pa.RecordBatch, key: Sequence[str], side: int) -> pa.RecordBatch:
    """Return the key of *rows*, how many rows with the same key stand before each, their side, and their positions."""
    position = np.arange(rows.num_rows)
    keys = rows.select(list(key))
    starts = np.append([True], _differs(keys.slice(0, rows.num_rows - 1), keys.slice(1), key))
    nth = position - np.maximum.accumulate(np.where(starts, position, 0))
    further = [pa.array(nth), pa.array(np.full(rows.num_rows, side, dtype=np.int8)), pa.array(position)]
    return pa.RecordBatch.from_arrays([*keys.columns, *further], names=[*key, _NTH, _SIDE, _ROW])


def _compare(ours: pa.RecordBatch, theirs: pa.RecordBatch, key: Sequence[str], found: Differences) -> None:
    """Compare row by row what has the same key."""
    changed = np.zeros(ours.num_rows, dtype=bool)
    for name in ours.schema.names:
        if name not in key and (differs := _differs(ours, theirs, [name])).any():
            found.columns.add(name)
            changed |= differs
    found.changed += int(np.count_nonzero(changed))


def _differs(ours: pa.RecordBatch, theirs: pa.RecordBatch, names: Sequence[str]) -> Mask:
    """Return whether each row differs from its counterpart in any of *names*, shape (rows,). Missing equals missing, NaN NaN."""
    differs = np.zeros(ours.num_rows, dtype=bool)
    for name in names:
        left, right = ours.column(name), theirs.column(name)
        unequal = _flags(pc.not_equal(left, right))
        if pa.types.is_floating(left.type):
            unequal &= ~(_flags(pc.is_nan(left)) & _flags(pc.is_nan(right)))
        differs |= unequal | (_flags(left.is_null()) != _flags(right.is_null()))
    return differs


def _flags(flags: pa.BooleanArray) -> Mask:
    return np.asarray(pc.fill_null(flags, fill_value=False).to_numpy(zero_copy_only=False), dtype=bool)
