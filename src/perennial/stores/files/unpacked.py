"""Dictionaries written out as plain values, in slices that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.core.errors import DataError

MOST_BYTES = 64 << 20
"""So much text of one column is written out at once. No single value may be larger."""


def unpacked(batch: pa.RecordBatch, where: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows of *batch* with plain values, in as many slices as their texts need.

    A dictionary of one text of 1 MB and a million references to it is a small thing until it is written out.

    Raises:
        DataError: DATA_TOO_LARGE, one value is over 64 MB.
    """
    if max((_size(column) for column in batch.columns), default=0) <= MOST_BYTES:
        yield pa.RecordBatch.from_arrays([_plain(column) for column in batch.columns], names=batch.schema.names)
        return
    if batch.num_rows == 1:
        raise DataError(Code.DATA_TOO_LARGE, f"must hold values of at most {MOST_BYTES >> 20} MB, holds a larger one", where=where)
    half = batch.num_rows // 2
    yield from unpacked(batch.slice(0, half), where)
    yield from unpacked(batch.slice(half), where)


def _size(column: pa.Array) -> int:
    """Return how many bytes of text *column* has when it is written out; 0 for what is of fixed width."""
    if not pa.types.is_dictionary(column.type):
        return 0
    lengths = _lengths(column.dictionary)
    if len(lengths) == 0 or len(column) * (pc.max(lengths).as_py() or 0) <= MOST_BYTES:
        return 0
    return int(pc.sum(pc.take(lengths, column.indices).cast(pa.int64())).as_py() or 0)


def _lengths(values: pa.Array) -> pa.Array:
    kind = values.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return pc.binary_length(values) if is_text else pa.nulls(0, pa.int32())


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
