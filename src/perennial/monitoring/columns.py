"""The values of an Arrow column as the two kinds that are profiled: numbers, and values of a limited number."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.monitoring.psi import Floats

_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)


def require_columns(names: tuple[str, ...], schema: pa.Schema) -> None:
    """Refuse a schema in which a column of *names* is missing, or stands twice.

    Raises:
        DataError: SCHEMA_MISSING, every such column at once.
    """
    missing = [name for name in names if schema.get_field_index(name) < 0]
    if missing:
        raise DataError.of(Fault(Code.SCHEMA_MISSING, "must be there once", where=f"profile: {name}") for name in missing)


def numbers(name: str, column: pa.Array | pa.ChunkedArray) -> Floats:
    """Return *column* as float64, shape (rows,). Missing, NaN and infinite are all NaN.

    Raises:
        DataError: SCHEMA_TYPE, the column holds no numbers.
    """
    flat = _flat(column)
    if not _is_number(flat.type):
        raise _refused(name, "a number", flat.type)
    values: Floats = pc.cast(flat, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(values), values, np.nan)


def texts(name: str, column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return *column* as text, one value for each row or null. NaN is null, and 1, 1.0 and decimal 1 are the same value.

    Raises:
        DataError: SCHEMA_TYPE, the column holds lists, structures or raw bytes.
    """
    flat = _flat(column)
    if pa.types.is_decimal(flat.type):
        flat = pc.cast(flat, pa.float64(), safe=False)
    if pa.types.is_floating(flat.type):
        flat = pc.if_else(pc.is_nan(flat), pa.scalar(None, flat.type), flat)
    if pa.types.is_nested(flat.type) or any(test(flat.type) for test in _BYTES):
        raise _refused(name, "text, a number, a truth value or a time", flat.type)
    return pc.cast(flat, pa.large_string())


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return flat.dictionary_decode() if pa.types.is_dictionary(flat.type) else flat


def _is_number(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_null)
    return any(test(kind) for test in tests)


def _refused(name: str, allowed: str, found: pa.DataType) -> DataError:
    return DataError(Code.SCHEMA_TYPE, f"must be {allowed}, got {found}", where=f"profile: {name}")
