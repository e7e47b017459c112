"""Rows that wait until all of their equals have come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from perennial.quality.column import Column, Kind
from perennial.quality.keys import repeated
from perennial.quality.marks import Mask, Positions
from perennial.quality.plain import Plain
from perennial.quality.runs import NONE, Runs, runs_of
from perennial.quality.shares import shares_of


class Held:
    """Positions and values of some rows."""

    def __init__(self) -> None:
        """Hold nothing."""
        self.count = 0
        self._positions: list[Positions] = []
        self._values: list[list[pa.Array]] = []

    def add(self, start: int, columns: Sequence[Column], wanted: Mask) -> None:
        """Hold those rows of a batch, which begins at position *start*, that are wanted."""
        positions = start + np.flatnonzero(wanted)
        if len(positions):
            chosen = None if len(positions) == len(wanted) else pa.array(wanted)
            self._positions.append(positions)
            self._values.append([column.exact if chosen is None else column.exact.filter(chosen) for column in columns])
            self.count += len(positions)

    def told(self) -> Plain:
        """Return the rows as plain values; nothing where there are none."""
        if not self.count:
            return ()
        values = [pa.concat_arrays(parts) for parts in zip(*self._values, strict=True)]
        return np.concatenate(self._positions), values

    def take(self, told: Plain) -> None:
        """Hold what was *told* as well."""
        if told:
            positions, values = told
            self._positions.append(positions)
            self._values.append(values)
            self.count += len(positions)

    def settle(self) -> Positions:
        """Return the positions of the rows that are repeated among those held, and hold nothing any more."""
        if not self.count:
            return NONE
        positions = np.concatenate(self._positions)
        columns = [Column(pa.concat_arrays(parts)) for parts in zip(*self._values, strict=True)]
        self.count, self._positions, self._values = 0, [], []
        return positions[repeated(columns)]


class InShares:
    """A pass over one share of the rows, by their values; the rows of the other shares come in passes of their own."""

    def __init__(self, number: int, count: int) -> None:
        """Look at share *number*, from 0, of *count*."""
        self._number, self._count = number, count
        self._held = Held()

    def take(self, start: int, columns: Sequence[Column], wanted: Mask) -> Positions:
        """Hold the rows of this share. Nothing is known before the pass has ended."""
        mine = wanted if self._count == 1 else wanted & (shares_of(columns, self._count) == self._number)
        self._held.add(start, columns, mine)
        return NONE

    def apart(self) -> InShares:
        """Return a pass over the same share of a piece of the rows."""
        return InShares(self._number, self._count)

    def told(self) -> Plain:
        """Return what is held of a piece."""
        return self._held.told()

    def join(self, told: Plain) -> Positions:
        """Hold what was *told* of a piece. Nothing is known before the pass has ended."""
        self._held.take(told)
        return NONE

    def end(self) -> tuple[Positions, InShares | None]:
        """Return the repeated rows of the share, and the pass over the next one, if there is one."""
        return self._held.settle(), InShares(self._number + 1, self._count) if self._number + 1 < self._count else None


class InOrder:
    """A pass over rows that come in the order of a moment, which is one of their columns: equal rows are near each other.

    Where they do not come in its order after all, or too many share a moment, it gives up, and the rows are gone through in shares.
    """

    def __init__(self, most: int, shares: int) -> None:
        """Hold at most *most* rows; give up in favour of as many *shares*."""
        self._most, self._shares = most, shares
        self._held = Held()
        self._last: np.int64 | None = None
        self._given_up = False
        self._runs = Runs()

    def take(self, start: int, columns: Sequence[Column], wanted: Mask) -> Positions:
        """Return the repeated rows among those whose moment has passed, and hold the others."""
        at = None if self._given_up else _moments_in_order(columns, self._last)
        self._given_up = at is None or self._held.count > self._most
        if at is None or self._given_up or not len(at):
            return NONE
        begun = np.arange(len(at)) >= np.searchsorted(at, at[-1])  # the rows of the last moment, which may go on
        found = NONE
        if at[-1] != self._last:
            self._held.add(start, columns, wanted & ~begun)
            found = self._held.settle()
        self._held.add(start, columns, wanted & begun)
        self._last = at[-1]
        return found

    def apart(self) -> InRuns:
        """Return a pass over a piece of the rows."""
        return InRuns()

    def join(self, told: Plain) -> Positions:
        """Return the repeated rows, as far as they are known by now. Rows that are not sorted by all columns are given up."""
        found = [self._runs.take(one) for one in told]
        self._given_up = not self._runs.in_order
        return np.concatenate(found) if found else NONE

    def end(self) -> tuple[Positions, InShares | None]:
        """Return the repeated rows among the last ones, and the first pass in shares where this one gave up."""
        return self._held.settle(), InShares(0, self._shares) if self._given_up else None


class InRuns:
    """A pass over a piece of rows that come in the order of their keys."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._told: list[Plain] = []

    def take(self, start: int, columns: Sequence[Column], wanted: Mask) -> Positions:
        """Get to know a batch. What is repeated is told at the end."""
        self._told.append(runs_of(start, columns, wanted))
        return NONE

    def told(self) -> Plain:
        """Return what is known of each batch."""
        return self._told


def _moments_in_order(columns: Sequence[Column], last: np.int64 | None) -> Positions | None:
    """Return the first column of moments without gaps, if it goes on from *last* and never steps back."""
    at = next((column.micros for column in columns if column.kind is Kind.MOMENT and column.missing is None), None)
    if at is None or (last is not None and len(at) and at[0] < last) or (at[1:] < at[:-1]).any():
        return None
    return at
