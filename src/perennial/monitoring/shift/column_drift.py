"""One column of a night, held against the reference: what is tested, and what is reported beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perennial.core.receipts import Beside, ColumnDrift, SignalState
from perennial.monitoring.counting.edges import CategoricalEdges, ColumnEdges, NumericEdges
from perennial.monitoring.psi import Counts, Floats, psi_by_row
from perennial.monitoring.shift.attribution import parts
from perennial.monitoring.shift.night_null import ORDINARY_ROWS, Null, bins_in_use, night_null, tolerated_psi
from perennial.monitoring.shift.season import Season
from perennial.monitoring.shift.unseen import Unseen, unseen_values

EVEN = np.full(32, 10**6)
"""What a tolerated shift is worth in nats is told over bins of equal shares."""

_AT_ONCE = 1 << 16
"""So many counts of nights are looked at together: what that takes stays in the processor's cache."""


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
class InUse:
    """Counts over the bins in use, shape (bins,), of reference and night, and at which of the test's bins each starts."""

    starts: Counts
    before: Counts
    now: Counts

    @staticmethod
    def of(before: Counts, now: Counts, ordinary: int) -> InUse:
        """Join counts of the test's bins, of which *ordinary* do not stand apart."""
        starts = bins_in_use(before, now, ordinary)
        return InUse(starts, np.add.reduceat(before, starts), np.add.reduceat(now, starts))


@dataclass(frozen=True, slots=True)
class MeasuredColumn:
    """How far one column is from the reference, before it is known how much is allowed.

    Attributes:
        edges: Its bins.
        before: Shape (bins,), the rows of the reference.
        now: Shape (bins,), the rows of the night.
        psi: In nats; what the reference never held counts as ``other``.
        null: What PSI does without drift, shape (1,).
        unseen: What values that the reference never held do without drift; None for numbers.
        p_values: The chances of such figures without drift, one for each test.
    """

    edges: ColumnEdges
    before: Counts
    now: Counts
    psi: float
    null: Null
    unseen: Unseen | None
    p_values: tuple[float, ...]

    def judged(
        self, threshold: float, level: float, discovery: float, figures: Mapping[str, float | None], *, plain: bool = False
    ) -> ColumnDrift:
        """Return the column's drift.

        Args:
            threshold: The PSI, in nats, that is held for drift.
            level: The column moved if a chance is at most this.
            discovery: It stands on the list of columns to look at if a chance is at most this.
            figures: What else was measured of it, by the name that a receipt gives it.
            plain: The threshold decides in place of *level*.
        """
        moved = self.psi >= threshold if plain else min(self.p_values) <= level
        return ColumnDrift(
            column=self.edges.name,
            psi=self.psi,
            threshold=threshold if np.isfinite(threshold) else None,
            n=int(self.now.sum()),
            state=SignalState.ALARM if moved else SignalState.QUIET,
            beside=self._beside(level, discovery, figures, moved=moved, tested=not plain),
        )

    def _beside(self, level: float, discovery: float, figures: Mapping[str, float | None], *, moved: bool, tested: bool) -> Beside:
        least = min(self.p_values)
        return Beside(
            p_value=least,
            listed=least <= discovery,
            unseen=self._new / int(self.now.sum()) if self.unseen else None,
            unseen_allowed=self.unseen.threshold(level) if self.unseen and tested else None,
            parts=self._parts() if moved or least <= discovery else (),
            **figures,
        )

    def _parts(self) -> tuple[str, ...]:
        before, now = (self.edges.test_counts(counts) for counts in (self.before, self.now))
        return parts(self.edges, before, now, self.in_use.starts)

    @property
    def in_use(self) -> InUse:
        """The counts in the bins in use, as figures beside the test take them: values by how frequent they were."""
        return _shown(self)

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
    joined = [_joined(column, season) for column in held]
    null, moved = _together(joined, season, shift)
    figures = zip(held, moved.tolist(), null.p_value(moved).tolist(), strict=True)
    columns = []
    for place, (column, psi, chance) in enumerate(figures):
        unseen = _unseen(column, shift)
        p_values = (chance,) if unseen is None else (chance, unseen.p_value(_new(column.edges, column.now)))
        alone = null.at(slice(place, place + 1))
        columns.append(MeasuredColumn(column.edges, column.before, column.now, psi, alone, unseen, p_values))
    return tuple(columns)


_Joined = tuple[InUse, Counts]
"""A column over the bins in use, and the reference nights that show how nights differ, shape (nights, bins)."""


def _joined(column: HeldColumn, season: Season) -> _Joined:
    ends = bool(ends_joined(column.edges, column.before, column.now))
    counts = column.before, column.now, column.nights[season.peers]
    before, now, nights = (tested(column.edges, some, joined=ends) for some in counts)
    in_use = InUse.of(before, now, column.edges.test_ordinary)
    return in_use, np.add.reduceat(nights, in_use.starts, axis=1)


def _shown(column: MeasuredColumn) -> InUse:
    before, now = (column.edges.test_counts(counts) for counts in (column.before, column.now))
    return InUse.of(before, now, column.edges.test_ordinary)


def _together(joined: Sequence[_Joined], season: Season, shift: float) -> tuple[Null, Floats]:
    """Return what PSI does without drift, and what it is, shape (columns,)."""
    order, found = [], []
    for places in alike([in_use.before.size for in_use, _ in joined], season.peers.size):
        before, now = (np.stack([getattr(joined[place][0], part) for place in places]) for part in ("before", "now"))
        nights = np.stack([joined[place][1] for place in places])
        order += places
        found.append((night_null(before, now, nights, shift, season.group), psi_by_row(before, now)))
    if not order:
        return Null(*np.empty((5, 0))), np.empty(0)
    back, (nulls, psi) = np.argsort(order), zip(*found, strict=True)
    return Null.of(nulls).at(back), np.concatenate(psi)[back]


def alike(bins: Sequence[int], nights: int = 1) -> Iterator[list[int]]:
    """Yield the positions of columns with equally many *bins*, not too many at a time, each with so many *nights* of counts."""
    places: dict[int, list[int]] = {}
    for place, size in enumerate(bins):
        places.setdefault(size, []).append(place)
    for size, some in places.items():
        step = max(_AT_ONCE // max(size * nights, 1), 1)
        yield from (some[start : start + step] for start in range(0, len(some), step))


def _unseen(column: HeldColumn, shift: float) -> Unseen | None:
    if isinstance(column.edges, NumericEdges):
        return None
    new, rows = column.nights[:, column.edges.ordinary], column.nights.sum(axis=1)
    return unseen_values(new, rows, int(column.now.sum()), float(tolerated_psi(EVEN, shift)))


def _new(edges: ColumnEdges, now: Counts) -> int:
    """Return how many rows hold a value that the reference never held."""
    return int(now[edges.ordinary])


def ends_joined(edges: ColumnEdges, before: Counts, now: Counts) -> npt.NDArray[np.bool_]:
    """Return whether what a night has below or above the range counts in the first or the last bin of it, shape (...).

    So it does where there are fewer rows than ordinary bins need: one warm afternoon is a quarter of a night of 24 rows, and by
    definition no more than one night of the reference shows how often that happens, while bins that many nights have rows of show
    it. Not so where most of the night lies outside.

    Args:
        edges: The column's bins.
        before: Shape (bins,).
        now: Shape (..., bins).
    """
    rows, ordinary = now.sum(axis=-1), edges.ordinary
    few = np.minimum(before.sum(), rows) < ORDINARY_ROWS * edges.test_ordinary
    outside = now[..., ordinary : ordinary + 2].sum(axis=-1)
    found: npt.NDArray[np.bool_] = few & (2 * outside < rows) & isinstance(edges, NumericEdges)
    return found


def tested(edges: ColumnEdges, counts: Counts, *, joined: bool) -> Counts:
    """Return the counts of the test's bins, shape (..., test bins).

    Where ends are *joined*, what lies below or above the range counts in the first or the last bin of it. Values never seen are
    among the ``other`` ones: they have a test of their own. Values come by their names, so that those that are joined with their
    neighbours are not the ones that were frequent in the reference by luck, or rare.
    """
    found = edges.test_counts(counts)
    ordinary = edges.test_ordinary
    if joined and ordinary:
        found[..., 0] += found[..., ordinary]
        found[..., ordinary - 1] += found[..., ordinary + 1]
        found[..., ordinary : ordinary + 2] = 0
    elif isinstance(edges, CategoricalEdges):
        found = found.copy()
        found[..., edges.ordinary - 1] += found[..., edges.ordinary]
        found[..., edges.ordinary] = 0
        found[..., : edges.ordinary] = found[..., edges.by_name]
    return found
