"""From Arrow to the pandas frame that expectations are checked on, without losing a digit."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_EXACT_IN_FLOAT64 = 2**53
_DIGITS_IN_FLOAT64 = 15


def frame(rows: pa.Table) -> pd.DataFrame:
    """Return *rows* as a pandas frame, indexed by their position from 0.

    Whole numbers beside missing values become float64 while every one of them is exact there, else nullable Int64: a plain
    conversion would silently turn 2**53 + 1 into 2**53. Dates become moments, and moments are in UTC.
    """
    plain = pa.table([_plain(column) for column in rows.columns], names=rows.column_names)
    converted: pd.DataFrame = plain.to_pandas()
    for position, column in enumerate(plain.columns):
        if pa.types.is_int64(column.type) and column.null_count:
            converted.isetitem(position, column.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))
    return converted


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_signed_integer(kind) or (pa.types.is_unsigned_integer(kind) and kind.bit_width < 64):  # noqa: PLR2004 - bits
        return _whole(column.cast(pa.int64()))
    if pa.types.is_floating(kind) or (pa.types.is_decimal(kind) and _digits(column) <= _DIGITS_IN_FLOAT64):
        return column.cast(pa.float64())
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return column.cast(pa.timestamp(kind.unit, "UTC"))
    return column


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column if column.null_count == 0 or _is_large(column) else column.cast(pa.float64())


def _is_large(column: pa.ChunkedArray) -> bool:
    ends = pc.min_max(column).as_py()
    return ends["min"] is not None and max(-ends["min"], ends["max"]) > _EXACT_IN_FLOAT64


def _digits(column: pa.ChunkedArray) -> int:
    """Return how many decimal digits the longest value of a decimal column has, with the places after the point."""
    ends = [end for end in pc.min_max(column).as_py().values() if end is not None]
    return max((len(str(abs(int(end.scaleb(column.type.scale))))) for end in ends), default=0)
