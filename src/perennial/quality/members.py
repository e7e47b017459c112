"""Which values of a column are among those of a set, compared as Python compares them: 1, 1.0 and true are one value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.quality.column import Column, Kind, Misfit
from perennial.quality.marks import Mask

_INSTANT = pa.timestamp("us", "UTC")
_INT64 = (-(2**63), 2**63 - 1)


def among(column: Column, values: Sequence[object], *, moments: bool) -> Mask:
    """Return where *column* holds one of *values*; what is missing is not among them.

    Args:
        column: The values of a batch.
        values: Texts, finite numbers or truth values.
        moments: Whether texts are read as moments where the column holds moments. Great Expectations does for a set of unwanted
            values and does not for one of wanted ones. A moment without an offset is never equal to one with.

    Raises:
        Misfit: A text that should be a moment is none.
    """
    if column.kind is Kind.TEXT:
        known: pa.Array = pa.array([value for value in values if isinstance(value, str)], pa.string())
    elif column.kind is Kind.MOMENT:
        known = pa.array([at for value in values if moments and (at := _moment(value))], _INSTANT)
    else:
        known = _numbers(values, column)
    return _found(column, known)


def _found(column: Column, known: pa.Array) -> Mask:
    plain = not column.kind.numeric or pa.types.is_integer(column.exact.type)
    exact = column.exact if plain else pa.array(column.numbers + 0.0)  # no -0.0
    return np.asarray(pc.is_in(exact, value_set=known))


def _numbers(values: Sequence[object], column: Column) -> pa.Array:
    """Return those numbers of *values* that a column of its kind can hold, without rounding one."""
    numbers = [value for value in values if isinstance(value, int | float)]
    if column.kind is Kind.WHOLE and pa.types.is_integer(column.exact.type):
        whole = [int(value) for value in numbers if value == int(value)]
        low, high = _INT64 if pa.types.is_int64(column.exact.type) else (0, 2**64 - 1)
        return pa.array([value for value in whole if low <= value <= high], column.exact.type)
    return pa.array([float(value) + 0.0 for value in numbers if _is_float64(value)], pa.float64())


def _is_float64(value: float) -> bool:
    try:
        return float(value) == value
    except OverflowError:
        return False


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise Misfit from None
    return at if at.tzinfo is not None else None
