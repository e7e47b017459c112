"""Everything that is wrong with one CSV file, gathered while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyarrow as pa

from perennial.core.errors import DataError, Fault
from perennial.stores.files.csv_encoding import encoding_fault
from perennial.stores.files.csv_text import CsvText
from perennial.stores.files.csv_values import Misfit, message

MOST = 20
"""A message of a million lines helps nobody."""


class CsvFaults:
    """What was found so far, of each column the first row of each kind of fault."""

    def __init__(self, text: CsvText, header: Iterable[Fault]) -> None:
        """Begin with what is wrong with the header."""
        self._text, self._said = text, list(header)
        self._misfits: list[tuple[int, str, pa.DataType, Misfit]] = []
        self._columns: set[str] = set()

    def __bool__(self) -> bool:
        """Return whether anything is wrong."""
        return bool(self._said or self._misfits or self._text.ragged)

    def has(self, column: str) -> bool:
        """Return whether a value of *column* is at fault; then the others need not be looked at."""
        return column in self._columns

    def say(self, faults: Iterable[Fault]) -> None:
        """Add *faults*."""
        self._said += faults

    def add(self, column: str, kind: pa.DataType, misfits: Iterable[Misfit], position: Callable[[int], int]) -> None:
        """Add the texts of *column* that are no *kind*.

        Args:
            column: The column.
            kind: Its type.
            misfits: The texts.
            position: Returns where a row of the batch stands among the good rows of the file.
        """
        self._columns.add(column)
        self._misfits += [(position(misfit.position), column, kind, misfit) for misfit in misfits]

    def refuse(self) -> None:
        """Raise all of it, where there is any: the header first, then rows in order.

        Raises:
            DataError: At most 20 faults.
        """
        if self:
            raise DataError.of(self._all()[:MOST])

    def refuse_encoding(self) -> None:
        """Raise all of it, and that the file is not UTF-8.

        Raises:
            DataError: DATA_ENCODING, and at most 19 others.
        """
        raise DataError.of([*self._all()[: MOST - 1], encoding_fault(self._text.part)])

    def _all(self) -> list[Fault]:
        rows = [(self._text.number(position), self._fault(position, *rest)) for position, *rest in self._misfits]
        rows += [(number, fault) for (number, _), fault in zip(self._text.ragged, self._text.ragged_faults(MOST), strict=False)]
        return self._said + [fault for _, fault in sorted(rows, key=lambda row: row[0])]

    def _fault(self, position: int, column: str, kind: pa.DataType, misfit: Misfit) -> Fault:
        place = self._text.place(self._text.number(position))
        return Fault(misfit.code, message(misfit.code, kind), f"{place}: {column}")
