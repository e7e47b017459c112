"""One column of a night, held against the reference: what is tested, and what is reported beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perennial.core.receipts import Beside, ColumnDrift, SignalState
from perennial.monitoring.counting.edges import CategoricalEdges, ColumnEdges, NumericEdges
from perennial.monitoring.psi import Counts, psi
from perennial.monitoring.shift.attribution import parts
from perennial.monitoring.shift.distances import jensen_shannon, kolmogorov_smirnov, wasserstein
from perennial.monitoring.shift.homogeneity import homogeneity
from perennial.monitoring.shift.night_null import Null, bins_in_use, night_null, tolerated_psi
from perennial.monitoring.shift.nulls import chances
from perennial.monitoring.shift.season import Season
from perennial.monitoring.shift.unseen import Unseen, unseen_values

EVEN = np.full(32, 10**6)
"""What a tolerated shift is worth in nats is told over bins of equal shares."""


@dataclass(frozen=True, slots=True)
class HeldColumn:
    """One column of a night, and what it is held against.

    Attributes:
        edges: Its bins.
        before: Shape (bins,), the rows of the reference that the night is held against.
        now: Shape (bins,), the rows of the night.
        nights: Shape (nights, bins), the rows of each reference night.
    """

    edges: ColumnEdges
    before: Counts
    now: Counts
    nights: Counts


@dataclass(frozen=True, slots=True)
class MeasuredColumn:
    """How far one column is from the reference, before it is known how much is allowed.

    Attributes:
        edges: Its bins.
        before: Shape (bins,), the rows of the reference.
        now: Shape (bins,), the rows of the night.
        psi: In nats; what the reference never held counts as ``other``.
        most: About the greatest PSI that a night of so many rows can have: all of them in the bin that is rarest in the reference.
        null: What PSI does without drift.
        unseen: What values that the reference never held do without drift; None for numbers.
        p_values: The chances of such figures without drift, one for each test.
    """

    edges: ColumnEdges
    before: Counts
    now: Counts
    psi: float
    most: float
    null: Null
    unseen: Unseen | None
    p_values: tuple[float, ...]

    def can_alarm(self, level: float) -> bool:
        """Return whether any night of so many rows would alarm at this *level*. A constant column may: it then has other bins."""
        return self.unseen is not None or not self.null.freedom or self.null.p_value(self.most) <= level

    def judged(self, threshold: float, level: float, discovery: float, *, plain: bool = False) -> ColumnDrift:
        """Return the column's drift.

        Args:
            threshold: The PSI, in nats, that is held for drift.
            level: The column moved if a chance is at most this.
            discovery: It stands on the list of columns to look at if a chance is at most this.
            plain: The threshold decides in place of *level*.
        """
        moved = self.psi >= threshold if plain else min(self.p_values) <= level
        return ColumnDrift(
            column=self.edges.name,
            psi=self.psi,
            threshold=threshold if np.isfinite(threshold) else None,
            n=int(self.now.sum()),
            state=SignalState.ALARM if moved else SignalState.QUIET,
            beside=self._beside(level, discovery, moved=moved, tested=not plain),
        )

    def _beside(self, level: float, discovery: float, *, moved: bool, tested: bool) -> Beside:
        before, now = (self.edges.test_counts(counts) for counts in (self.before, self.now))
        starts = bins_in_use(before, now, self.edges.test_ordinary)
        joined = np.add.reduceat(before, starts), np.add.reduceat(now, starts)
        table, least = homogeneity(*joined), min(self.p_values)
        return Beside(
            p_value=least,
            listed=least <= discovery,
            jensen_shannon=jensen_shannon(*joined),
            chi_squared=table.statistic if table else None,
            chi_squared_freedom=table.freedom if table else None,
            chi_squared_p=table.p_value if table else None,
            unseen=self._new / int(self.now.sum()) if self.unseen else None,
            unseen_allowed=self.unseen.threshold(level) if self.unseen and tested else None,
            parts=parts(self.edges, before, now, starts) if moved or least <= discovery else (),
            **self._in_order(),
        )

    def _in_order(self) -> dict[str, float | None]:
        """Return the figures that need bins in the order of their values."""
        if not isinstance(self.edges, NumericEdges):
            return {}
        before, now = self.edges.in_order(self.before), self.edges.in_order(self.now)
        return {
            "kolmogorov_smirnov": kolmogorov_smirnov(before, now),
            "wasserstein": wasserstein(_places(self.edges), before, now),
        }

    @property
    def _new(self) -> int:
        return _new(self.edges, self.now)


def measured_columns(held: Sequence[HeldColumn], season: Season, shift: float) -> tuple[MeasuredColumn, ...]:
    """Hold the columns of a night against the reference.

    Args:
        held: The columns.
        season: Which of the reference's nights show how nights differ.
        shift: The tolerated shift, in reference standard deviations.
    """
    measured = [_measured(column, season, shift) for column in held]
    moved = chances([null for null, _, _ in measured], np.array([found for _, found, _ in measured])) if measured else ()
    columns = []
    for column, (null, found, most), chance in zip(held, measured, moved, strict=True):
        unseen = _unseen(column, shift)
        p_values = (float(chance),) if unseen is None else (float(chance), unseen.p_value(_new(column.edges, column.now)))
        columns.append(MeasuredColumn(column.edges, column.before, column.now, found, most, null, unseen, p_values))
    return tuple(columns)


def _measured(column: HeldColumn, season: Season, shift: float) -> tuple[Null, float, float]:
    """Return what PSI does without drift, what it is, and the most that it can be."""
    counts = column.now, column.before, column.nights[season.peers]
    ours, theirs, nights = (tested(column.edges, some) for some in counts)
    starts = bins_in_use(theirs, ours, column.edges.test_ordinary)
    ours, theirs = np.add.reduceat(ours, starts), np.add.reduceat(theirs, starts)
    null = night_null(theirs, ours, np.add.reduceat(nights, starts, axis=1), shift, season.group)
    farthest = np.zeros_like(ours)
    farthest[theirs.argmin()] = ours.sum()
    return null, psi(theirs, ours), psi(theirs, farthest)


def _unseen(column: HeldColumn, shift: float) -> Unseen | None:
    if isinstance(column.edges, NumericEdges):
        return None
    new, rows = column.nights[:, column.edges.ordinary], column.nights.sum(axis=1)
    return unseen_values(new, rows, int(column.now.sum()), tolerated_psi(EVEN, shift))


def _new(edges: ColumnEdges, now: Counts) -> int:
    """Return how many rows hold a value that the reference never held."""
    return int(now[edges.ordinary])


def tested(edges: ColumnEdges, counts: Counts) -> Counts:
    """Return the counts of the test's bins, shape (..., test bins).

    Values never seen are among the ``other`` ones: they have a test of their own. Values come by their names, so that those that
    are joined with their neighbours are not the ones that were frequent in the reference by luck, or rare.
    """
    found = edges.test_counts(counts)
    if isinstance(edges, CategoricalEdges):
        found = found.copy()
        found[..., edges.ordinary - 1] += found[..., edges.ordinary]
        found[..., edges.ordinary] = 0
        found[..., : edges.ordinary] = found[..., edges.by_name]
    return found


def _places(edges: NumericEdges) -> np.ndarray:
    """Return where each bin of ``in_order`` lies, shape (bins - 1,); what is outside the range lies on its end."""
    if not edges.ordinary:
        return np.zeros(edges.bins - 1)
    middle = edges.spans[:, 0] / 2 + edges.spans[:, 1] / 2
    low, high = edges.spans[0, 0], edges.spans[-1, 1]
    return np.concatenate(([low, low], middle, [high, high]))
