"""Checks Arrow record batches on their way into the ledger, one batch at a time."""

from __future__ import annotations

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
OUTCOME = pa.schema([("entity", pa.string()), ("event_at", MOMENT), ("value", pa.float64()), ("available_at", MOMENT)])


def checked_predictions(batches: Iterable[pa.RecordBatch], interval: Interval, where: str) -> Iterator[pa.RecordBatch]:
    """Yield *batches* with the columns entity, event_at and prediction, all there, finite and inside *interval*.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_TYPE, TIME_NAIVE, PREDICTION_NONFINITE, TIME_OUT_OF_INTERVAL.
    """
    for raw in batches:
        batch = _shaped(raw, PREDICTION, where)
        _demand(pc.is_finite(batch["prediction"]), Code.PREDICTION_NONFINITE, "predictions must be finite", where)
        inside = pc.and_(
            pc.greater_equal(batch["event_at"], pa.scalar(interval.start, MOMENT)),
            pc.less(batch["event_at"], pa.scalar(interval.end, MOMENT)),
        )
        _demand(inside, Code.TIME_OUT_OF_INTERVAL, f"event_at must lie in {interval}", where)
        yield batch


def checked_outcomes(batches: Iterable[pa.RecordBatch], where: str) -> Iterator[pa.RecordBatch]:
    """Yield *batches* with the columns entity, event_at, value and available_at, all there and finite.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_TYPE, TIME_NAIVE, DATA_NONFINITE.
    """
    for raw in batches:
        batch = _shaped(raw, OUTCOME, where)
        _demand(pc.is_finite(batch["value"]), Code.DATA_NONFINITE, "labels must be finite", where)
        _demand(pc.is_valid(batch["available_at"]), Code.SCHEMA_TYPE, "available_at must be given", where)
        yield batch


def rows_of(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of *batch* as plain Python values."""
    yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


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
