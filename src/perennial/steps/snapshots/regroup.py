"""Cutting record batches of any length into groups of one length, so that equal rows are stored as equal bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from perennial.core.rechunked import rechunked


def regrouped(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Yield the rows of *batches* in order, *rows* at a time; the last group may be shorter.

    There is at least one group where there is a batch. Each is contiguous and free of metadata, nullability included: neither
    says anything about the rows.
    """
    for batch in rechunked(batches, rows):
        plain = pa.schema([(field.name, field.type) for field in batch.schema])
        yield pa.Table.from_arrays(batch.columns, schema=plain)
