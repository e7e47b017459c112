"""Sorts rows that are in order of time already, but not among those of one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

MOST_AT_ONCE = 200_000
"""More rows of one moment than these are sorted on disk."""
_ROWS_AT_A_TIME = 100_000


def locally_sorted(batches: Iterable[pa.RecordBatch], schema: pa.Schema, keys: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of *batches* in order of *keys*, of which the first never falls from row to row.

    Holds some 100 000 rows, and those of one moment.
    """
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(part.num_rows for part in held) < _ROWS_AT_A_TIME:
            continue
        rows = pa.concat_batches(held)
        cut = _last_change(rows.column(keys[0]))
        if cut:
            yield from _sorted(rows.slice(0, cut), schema, keys)
        held = [rows.slice(cut)]
    if held:
        yield from _sorted(pa.concat_batches(held), schema, keys)


def _last_change(at: pa.Array) -> int:
    """Return where the rows of the last moment begin."""
    moments = at.cast(pa.int64()).to_numpy()
    return int(np.searchsorted(moments, moments[-1], side="left"))


def _sorted(rows: pa.RecordBatch, schema: pa.Schema, keys: Sequence[str]) -> list[pa.RecordBatch]:
    table = pa.Table.from_batches([rows], schema=schema).sort_by([(name, "ascending") for name in keys])
    return list(table.combine_chunks().to_batches())
