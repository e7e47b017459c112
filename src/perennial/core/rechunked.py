"""Record batches of one size out of batches of any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


def rechunked(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of *batches* in order, *rows* at a time; only the last batch may be smaller.

    There is at least one where there is a batch, with no rows if there are none. What comes in that size already is not copied.

    Args:
        batches: All of one schema.
        rows: How many in a batch.

    Examples:
        >>> [batch.num_rows for batch in rechunked(pa.table({"n": range(7)}).to_batches(max_chunksize=2), 3)]
        [3, 3, 1]
    """
    waiting: list[pa.RecordBatch] = []
    count, started = 0, False
    for whole in batches:
        batch = whole
        while count + batch.num_rows >= rows:
            yield _joined([*waiting, batch.slice(0, rows - count)])
            batch = batch.slice(rows - count)
            waiting, count, started = [], 0, True
        if batch.num_rows or not (waiting or started):
            waiting.append(batch)
            count += batch.num_rows
    if waiting:
        yield _joined(waiting)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.concat_batches(batches) if len(batches) > 1 else batches[0]
