"""What settings would have done on nights that were: alarms, with and without drift, and the smallest shift that is seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from perennial.monitoring.counting.edges import ColumnEdges, NumericEdges
from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.shift.many_nights import Figures, Slots, figures, slots
from perennial.monitoring.shift.season import season
from perennial.monitoring.shift.shifted import shifted

_POWER = 0.8
_NIGHTS_SHIFTED = 20
SHIFTS: Floats = np.geomspace(0.05, 4.0, 32)
"""Shifts that are tried, in standard deviations of the reference."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What raises an alarm: a chance of at most *level*, or, where it is given, a PSI of at least *psi* nats."""

    level: float = 0.0
    psi: float | None = None

    def alarms(self, found: Figures) -> npt.NDArray[np.bool_]:
        """Return which nights would alarm because of one column, shape (nights,)."""
        chosen: npt.NDArray[np.bool_] = (
            np.any(found.p_values <= self.level, axis=0) if self.psi is None else found.psi >= np.float64(self.psi)
        )
        return chosen


@dataclass(frozen=True, slots=True)
class Nights:
    """Nights as counts over the same edges.

    Attributes:
        days: Shape (nights,), the number of each night: of its day since 1970-01-01, where that is not cut into several.
        counts: Shape (nights, bins), by column.
    """

    days: Counts
    counts: Mapping[str, Counts]

    def take(self, positions: Counts) -> Nights:
        """Return the nights at *positions*."""
        return Nights(self.days[positions], {name: counts[positions] for name, counts in self.counts.items()})


@dataclass(frozen=True, slots=True)
class Against:
    """A reference: its nights, all its rows, shape (bins,), by column, and in how many nights it cuts a day."""

    nights: Nights
    totals: Mapping[str, Counts]
    nights_a_day: int = 1


def figures_by_column(columns: Sequence[ColumnEdges], against: Against, nights: Nights, shift: float) -> dict[str, Figures]:
    """Return what each column shows on each of *nights*, held against the reference with a tolerated *shift*."""
    at = _slots(against, nights)
    return {
        edges.name: figures(
            edges, against.totals[edges.name], against.nights.counts[edges.name], nights.counts[edges.name], at, shift
        )
        for edges in columns
    }


def shuffled(against: Against, nights: Nights, rng: np.random.Generator) -> tuple[Against, Nights]:
    """Deal the nights anew: any may now be one of the reference, on any day. So none of them can have drifted.

    Args:
        against: The reference.
        nights: Nights over the same edges.
        rng: Deals.
    """
    size = len(against.nights.days)
    order = rng.permutation(size + len(nights.days))
    dealt = {name: np.concatenate([against.nights.counts[name], nights.counts[name]])[order] for name in nights.counts}
    reference = Nights(against.nights.days, {name: counts[:size] for name, counts in dealt.items()})
    totals = {name: counts.sum(axis=0) for name, counts in reference.counts.items()}
    return Against(reference, totals, against.nights_a_day), Nights(
        nights.days, {name: counts[size:] for name, counts in dealt.items()}
    )


def smallest_shift(
    edges: NumericEdges, deviation: float, against: Against, nights: Nights, shift: float, settings: Mapping[str, Setting]
) -> dict[str, float | None]:
    """Return the smallest shift of a column on which each setting alarms on at least 80 % of the nights.

    Every number is made larger by as much, in the counts of nights without drift, at most twenty of them.

    Args:
        edges: The column's bins.
        deviation: One standard deviation of the reference, in the column's unit.
        against: The reference.
        nights: Nights without drift.
        shift: The tolerated shift.
        settings: By name.

    Returns:
        In standard deviations, about as exact as one part in seven; None where 4 are not enough.
    """
    some = nights.take(np.unique(np.linspace(0, len(nights.days) - 1, _NIGHTS_SHIFTED).astype(np.int64)))
    name, at, known = edges.name, _slots(against, some), dict[int, Figures]()

    def seen(setting: Setting, position: int) -> bool:
        if position not in known:
            moved = shifted(edges, some.counts[name], SHIFTS[position] * deviation)
            known[position] = figures(edges, against.totals[name], against.nights.counts[name], moved, at, shift)
        return bool(setting.alarms(known[position]).mean() >= _POWER)

    return {of: _first(partial(seen, setting)) for of, setting in settings.items()}


def _first(seen: Callable[[int], bool]) -> float | None:
    """Return the smallest shift that is *seen*, as the larger ones are; None where the largest one is not."""
    low, high = 0, len(SHIFTS) - 1
    if not seen(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if seen(middle) else (middle + 1, high)
    return float(SHIFTS[low])


def _slots(against: Against, nights: Nights) -> Slots:
    days = against.nights.days.tolist()
    return slots([season(days, day, against.nights_a_day) for day in nights.days.tolist()])
