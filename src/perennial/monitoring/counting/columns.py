"""The values of an Arrow column as the two kinds that are profiled: numbers, and values of a limited number."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.monitoring.psi import Counts, Floats

Codes = npt.NDArray[np.signedinteger]

_PLAIN = "text, a number, a truth value or a time"
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
    values = floats(name, column)
    return np.where(np.isfinite(values), values, np.nan)


def floats(name: str, column: pa.Array | pa.ChunkedArray) -> Floats:
    """Return *column* as float64, shape (rows,), with NaN where missing. Nothing is copied where it is float64 without nulls.

    Raises:
        DataError: SCHEMA_TYPE, the column holds no numbers.
    """
    cells = _as_floats(name, column)
    values: Floats = (cells.fill_null(np.nan) if cells.null_count else cells).to_numpy(zero_copy_only=False)
    return values


def floats_and_gaps(name: str, column: pa.Array) -> tuple[Floats, Counts]:
    """Return *column* as float64, shape (rows,), with any number where one is missing, and the positions of these, shape (gaps,).

    That spares the copy that :func:`floats` makes of a column of which few rows are missing.

    Raises:
        DataError: SCHEMA_TYPE, the column holds no numbers.
    """
    cells = _as_floats(name, column)
    if not cells.null_count:
        return cells.to_numpy(), np.empty(0, np.int64)
    values: Floats = np.frombuffer(cells.buffers()[1], np.float64, len(cells), cells.offset * np.float64().itemsize)
    return values, pc.indices_nonzero(cells.is_null()).to_numpy().astype(np.int64)


def _as_floats(name: str, column: pa.Array | pa.ChunkedArray) -> pa.Array:
    flat = flattened(column)
    require_countable(name, flat.type, None, numeric=True)
    return flat if pa.types.is_float64(flat.type) else pc.cast(flat, pa.float64(), safe=False)


def coded(name: str, column: pa.Array | pa.ChunkedArray) -> tuple[Codes, pa.Array]:
    """Return each row's code, shape (rows,), and the text that each code stands for; the code after the last is a missing value.

    NaN is missing, and 1, 1.0 and decimal 1 are the same text, as are 0.0 and -0.0.

    Raises:
        DataError: SCHEMA_TYPE, the column holds lists, structures or raw bytes.
    """
    encoded = _encoded(name, _flat(column))
    written = _texts(name, encoded.dictionary).dictionary_encode()
    of_value = np.append(written.indices.fill_null(len(written.dictionary)).to_numpy(), len(written.dictionary))
    return of_value[encoded.indices.fill_null(len(of_value) - 1).to_numpy()], written.dictionary


def rows_of_texts(name: str, column: pa.Array) -> tuple[Counts, pa.Array]:
    """Return how many rows hold each text, shape (texts + 1,), and the texts; the last are missing.

    They are those of :func:`coded`, but one may stand there twice.

    Raises:
        DataError: SCHEMA_TYPE, as there.
    """
    encoded = _encoded(name, column)
    texts, codes = _texts(name, encoded.dictionary), encoded.indices.drop_null().to_numpy()
    rows = np.bincount(codes.astype(np.int64, copy=False), minlength=len(texts))
    known = texts.is_valid().to_numpy(zero_copy_only=False)
    return np.append(rows[known], len(column) - int(rows[known].sum())), texts.drop_null()


def chunks(column: pa.Array | pa.ChunkedArray) -> Iterable[pa.Array]:
    """Return the parts of *column*, in order."""
    found: Iterable[pa.Array] = column.chunks if isinstance(column, pa.ChunkedArray) else (column,)
    return found


def is_text(kind: pa.DataType) -> bool:
    """Return whether a column of *kind* holds texts, one after the other."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _encoded(name: str, flat: pa.Array) -> pa.DictionaryArray:
    if pa.types.is_dictionary(flat.type):
        return flat
    require_countable(name, flat.type, None, numeric=False)
    return flat.dictionary_encode()


def _texts(name: str, values: pa.Array) -> pa.Array:
    if pa.types.is_decimal(values.type):
        values = pc.cast(values, pa.float64(), safe=False)
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), pc.add(values, pa.scalar(0, values.type)))
    require_countable(name, values.type, None, numeric=False)
    return pc.cast(values, pa.large_string())


def flattened(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return *column* in one piece, and without a dictionary."""
    flat = _flat(column)
    return flat.dictionary_decode() if pa.types.is_dictionary(flat.type) else flat


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return *column* in one piece."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return (column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column).combine_chunks()


def _is_number(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_null)
    return any(test(kind) for test in tests)


def require_countable(name: str, kind: pa.DataType, measure: str | None, *, numeric: bool) -> None:
    """Refuse a column of *kind* of which *measure* cannot be counted.

    Raises:
        DataError: SCHEMA_TYPE.
    """
    if measure in ("length", "classes"):
        allowed, fits = "text", any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_null))
    elif measure is not None:
        allowed, fits = "a timestamp with a timezone", pa.types.is_null(kind) or (pa.types.is_timestamp(kind) and bool(kind.tz))
    elif numeric:
        allowed, fits = "a number", _is_number(kind)
    else:
        allowed, fits = _PLAIN, not (pa.types.is_nested(kind) or any(test(kind) for test in _BYTES))
    if not fits:
        raise _refused(name, allowed, kind)


def _refused(name: str, allowed: str, found: pa.DataType) -> DataError:
    return DataError(Code.SCHEMA_TYPE, f"must be {allowed}, got {found}", where=f"profile: {name}")
