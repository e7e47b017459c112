"""What a piece of a night looks like, so that the figures of the whole follow from its pieces, to the bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from perennial.quality.column import Column, Kind
from perennial.quality.copies import Copies
from perennial.quality.gaps import widest
from perennial.quality.plain import Plain
from perennial.quality.scan import Batch

Sampled = tuple[int, Mapping[int, int]]
"""Of how many values one is taken; and how many values stand before each batch, by the position of its first row."""


class FiguresApart:
    """Sees a piece of the rows of a night that come in the order of time.

    Whether values are missing before the piece is not known here. So it samples as if none were, and says how many there are: where
    some are missing, the column is sampled in another pass.
    """

    def __init__(self, event_at: str, values: Sequence[str], numeric: Sequence[str], step: int) -> None:
        """Look at the columns; see ``night_figures.Watched``.

        Args:
            event_at: When a row happened.
            values: All but the key and the times.
            numeric: Those of numbers that measure something.
            step: Of how many rows one is sampled, if no value is missing.
        """
        self.columns = (event_at, *values)
        self._event_at, self._step = event_at, step
        self._rows = 0
        self._row_gap = Stretch()
        self._gaps = {name: Stretch() for name in values}
        self._copies = Copies([*numeric, *(name for name in values if name not in numeric)])
        self._numbers = {name: _Piece() for name in numeric}

    def see(self, batch: Batch) -> None:
        """Take *batch* into account."""
        at = batch[self._event_at].micros
        self._rows += len(batch)
        self._row_gap.add(at)
        for name, gap in self._gaps.items():
            missing = batch[name].missing
            gap.add(at if missing is None else at[~missing])
        for name, piece in self._numbers.items():
            piece.add(batch.start, batch[name], self._step)
        self._copies.see(batch)

    def told(self) -> Plain:
        """Return what was seen."""
        gaps = [self._row_gap.told(), *(gap.told() for gap in self._gaps.values())]
        return self._rows, gaps, [piece.told() for piece in self._numbers.values()], self._copies.told()


class SampleApart:
    """Samples columns of a piece, where it is known how many values stand before each batch."""

    def __init__(self, columns: Mapping[str, Sampled]) -> None:
        """Sample *columns*."""
        self.columns = tuple(columns)
        self._how = columns
        self._taken: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in columns}

    def see(self, batch: Batch) -> None:
        """Take the values of *batch* that belong to the sample."""
        for name, (step, before) in self._how.items():
            values, _ = finite(batch[name])
            self._taken[name].append(values[-before[batch.start] % step :: step])

    def told(self) -> Plain:
        """Return the sample, by column."""
        return [np.concatenate(parts or [np.empty(0)]) for parts in self._taken.values()]


class Stretch:
    """The first and the last of some moments in ascending order, and the longest time between neighbours."""

    def __init__(self) -> None:
        """Know no moment yet."""
        self._ends: tuple[int, int] | None = None
        self._inner = 0

    def add(self, at: npt.NDArray[np.int64]) -> None:
        """Add moments, shape (n,), microseconds since 1970."""
        if len(at):
            first, last = self._ends or (int(at[0]), int(at[0]))
            self._inner = max(self._inner, int(at[0]) - last, widest(at))
            self._ends = first, int(at[-1])

    def told(self) -> Plain:
        """Return first, last and the longest time between; nothing where there are none."""
        return (*self._ends, self._inner) if self._ends else ()


class _Piece:
    """The finite numbers of one column: exact ends, how many there are in each batch, and a sample as if none were missing."""

    def __init__(self) -> None:
        self._ends = [np.inf, -np.inf]
        self._counts: list[tuple[int, int]] = []
        self._sample: list[npt.NDArray[np.float64]] = []

    def add(self, start: int, column: Column, step: int) -> None:
        values, (low, high) = finite(column)
        self._counts.append((start, len(values)))
        if len(values):
            self._ends = [min(self._ends[0], low), max(self._ends[1], high)]
            self._sample.append(values[-start % step :: step].copy())

    def told(self) -> Plain:
        return self._ends, self._counts, np.concatenate(self._sample or [np.empty(0)])


def places(counts: Sequence[tuple[int, int]], step: int) -> Sampled:
    """Return how to sample a column of which so many values stand in each batch: (the position of its first row, count)."""
    before = accumulate((count for _, count in counts), initial=0)
    return step, {start: found for (start, _), found in zip(counts, before, strict=False)}


def finite(column: Column) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
    """Return the finite numbers of *column*, and their ends; what the column knows already is not computed again."""
    if column.kind is not Kind.MOMENT and np.isfinite(column.ends).all():
        return column.numbers, column.ends
    found = column.scale[np.isfinite(column.scale)]
    return found, (float(found.min()), float(found.max())) if len(found) else (np.nan, np.nan)
