"""Which type the columns of a CSV file have that nobody declared: the narrowest that holds every value of the file."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from perennial.stores.arrow_types import INSTANT
from perennial.stores.files.csv_values import at_once

NAIVE = pa.timestamp("us")
_CANDIDATES = (pa.int64(), pa.bool_(), pa.date32(), NAIVE, INSTANT, pa.float64())


class Guess:
    """The types that the values seen so far leave possible, by column."""

    def __init__(self, columns: Iterable[str]) -> None:
        """Begin with all of them."""
        self._left = dict.fromkeys(columns, _CANDIDATES)
        self._seen = dict.fromkeys(self._left, False)

    def add(self, texts: pa.RecordBatch) -> None:
        """Look at the next values, which are UTF-8; an empty field says nothing."""
        for name, left in self._left.items():
            column = texts.column(name)
            if column.null_count < len(column):
                self._seen[name] = True
                self._left[name] = _still(column, left)

    def kinds(self) -> dict[str, pa.DataType]:
        """Return the type of each column; null where no value was seen."""
        return {name: self._kind(name) for name in self._left}

    def _kind(self, name: str) -> pa.DataType:
        if not self._seen[name]:
            return pa.null()
        return next(iter(self._left[name]), pa.string())


def _still(texts: pa.Array, kinds: tuple[pa.DataType, ...]) -> tuple[pa.DataType, ...]:
    held = tuple(kind for kind in kinds if kind != pa.float64() and at_once(texts, kind) is not None)
    # What is a whole number is a number; whether it keeps its digits is said when it is read.
    return (*held, pa.float64()) if pa.float64() in kinds and (pa.int64() in held or _is_number(texts)) else held


def _is_number(texts: pa.Array) -> bool:
    return at_once(texts, pa.float64()) is not None
