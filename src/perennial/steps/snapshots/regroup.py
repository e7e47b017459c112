"""Cutting record batches of any length into groups of one length, so that equal rows are stored as equal bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa


def regrouped(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Yield the rows of *batches* in order, *rows* at a time; the last group may be shorter.

    There is at least one group where there is a batch. Each is contiguous and free of metadata, nullability included: neither
    says anything about the rows.
    """
    waiting: list[pa.RecordBatch] = []
    count = 0
    started = False
    for whole in batches:
        batch = whole
        while count + batch.num_rows >= rows:
            yield _contiguous([*waiting, batch.slice(0, rows - count)])
            batch = batch.slice(rows - count)
            waiting, count, started = [], 0, True
        if batch.num_rows or not (waiting or started):
            waiting.append(batch)
            count += batch.num_rows
    if waiting:
        yield _contiguous(waiting)


def _contiguous(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    table = pa.Table.from_batches(batches).combine_chunks()
    return pa.Table.from_arrays(table.columns, schema=pa.schema([(field.name, field.type) for field in table.schema]))
