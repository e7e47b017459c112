"""The few Arrow types that rows have, whatever store they come from: int64, float64, string, bool, date32, UTC microseconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault

INSTANT = pa.timestamp("us", tz="UTC")
UNREADABLE = pa.binary()
"""Stands for the types of a database that rows cannot have."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WIDENED = {
    (pa.int64(), pa.float64()),
    (pa.int64(), pa.bool_()),  # databases without truth values hold 0 and 1
    (pa.string(), pa.date32()),  # SQLite has no dates either
    (pa.float64(), pa.int64()),  # of whole numbers only: a writer that met a null may have made them all floats
}
DIGITS = 2**53
"""From here on a float64 does not hold every whole number."""
_ALLOWED = "must be a number, a text, a truth value, a date or a timestamp with a timezone"


def canonical(kind: pa.DataType) -> pa.DataType | None:
    """Return the type that a column of *kind* is read as, or None where it cannot be.

    Whole numbers become int64 (with nulls, never float), other numbers float64. A column without a single value stays null,
    until ``settle`` decides.
    """
    types = pa.types
    if types.is_dictionary(kind):
        return canonical(kind.value_type)
    families = (
        (types.is_integer, pa.int64()),
        (lambda k: types.is_floating(k) or types.is_decimal(k), pa.float64()),
        (lambda k: types.is_string(k) or types.is_large_string(k) or types.is_string_view(k), pa.string()),
        (types.is_boolean, pa.bool_()),
        (types.is_date, pa.date32()),
        (lambda k: types.is_timestamp(k) and k.tz is not None, INSTANT),
        (types.is_null, pa.null()),
    )
    return next((target for is_family, target in families if is_family(kind)), None)


def type_faults(
    kinds: Mapping[str, pa.DataType], instants: tuple[str, ...], where: str, *, text_moments: bool = True
) -> list[Fault]:
    """Return a fault for every column that cannot be read: TIME_NAIVE or SCHEMA_TYPE.

    Args:
        kinds: The type in the store, by column.
        instants: The columns that must be moments.
        where: The table, query or file, for the faults.
        text_moments: Whether text in ISO 8601 with an offset counts as such. Where a database compares, it may not: it would
            compare text letter by letter.
    """
    written = (pa.string(),) if text_moments else ()
    faults = (
        _type_fault(name, kind, (INSTANT, pa.null(), *written) if name in instants else (), where) for name, kind in kinds.items()
    )
    return [fault for fault in faults if fault]


def _type_fault(name: str, kind: pa.DataType, moments: tuple[pa.DataType, ...], where: str) -> Fault | None:
    """Return what is wrong with a column of *kind*, which must be one of *moments* where there are any."""
    place = f"{where}: {name}"
    target = canonical(kind)
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return Fault(Code.TIME_NAIVE, "must have a timezone, is a timestamp without one", place)
    if target is None:
        found = "" if kind == UNREADABLE else f", is {kind}"
        return Fault(Code.SCHEMA_TYPE, f"{_ALLOWED}{found}", place)
    if moments and target not in moments:
        shown = "text: cast it in a query" if target == pa.string() else kind
        return Fault(Code.SCHEMA_TYPE, f"must be a timestamp with a timezone, is {shown}", place)
    return None


def settle(kinds: set[pa.DataType]) -> pa.DataType | None:
    """Return the one canonical type for parts that have *kinds*, or None where they contradict each other.

    Whole and other numbers together are float64; a column without a single value is float64.
    """
    found = kinds - {pa.null()}
    if len(found) == 1:
        return found.pop()
    return pa.float64() if found <= {pa.int64(), pa.float64()} else None


def microseconds(text: str | None) -> int | None:
    """Return the microseconds since 1970 of a moment in ISO 8601 with an offset, or None where *text* is none.

    Examples:
        >>> microseconds("1970-01-01T01:00:00+01:00")
        0
    """
    try:
        at = datetime.fromisoformat(text or "")
    except (TypeError, ValueError):
        return None
    return None if at.tzinfo is None else (at - _EPOCH) // _MICROSECOND


def instants(texts: pa.Array | pa.ChunkedArray, where: str) -> pa.Array | pa.ChunkedArray:
    """Return *texts* (ISO 8601 with an offset, or null) as UTC microseconds.

    Raises:
        DataError: TIME_NAIVE, a text has no offset; SCHEMA_TYPE, a text is no moment.
    """
    try:
        return texts.cast(INSTANT)
    except pa.ArrowInvalid:
        return pa.array([_instant(text, where) for text in texts.to_pylist()], INSTANT)


def _instant(text: str | None, where: str) -> int | None:
    moment = microseconds(text)
    if text is None or moment is not None:
        return moment
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise DataError(Code.SCHEMA_TYPE, "must hold moments in ISO 8601 with an offset or Z", where=where) from None
    raise DataError(Code.TIME_NAIVE, "must have a timezone, holds a timestamp without one", where=where)


def convert(values: pa.Array | pa.ChunkedArray, kind: pa.DataType, where: str) -> pa.Array | pa.ChunkedArray:
    """Return *values* as the canonical type *kind*, without losing a digit.

    Raises:
        DataError: SCHEMA_TYPE, a value does not fit; TIME_NAIVE; DATA_INT_PRECISION.
    """
    found = canonical(values.type)
    if (found, kind) == (pa.string(), INSTANT):
        return instants(values.cast(pa.string()), where)
    if (found, kind) == (pa.float64(), pa.int64()) and _has_lost_digits(values):
        raise DataError(Code.DATA_INT_PRECISION, "must be a whole number with all its digits, was stored as float64", where=where)
    try:
        if found in (kind, pa.null()) or (found, kind) in _WIDENED:
            return values.cast(kind)
    except pa.ArrowInvalid:  # its message quotes the value, so it is not chained
        if (found, kind) == (pa.int64(), pa.float64()):
            message = "must be a number of at most 53 bits to keep every digit, holds a larger whole one"
            raise DataError(Code.DATA_INT_PRECISION, message, where=where) from None
    raise DataError(Code.SCHEMA_TYPE, f"must be {kind}, holds a value that is not", where=where)


def _has_lost_digits(values: pa.Array | pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.greater_equal(pc.abs(values), pa.scalar(DIGITS, values.type))).as_py())
