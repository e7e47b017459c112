"""What one night looks like, in a few figures that other nights can be compared with. One pass, bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from perennial.quality.column import Column, Kind
from perennial.quality.copies import Copies
from perennial.quality.gaps import Gap, widest
from perennial.quality.scan import Batch
from perennial.quality.thinned import Thinned

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

    def __init__(self, watched: Watched, start_us: int, end_us: int) -> None:
        """Look at the rows of a night from *start_us* to *end_us*, microseconds since 1970."""
        self.columns = (watched.event_at, *watched.values)
        self._watched, self._span = watched, (start_us, end_us)
        self._rows = 0
        self._row_gap = Gap(start_us)
        self._gaps = {name: Gap(start_us) for name in watched.values}
        self._copies = Copies([*watched.numeric, *(name for name in watched.values if name not in watched.numeric)])
        most = int(np.clip(SAMPLED // max(len(watched.numeric), 1), _FEWEST, _MOST))
        self._numbers = {name: _Collected(Thinned(most)) for name in watched.numeric}

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
        """One pass suffices."""
        return False

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
        finite, (low, high) = _finite(column)
        if len(finite):
            self.ends = [min(self.ends[0], low), max(self.ends[1], high)]
            self.sample.add(finite)

    @property
    def numbers(self) -> Numbers | None:
        """Where they lie, or None where there are none."""
        ordered = np.sort(self.sample.values)
        if not len(ordered):
            return None
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        values, counts = ordered[starts], np.diff(np.append(starts, len(ordered)))
        quantiles = ordered[np.minimum((np.array(LEVELS) * len(ordered)).astype(np.int64), len(ordered) - 1)]
        return Numbers(self.ends[0], self.ends[1], quantiles, values, counts)


def _finite(column: Column) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
    """Return the finite numbers, and their ends; what the column knows already is not computed again."""
    if column.kind is not Kind.MOMENT and np.isfinite(column.ends).all():
        return column.numbers, column.ends
    finite = column.scale[np.isfinite(column.scale)]
    return finite, (float(finite.min()), float(finite.max())) if len(finite) else (np.nan, np.nan)


def watched(event_at: str, apart: Iterable[str], numeric: Iterable[str], names: Sequence[str]) -> Watched:
    """Return what is looked at of columns *names*: all but *event_at* and those *apart*; of these *numeric* as numbers."""
    values = tuple(dict.fromkeys(name for name in names if name not in {event_at, *apart}))
    return Watched(event_at=event_at, values=values, numeric=tuple(name for name in values if name in set(numeric)))
