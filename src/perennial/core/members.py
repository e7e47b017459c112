"""Which rows hold one of a few values."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc


def members(column: pa.Array | pa.ChunkedArray, values: Sequence[str | int]) -> pa.Array | pa.ChunkedArray:
    """Return which of *column*, shape (rows,), is one of *values*, all texts or all numbers.

    A null is none of them, and nor is what has another type.

    Examples:
        >>> members(pa.array(["north", None, "west"]), ("north", "south")).to_pylist()
        [True, False, False]
    """
    found = column.type
    if isinstance(column, pa.DictionaryArray):
        return members(column.dictionary_decode(), values)
    wanted = pa.array(values)
    alike = pa.types.is_string(found) if wanted.type == pa.string() else pa.types.is_integer(found) or pa.types.is_floating(found)
    return pc.is_in(column, wanted.cast(found)) if alike else pa.array(bytearray(len(column)), pa.int8()).cast(pa.bool_())
