"""A snapshot's columns as NumPy arrays, and its rows by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.definition.models import Definition

MOMENT = pa.timestamp("us", tz="UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _MICROSECOND


def scalar(at: datetime) -> pa.Scalar:
    """Return *at* as Arrow compares it."""
    return pa.scalar(at, MOMENT)


def microseconds(at: datetime) -> int:
    """Return *at* in microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def moments(rows: pa.Table | pa.RecordBatch, definition: Definition) -> npt.NDArray[np.int64]:
    """Return when each row happened, in microseconds since 1970, shape (rows,)."""
    return np.asarray(rows.column(definition.source.event_at).cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)


def days(rows: pa.Table | pa.RecordBatch, definition: Definition) -> npt.NDArray[np.int64]:
    """Return the number of each row's UTC day since 1970, shape (rows,)."""
    return moments(rows, definition) // _DAY


def day_of(interval: Interval) -> int:
    """Return the number of the UTC day since 1970 in which the middle of *interval* lies."""
    return microseconds(interval.start + interval.length / 2) // _DAY


def target(rows: pa.Table | pa.RecordBatch, definition: Definition) -> npt.NDArray[np.float64]:
    """Return the labels in their own unit, shape (rows,); a null is NaN.

    Raises:
        DataError: SCHEMA_TYPE.
    """
    return np.asarray(numbers(rows, definition.label.column).to_numpy(zero_copy_only=False), dtype=np.float64)


def numbers(rows: pa.Table | pa.RecordBatch, name: str) -> pa.Array | pa.ChunkedArray:
    """Return the column *name* as float64, shape (rows,).

    Raises:
        DataError: SCHEMA_TYPE, it holds no numbers. Arrow's own message would quote a value.
    """
    column = rows.column(name)
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
    if not any(is_kind(column.type) for is_kind in kinds):
        raise DataError(Code.SCHEMA_TYPE, f"must be a number, got {column.type}", where=name)
    return column.cast(pa.float64())


def within(rows: pa.Table, definition: Definition, interval: Interval) -> pa.Table:
    """Return the rows whose event lies in *interval*."""
    at = rows.column(definition.source.event_at)
    return rows.filter(pc.and_(pc.greater_equal(at, scalar(interval.start)), pc.less(at, scalar(interval.end))))
