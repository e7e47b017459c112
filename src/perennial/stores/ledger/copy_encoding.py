"""Arrow record batches into the rows of PostgreSQL's binary COPY, a column at a time and never a row at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
EPOCH_US = 946_684_800_000_000
"""PostgreSQL counts microseconds from 2000-01-01, Arrow from 1970-01-01."""

_NULL = b"\xff\xff\xff\xff"
_LENGTH, _WHOLE, _FIGURE, _FIELDS = ">i4", ">i8", ">f8", ">i2"
_EIGHT = 8

Field = tuple[str, object]
"""A NumPy type and what fills it, for every row alike or one by one."""


def encode(batch: pa.RecordBatch) -> memoryview:
    """Return the rows of *batch* as binary COPY wants them, without header and trailer.

    Fields of a fixed length are laid out by a structured array; Arrow then joins them, row by row, with those that vary.

    Args:
        batch: Columns of int64, float64, string, or timestamps in microseconds; only float64 may have nulls. At most 2 GB of text.

    References:
        PostgreSQL's manual, COPY, "Binary Format".
    """
    if batch.num_rows == 0:
        return memoryview(b"")
    joined = pc.binary_join_element_wise(*_pieces(batch), pa.scalar(b"", pa.binary()))
    _, offsets, content = joined.buffers()
    first, last = np.frombuffer(offsets, np.int32)[[joined.offset, joined.offset + len(joined)]]
    return memoryview(content)[first:last]


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.Array]:
    """Yield what each row consists of: stretches of fixed fields, and between them a text or a figure that may be missing."""
    rows, fixed = batch.num_rows, list[Field]([(_FIELDS, batch.num_columns)])
    for column in batch.columns:
        if pa.types.is_string(column.type):
            fixed.append((_LENGTH, pc.binary_length(column).to_numpy()))
            yield _stretch(fixed, rows)
            yield column.cast(pa.binary())
            fixed = []
        elif column.null_count == rows:
            fixed.append((_LENGTH, -1))
        elif column.null_count:
            if fixed:
                yield _stretch(fixed, rows)
            yield pc.if_else(column.is_valid(), _stretch(_eight(column.fill_null(0.0)), rows), pa.scalar(_NULL, pa.binary()))
            fixed = []
        else:
            fixed.extend(_eight(column))
    if fixed:
        yield _stretch(fixed, rows)


def _eight(column: pa.Array) -> list[Field]:
    """Return the length and the value of a field of eight bytes."""
    if pa.types.is_timestamp(column.type):
        return [(_LENGTH, _EIGHT), (_WHOLE, column.view(pa.int64()).to_numpy() - EPOCH_US)]
    return [(_LENGTH, _EIGHT), (_FIGURE if pa.types.is_floating(column.type) else _WHOLE, column.to_numpy())]


def _stretch(fields: list[Field], rows: int) -> pa.Array:
    """Return *fields* side by side, as one binary value per row."""
    laid: npt.NDArray[np.void] = np.empty(rows, np.dtype([(str(at), kind) for at, (kind, _) in enumerate(fields)]))
    for at, (_, values) in enumerate(fields):
        laid[str(at)] = values
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(laid.itemsize)
    return pa.Array.from_buffers(pa.binary(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(laid)])
