"""Batches as a database's driver gives them, made into batches of rows as we promise them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.stores.arrow_selection import ROWS_PER_BATCH, convert_batch
from perennial.stores.arrow_types import INSTANT

_CALENDAR = {
    INSTANT: (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
    pa.date32(): (date.min, date.max),
}


def settled_batches(batches: Iterable[pa.RecordBatch], schema: pa.Schema, where: str) -> Generator[pa.RecordBatch]:
    """Yield the rows of *batches* in the canonical types of *schema*, at most ``ROWS_PER_BATCH`` at a time; at least one batch.

    Args:
        batches: With the columns of *schema* in its order, of types that convert to it.
        schema: What is promised.
        where: The table or query.

    Raises:
        DataError: DATA_ENCODING, with the row, counted from 1 in the order read; SCHEMA_TYPE, TIME_NAIVE, DATA_INT_PRECISION.
    """
    before = 0
    for batch in _cut(batches):
        _require_text(batch, before, where)
        settled = convert_batch(batch, schema, where)
        _require_calendar(settled, where)
        yield settled
        before += batch.num_rows
    if not before:
        yield pa.RecordBatch.from_pylist([], schema=schema)


def _cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for first in range(0, batch.num_rows, ROWS_PER_BATCH):
            yield batch.slice(first, ROWS_PER_BATCH)


def _require_text(batch: pa.RecordBatch, before: int, where: str) -> None:
    """Refuse text that is not UTF-8. Neither SQLite nor a PostgreSQL in SQL_ASCII looks at it, and ADBC passes it on."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_string(column.type):
            try:
                column.validate(full=True)
            except pa.ArrowInvalid:  # its message quotes the text, so it is not chained
                message = f"must be text in UTF-8, is not in row {before + _first_bad(column) + 1}"
                raise DataError(Code.DATA_ENCODING, message, where=f"{where}: {name}") from None


def _first_bad(texts: pa.Array) -> int:
    return next(index for index, text in enumerate(texts.view(pa.binary()).to_pylist()) if text is not None and not _is_utf8(text))


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _require_calendar(batch: pa.RecordBatch, where: str) -> None:
    """Refuse moments and dates that are infinite, or outside the years 1 to 9999: nothing after this could name them."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if column.type not in _CALENDAR or column.null_count == len(column):
            continue
        low, high = (pa.scalar(at, column.type) for at in _CALENDAR[column.type])
        if not pc.all(pc.and_(pc.greater_equal(column, low), pc.less_equal(column, high))).as_py():
            message = "must lie in the years 1 to 9999, holds infinity or what lies outside"
            raise DataError(Code.SCHEMA_TYPE, message, where=f"{where}: {name}")
