"""From a source's rows to the frame that an estimator sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.learning.time_features import time_feature


@dataclass(frozen=True, slots=True)
class Columns:
    """Which features an estimator sees, in this order.

    Attributes:
        numeric: Columns of numbers.
        categorical: Columns of a limited number of values.
        time: Features derived from *event_at*: hour, weekday, weekend, day_of_year, month, elapsed_days.
        event_at: The column of when a row happened; read only where *time* names something.
        timezone: The IANA timezone in which time features are told.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    time: tuple[str, ...]
    event_at: str
    timezone: str

    @property
    def features(self) -> tuple[str, ...]:
        """The frame's columns: numeric, then categorical, then time."""
        return (*self.numeric, *self.categorical, *self.time)


def feature_frame(rows: pa.Table, columns: Columns) -> pd.DataFrame:
    """Return the features of *rows*, one row each, in the order of ``columns.features``.

    Numeric and time features are float64; an infinite number is no measurement and becomes missing. Categorical features are of
    pandas' category type over text, so that 1 read from a database and 1 read from a file are one value.

    Args:
        rows: Any number of rows, with at least the columns that are asked for.
        columns: What to take.

    Raises:
        DataError: SCHEMA_MISSING and SCHEMA_TYPE, every faulty column at once; TIME_NAIVE.
    """
    if faults := list(_faults(rows.schema, columns)):
        raise DataError.of(faults)
    series = {
        **{name: _numbers(rows[name]) for name in columns.numeric},
        **{name: _categories(rows[name]) for name in columns.categorical},
        **{name: time_feature(name, rows[columns.event_at], columns.timezone) for name in columns.time},
    }
    return pd.DataFrame(series, index=pd.RangeIndex(rows.num_rows), columns=list(columns.features))


def _faults(schema: pa.Schema, columns: Columns) -> Iterator[Fault]:
    event_at = (columns.event_at,) if columns.time else ()
    for name in (*columns.numeric, *columns.categorical, *event_at):
        if name not in schema.names:
            yield Fault(Code.SCHEMA_MISSING, "is not among the rows' columns", name)
    for name in columns.numeric:
        if name in schema.names and not _numeric(schema.field(name).type):
            yield Fault(Code.SCHEMA_TYPE, f"must be a number, got {schema.field(name).type}", name)
    for name in columns.categorical:
        if name in schema.names and pa.types.is_nested(schema.field(name).type):
            yield Fault(Code.SCHEMA_TYPE, f"must be a plain value, got {schema.field(name).type}", name)
    for name in event_at:
        if name in schema.names:
            yield from _time_faults(name, schema.field(name).type)


def _time_faults(name: str, kind: pa.DataType) -> Iterator[Fault]:
    if not pa.types.is_timestamp(kind):
        yield Fault(Code.SCHEMA_TYPE, f"must be a timestamp, got {kind}", name)
    elif kind.tz is None:
        yield Fault(Code.TIME_NAIVE, "must have a timezone", name)


def _numeric(kind: pa.DataType) -> bool:
    of = pa.types
    return bool(of.is_integer(kind) or of.is_floating(kind) or of.is_decimal(kind) or of.is_boolean(kind) or of.is_null(kind))


def _numbers(column: pa.ChunkedArray) -> pd.Series[float]:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    numbers = pd.Series(column.cast(pa.float64(), safe=False).to_numpy(), dtype="float64")
    return numbers.where(numbers.abs() < float("inf"))


def _categories(column: pa.ChunkedArray) -> pd.Series[pd.CategoricalDtype]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    coded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    values = coded.dictionary.to_pylist()
    known = sorted(values)
    place = {value: position for position, value in enumerate(known)}
    positions = np.array([*(place[value] for value in values), -1], dtype=np.int64)
    codes = positions[coded.indices.fill_null(-1).to_numpy()]
    return pd.Series(pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(pd.Index(known, dtype="str"))))
