"""What one night looks like, in a few figures that other nights can be compared with. One pass, bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from perennial.quality.column import Column
from perennial.quality.copies import Copies
from perennial.quality.gaps import Gap, widest
from perennial.quality.night_pieces import FiguresApart, SampleApart, finite, places
from perennial.quality.plain import Plain
from perennial.quality.scan import Batch
from perennial.quality.thinned import Thinned, step_of

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The quantiles that are taken of a column of numbers."""
SAMPLED = 1_000_000
"""So many numbers, of all columns together, are looked at for quantiles."""
_FEWEST, _MOST = 2_000, 10_000
"""At least, and at most, so many of one column."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Where a column's finite numbers lie, or its moments in microseconds since 1970.

    Attributes:
        low: The least of all.
        high: The greatest of all.
        quantiles: Shape (5,), at ``LEVELS``, of a systematic sample.
        values: The different values of the sample, ascending.
        counts: How often each of them stands in the sample.
    """

    low: float
    high: float
    quantiles: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]

    @staticmethod
    def of(sample: npt.NDArray[np.float64], low: float, high: float) -> Numbers:
        """Return where the numbers lie of which this is a *sample*, not empty, *low* the least of all and *high* the greatest."""
        ordered = np.sort(sample)
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        values, counts = ordered[starts], np.diff(np.append(starts, len(ordered)))
        quantiles = ordered[np.minimum((np.array(LEVELS) * len(ordered)).astype(np.int64), len(ordered) - 1)]
        return Numbers(low, high, quantiles, values, counts)

    @property
    def most(self) -> float:
        """The share of the most frequent value."""
        return float(self.counts.max() / self.counts.sum())


@dataclass(frozen=True, slots=True)
class Night:
    """The figures of one night.

    Attributes:
        rows: How many rows there are.
        tail: Hours from the newest row to the night's end.
        hole: The longest time without a row before that, in hours.
        copies: The share of rows whose values all stand in an earlier row of the night too, under another key; None where there are
            fewer than two columns besides the key.
        gaps: The longest time without a value, in hours, by column.
        numbers: By column of numbers; none where it has no finite number.
    """

    rows: int
    tail: float
    hole: float
    copies: float | None
    gaps: Mapping[str, float]
    numbers: Mapping[str, Numbers]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Which columns are looked at.

    Attributes:
        event_at: When a row happened.
        values: All but the key and the times.
        numeric: Those of numbers that measure something.
    """

    event_at: str
    values: tuple[str, ...]
    numeric: tuple[str, ...]


class NightFigures:
    """Collects the figures of a night whose rows come in the order of time."""

    def __init__(self, watched: Watched, start_us: int, end_us: int, rows: int = 0) -> None:
        """Look at the rows of a night from *start_us* to *end_us*, microseconds since 1970.

        Args:
            watched: Which columns.
            start_us: Where the night starts.
            end_us: Where it ends.
            rows: How many rows there will be; only looked at where they are seen piece by piece.
        """
        self.columns = (watched.event_at, *watched.values)
        self._watched, self._span = watched, (start_us, end_us)
        self._rows = 0
        self._row_gap = Gap(start_us)
        self._gaps = {name: Gap(start_us) for name in watched.values}
        self._copies = Copies([*watched.numeric, *(name for name in watched.values if name not in watched.numeric)])
        self._most = int(np.clip(SAMPLED // max(len(watched.numeric), 1), _FEWEST, _MOST))
        self._numbers = {name: _Collected(Thinned(self._most)) for name in watched.numeric}
        self._expected = rows
        self._counts: dict[str, list[tuple[int, int]]] = {name: [] for name in watched.numeric}
        self._resampled = False

    def see(self, batch: Batch) -> None:
        """Take *batch* into account."""
        at = batch[self._watched.event_at].micros
        self._rows += len(batch)
        inner = widest(at)
        self._row_gap.add(at, inner)
        for name, gap in self._gaps.items():
            missing = batch[name].missing
            if missing is None:
                gap.add(at, inner)
            else:
                gap.add(at[~missing])
        for name, collected in self._numbers.items():
            collected.add(batch[name])
        self._copies.see(batch)

    def again(self) -> bool:
        """Return whether columns are to be sampled in another pass: those with missing values, of rows that were seen in pieces."""
        if self._resampled:
            return False
        totals = {name: sum(count for _, count in counts) for name, counts in self._counts.items()}
        self.columns = tuple(name for name, total in totals.items() if 0 < total < self._rows and self._counts[name])
        self._resampled = True
        for name in self.columns:
            self._numbers[name].sample = Thinned(self._most)
        return bool(self.columns)

    def apart(self) -> FiguresApart | SampleApart:
        """Return who sees a piece of the rows."""
        seen = self._watched
        if not self._resampled:
            return FiguresApart(seen.event_at, seen.values, seen.numeric, step_of(self._expected, self._most))
        counts = {name: self._counts[name] for name in self.columns}
        return SampleApart(
            {name: places(found, step_of(sum(count for _, count in found), self._most)) for name, found in counts.items()}
        )

    def take(self, told: Plain) -> None:
        """Take into account what was told of a piece."""
        if self._resampled:
            for name, values in zip(self.columns, told, strict=True):
                self._numbers[name].sample.take(values)
            return
        rows, (row_gap, *gaps), numbers, copies = told
        self._rows += rows
        for gap, found in zip([self._row_gap, *self._gaps.values()], [row_gap, *gaps], strict=True):
            if found:
                gap.join(*found)
        for (name, collected), (ends, counts, sample) in zip(self._numbers.items(), numbers, strict=True):
            collected.take(ends, sample)
            self._counts[name] += counts
        self._copies.take(copies)

    @property
    def night(self) -> Night:
        """The figures of the rows seen."""
        end = self._span[1]
        return Night(
            rows=self._rows,
            tail=self._row_gap.tail(end),
            hole=self._row_gap.longest,
            copies=self._copies.share,
            gaps={name: max(gap.longest, gap.tail(end)) for name, gap in self._gaps.items()},
            numbers={name: found for name, one in self._numbers.items() if (found := one.numbers) is not None},
        )


@dataclass(slots=True)
class _Collected:
    """The numbers of one column: exact ends, and a sample."""

    sample: Thinned
    ends: list[float] = field(default_factory=lambda: [np.inf, -np.inf])

    def add(self, column: Column) -> None:
        """Add the finite numbers of *column*."""
        values, (low, high) = finite(column)
        if len(values):
            self.ends = [min(self.ends[0], low), max(self.ends[1], high)]
            self.sample.add(values)

    def take(self, ends: tuple[float, float], sample: npt.NDArray[np.float64]) -> None:
        """Take into account what was told of a piece."""
        self.ends = [min(self.ends[0], ends[0]), max(self.ends[1], ends[1])]
        self.sample.take(sample)

    @property
    def numbers(self) -> Numbers | None:
        """Where they lie, or None where there are none."""
        return Numbers.of(self.sample.values, *self.ends) if len(self.sample.values) else None


def watched(event_at: str, apart: Iterable[str], numeric: Iterable[str], names: Sequence[str]) -> Watched:
    """Return what is looked at of columns *names*: all but *event_at* and those *apart*; of these *numeric* as numbers."""
    values = tuple(dict.fromkeys(name for name in names if name not in {event_at, *apart}))
    return Watched(event_at=event_at, values=values, numeric=tuple(name for name in values if name in set(numeric)))
