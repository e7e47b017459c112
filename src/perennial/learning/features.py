"""From a source's rows to the frame that an estimator sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.learning.categories import categories
from perennial.learning.time_features import local_moments, time_feature


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

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of the rows that the features are made of."""
        return (*self.numeric, *self.categorical, *((self.event_at,) if self.time else ()))


def feature_frame(rows: pa.Table | pa.RecordBatch, columns: Columns) -> pd.DataFrame:
    """Return the features of *rows*, one row each, in the order of ``columns.features``.

    Numeric and time features are float64; an infinite number is no measurement and becomes missing. Categorical features are of
    pandas' category type over text, so that 1 read from a database and 1 read from a file are one value.

    Args:
        rows: Any number of rows, with at least the columns that are asked for.
        columns: What to take.

    Raises:
        DataError: SCHEMA_MISSING and SCHEMA_TYPE, every faulty column at once; TIME_NAIVE.
    """
    require_features(rows.schema, columns)
    frame = pd.DataFrame(_figures(rows, columns).T, columns=[*columns.numeric, *columns.time], copy=False)
    for position, name in enumerate(columns.categorical, start=len(columns.numeric)):
        frame.insert(position, name, categories(rows[name]))
    return frame


def require_features(schema: pa.Schema, columns: Columns) -> None:
    """Refuse rows of a *schema* that features cannot be made of.

    Raises:
        DataError: SCHEMA_MISSING and SCHEMA_TYPE, every faulty column at once; TIME_NAIVE.
    """
    if faults := list(_faults(schema, columns)):
        raise DataError.of(faults)


def _faults(schema: pa.Schema, columns: Columns) -> Iterator[Fault]:
    for name in columns.read:
        if name not in schema.names:
            yield Fault(Code.SCHEMA_MISSING, "is not among the rows' columns", name)
    for name in columns.numeric:
        if name in schema.names and not _numeric(schema.field(name).type):
            yield Fault(Code.SCHEMA_TYPE, f"must be a number, got {schema.field(name).type}", name)
    for name in columns.categorical:
        if name in schema.names and pa.types.is_nested(schema.field(name).type):
            yield Fault(Code.SCHEMA_TYPE, f"must be a plain value, got {schema.field(name).type}", name)
    for name in columns.read[len(columns.numeric) + len(columns.categorical) :]:
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


def _figures(rows: pa.Table | pa.RecordBatch, columns: Columns) -> npt.NDArray[np.float64]:
    """Return numeric and time features, shape (features, rows): each is one run of memory, as pandas keeps a block of columns."""
    figures = np.empty((len(columns.numeric) + len(columns.time), rows.num_rows))
    for name, figure in zip(columns.numeric, figures, strict=False):
        _write(rows[name], figure)
    figures[: len(columns.numeric)][np.isinf(figures[: len(columns.numeric)])] = np.nan
    if columns.time:
        local = local_moments(rows[columns.event_at], columns.timezone)
        for name, figure in zip(columns.time, figures[len(columns.numeric) :], strict=True):
            figure[:] = time_feature(name, local)
    return figures


def _write(column: pa.Array | pa.ChunkedArray, figure: npt.NDArray[np.float64]) -> None:
    start = 0
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        plain = chunk.cast(pa.int8()) if pa.types.is_boolean(chunk.type) else chunk
        figure[start : start + len(chunk)] = plain.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        start += len(chunk)
