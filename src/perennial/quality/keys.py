"""Several columns as one number per row, so that rows with equal values have equal numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perennial.quality.column import Column
from perennial.quality.marks import Mask

_MOST = 2**62


def repeated(columns: Sequence[Column]) -> Mask:
    """Return which rows have the same values in all *columns* as another row. Missing is equal to missing.

    Examples:
        >>> repeated([Column(pa.array(["a", "a", "b"])), Column(pa.array([1, 1, None]))]).tolist()
        [True, True, False]
    """
    keys = numbered(columns)
    in_order = np.sort(keys)
    again = in_order[1:][in_order[1:] == in_order[:-1]]
    return np.isin(keys, again) if len(again) else np.zeros(len(keys), dtype=bool)


def numbered(columns: Sequence[Column]) -> npt.NDArray[np.int64]:
    """Return one number per row, shape (rows,), equal where, and only where, the values in all *columns* are."""
    keys, different = _of_one(columns[0]) if len(columns) > 1 or columns[0].missing is not None else (_bits(columns[0]), 0)
    for column in columns[1:]:
        more, many = _of_one(column)
        if different * many > _MOST:
            keys, different = _dense(keys)
        keys, different = keys * many + more, different * many
    return keys


def _bits(column: Column) -> npt.NDArray[np.int64]:
    return column.words[1] if column.bits is None else column.bits


def _of_one(column: Column) -> tuple[npt.NDArray[np.int64], int]:
    """Return each value's number from 0 (0 is missing), and how many there are at most."""
    words, which = column.words
    return which + 1, len(words) + 1


def _dense(keys: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], int]:
    encoded = pa.array(keys).dictionary_encode()
    return np.asarray(encoded.indices, np.int64), max(len(encoded.dictionary), 1)
