"""Batches of one size out of batches of any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


def rechunked(batches: Iterable[pa.RecordBatch], schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of *batches* in batches of *rows*, of which only the last is smaller; where there are none, a batch of none.

    Args:
        batches: Of one *schema*.
        schema: For the batch without rows.
        rows: How many in a batch.
    """
    held: list[pa.RecordBatch] = []
    count, empty = 0, True
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        while count >= rows:
            joined = pa.concat_batches(held) if len(held) > 1 else held[0]
            yield joined.slice(0, rows)
            empty, count = False, count - rows
            held = [joined.slice(rows)] if count else []
    if count or empty:
        yield pa.concat_batches(held) if count else pa.RecordBatch.from_pylist([], schema=schema)
