"""How many different values a column has, exactly and in bounded memory."""

from __future__ import annotations

from copy import copy

import pyarrow as pa
import pyarrow.compute as pc

from perennial.quality.column import Column, Kind
from perennial.quality.marks import Mask
from perennial.quality.plain import Plain
from perennial.quality.scan import Batch
from perennial.quality.shares import shares_of

HELD_VALUES = 1_000_000
"""So many different values are held at a time."""
_SETTLED_FROM = 1 << 17


class Distinct:
    """Counts the different values of a column. Missing is none.

    The values are collected in one pass. Where they are too many to hold, they are collected in shares by their values, in as many
    passes as it takes.

    Attributes:
        count: How many different values there are.
        values: How many there are in all, counting each as often as it stands.
    """

    def __init__(self, column: str, rows: int, *, held_values: int = HELD_VALUES, limit: int | None = None) -> None:
        """Count in *column*.

        Args:
            column: Its name. Its kind is not OTHER.
            rows: How many rows there are in all.
            held_values: So many different values are held at a time.
            limit: Where given, counting stops at *limit* + 1, and one pass suffices.
        """
        self.columns = (column,)
        self.count = self.values = 0
        self._limit, self._most = limit, held_values if limit is None else limit
        self._share, self._shares = 0, 1
        self._enough = rows // self._most + 2
        self._collected = Collected()
        self._first = True

    def see(self, batch: Batch) -> None:
        """Collect the values of *batch*."""
        column = batch[self.columns[0]]
        self.values += column.count if self._first else 0
        if not self._full:
            self._collected.add(column, None if self._shares == 1 else shares_of([column], self._shares) == self._share)

    def again(self) -> bool:
        """Count what was collected, and return whether another pass is needed."""
        too_many, self._first = self._full and self._limit is None, False
        if too_many:
            self._shares = self._enough
        else:
            found = self._collected.count()
            self.count += found if self._limit is None else min(found, self._limit + 1)
            self._share += 1
        self._collected = Collected()
        return too_many or self._share < self._shares

    def apart(self) -> Distinct:
        """Return one for a piece of the rows, that collects the share that this one collects now."""
        other = copy(self)
        other.count = other.values = 0
        other._collected = Collected()  # noqa: SLF001 - of its own class
        return other

    def told(self) -> Plain:
        """Return what was seen of a piece."""
        return self.values, self._collected.parts

    def take(self, told: Plain) -> None:
        """Take into account what was told of a piece."""
        values, parts = told
        self.values += values
        for part in parts:
            if not self._full:
                self._collected.take(part)

    @property
    def _full(self) -> bool:
        """Whether the first pass has met more different values than may be held. A share is small enough on average."""
        return self._shares == 1 and self._collected.exceeds(self._most)


class Collected:
    """A set of values that is added to."""

    def __init__(self) -> None:
        """Collect nothing yet."""
        self._parts: list[pa.Array] = []
        self._rough = self._settled = 0

    def add(self, column: Column, wanted: Mask | None) -> None:
        """Add the values of the rows that are wanted (all by default)."""
        values = column.words[0] if wanted is None and column.kind is Kind.TEXT else column.exact
        chosen = values if wanted is None else values.filter(pa.array(wanted))
        self.take(pc.unique(chosen).drop_null())

    @property
    def parts(self) -> list[pa.Array]:
        """The values, none of them twice, in one part or none."""
        self.count()
        return self._parts

    def take(self, values: pa.Array) -> None:
        """Add *values*, none of them twice."""
        self._parts.append(values)
        self._rough += len(self._parts[-1])
        if self._rough > max(2 * self._settled, _SETTLED_FROM):
            self.count()

    def exceeds(self, most: int) -> bool:
        """Return whether more than *most* different values were collected."""
        return self._rough > most and self.count() > most

    def count(self) -> int:
        """Return how many different values were collected."""
        if len(self._parts) > 1:
            self._parts = [pc.unique(pa.concat_arrays(self._parts))]
        self._rough = self._settled = sum(len(part) for part in self._parts)
        return self._settled
