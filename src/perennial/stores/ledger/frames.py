"""Checks Arrow record batches on their way into the ledger, one batch at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOMENT = pa.timestamp("us", "UTC")
PREDICTION = pa.schema([("entity", pa.string()), ("event_at", MOMENT), ("prediction", pa.float64())])
BOUNDS = pa.schema([("low", pa.float64()), ("high", pa.float64())])
PREDICTED = pa.schema([*PREDICTION, *BOUNDS])
MOST_BYTES = 1000
"""Of an entity, for it stands in an index, whose entries PostgreSQL limits to about 2700 bytes."""
_EARLIEST, _LATEST = (pa.scalar(datetime(year, 1, 1, tzinfo=UTC), MOMENT) for year in (1, 9999))
OUTCOME = pa.schema([("entity", pa.string()), ("event_at", MOMENT), ("value", pa.float64()), ("available_at", MOMENT)])


def checked_predictions(batches: Iterable[pa.RecordBatch], interval: Interval, where: str) -> Iterator[pa.RecordBatch]:
    """Yield *batches* in the shape of ``PREDICTED``, all there, finite and inside *interval*.

    The columns low and high, which a batch may have, hold an interval around the prediction, or nothing in both.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_TYPE, TIME_NAIVE, PREDICTION_NONFINITE, TIME_OUT_OF_INTERVAL, DATA_ENCODING, DATA_NUL,
            DATA_TOO_LARGE.
    """
    for raw in batches:
        bounded = any(name in raw.schema.names for name in BOUNDS.names)
        batch = _shaped(raw, PREDICTED if bounded else PREDICTION, where)
        _demand_text(batch["entity"], where)
        _demand(pc.is_finite(batch["prediction"]), Code.PREDICTION_NONFINITE, "predictions must be finite", where)
        inside = pc.and_(
            pc.greater_equal(batch["event_at"], pa.scalar(interval.start, MOMENT)),
            pc.less(batch["event_at"], pa.scalar(interval.end, MOMENT)),
        )
        _demand(inside, Code.TIME_OUT_OF_INTERVAL, f"event_at must lie in {interval}", where)
        if bounded:
            _demand(_bounds_are_right(batch), Code.PREDICTION_NONFINITE, "low and high must be finite and in this order", where)
        yield batch if bounded else _with_no_bounds(batch)


def checked_outcomes(batches: Iterable[pa.RecordBatch], where: str) -> Iterator[pa.RecordBatch]:
    """Yield *batches* with the columns entity, event_at, value and available_at, all there and finite.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_TYPE, TIME_NAIVE, DATA_NONFINITE, DATA_ENCODING, DATA_NUL, DATA_TOO_LARGE,
            TIME_OUT_OF_INTERVAL.
    """
    for raw in batches:
        batch = _shaped(raw, OUTCOME, where)
        _demand_text(batch["entity"], where)
        _demand(pc.is_finite(batch["value"]), Code.DATA_NONFINITE, "labels must be finite", where)
        _demand(pc.is_valid(batch["available_at"]), Code.SCHEMA_TYPE, "available_at must be given", where)
        for name in ("event_at", "available_at"):
            inside = pc.and_(pc.greater_equal(batch[name], _EARLIEST), pc.less(batch[name], _LATEST))
            _demand(inside, Code.TIME_OUT_OF_INTERVAL, f"{name} must lie in the years 1 to 9998", where)
        yield batch


def rows_of(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of *batch* as plain Python values."""
    yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _demand_text(column: pa.Array, where: str) -> None:
    """Refuse an entity that PostgreSQL cannot keep: not UTF-8, with a NUL character, or too long for an index.

    Raises:
        DataError: DATA_ENCODING, DATA_NUL, DATA_TOO_LARGE.
    """
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        raise DataError(Code.DATA_ENCODING, "entity must be UTF-8", where=where) from None  # Arrow's message quotes the value
    _demand(pc.invert(pc.match_substring(column, "\0")), Code.DATA_NUL, "entity must not have a NUL character", where)
    short = pc.less_equal(pc.binary_length(column), MOST_BYTES)
    _demand(short, Code.DATA_TOO_LARGE, f"entity must be at most {MOST_BYTES} bytes", where)


def _shaped(batch: pa.RecordBatch, schema: pa.Schema, where: str) -> pa.RecordBatch:
    missing = [name for name in schema.names if name not in batch.schema.names]
    if missing:
        raise DataError(Code.SCHEMA_MISSING, f"must have the columns {', '.join(missing)}", where=where)
    batch = batch.select(schema.names)
    naive = [field.name for field in batch.schema if pa.types.is_timestamp(field.type) and field.type.tz is None]
    if naive:
        raise DataError(Code.TIME_NAIVE, f"must have a timezone: {', '.join(naive)}", where=where)
    for name in ("entity", "event_at"):
        _demand(pc.is_valid(batch[name]), Code.SCHEMA_TYPE, f"{name} must be given", where)
    return _cast(batch, schema, where)


def _bounds_are_right(batch: pa.RecordBatch) -> pa.Array:
    """Return, row by row, whether low and high are both missing, or both finite and low is not above high."""
    low, high = batch["low"], batch["high"]
    missing = pc.and_(pc.is_null(low), pc.is_null(high))
    right = pc.and_(pc.and_(pc.is_finite(low), pc.is_finite(high)), pc.less_equal(low, high))
    return pc.or_(missing, pc.fill_null(right, fill_value=False))


def _with_no_bounds(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.record_batch([*batch.columns, *(pa.nulls(batch.num_rows, field.type) for field in BOUNDS)], schema=PREDICTED)


def _cast(batch: pa.RecordBatch, schema: pa.Schema, where: str) -> pa.RecordBatch:
    columns = []
    for field in schema:
        try:
            columns.append(batch[field.name].cast(field.type))
        except pa.ArrowException:
            message = f"{field.name} must be {field.type}, got {batch[field.name].type}"
            raise DataError(Code.SCHEMA_TYPE, message, where=where) from None  # Arrow's message quotes the value
    return pa.record_batch(columns, schema=schema)


def _demand(good: pa.Array, code: Code, message: str, where: str) -> None:
    bad = len(good) - (pc.sum(good).as_py() or 0)
    if bad:
        raise DataError(code, f"{message}, got {bad} of {len(good)} rows that are not", where=where)
