"""The least and the greatest value of a column."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from perennial.quality.column import Column, Kind, Misfit
from perennial.quality.plain import Plain
from perennial.quality.scan import Batch


class Ends:
    """Keeps the least and the greatest value.

    Attributes:
        low: The least number (or microseconds since 1970) so far; None where there is none yet.
        high: The greatest one.
    """

    def __init__(self, column: str) -> None:
        """Look at *column*, which holds numbers or moments."""
        self.columns = (column,)
        self.low: float | None = None
        self.high: float | None = None

    def see(self, batch: Batch) -> None:
        """Take the ends of *batch* into account.

        Raises:
            Misfit: There are values, and they are texts.
        """
        column = batch[self.columns[0]]
        if column.count and column.kind is Kind.TEXT:
            raise Misfit
        if column.count:
            self._add(*_ends(column))

    def again(self) -> bool:
        """One pass suffices."""
        return False

    def apart(self) -> Ends:
        """Return one for a piece of the rows."""
        return Ends(self.columns[0])

    def told(self) -> Plain:
        """Return what was seen of a piece."""
        return self.low, self.high

    def take(self, told: Plain) -> None:
        """Take into account what was told of a piece."""
        if told[0] is not None:
            self._add(*told)

    def _add(self, low: float, high: float) -> None:
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)


def _ends(column: Column) -> tuple[float, float]:
    if column.kind is Kind.REAL:
        return column.ends if column.missing is None else (float(column.present.min()), float(column.present.max()))
    found = pc.min_max(column.exact if pa.types.is_integer(column.exact.type) else column.exact.cast(pa.int64()))
    return found["min"].as_py(), found["max"].as_py()
