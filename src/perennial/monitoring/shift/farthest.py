"""The night that lies further from the reference than any other of as many rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from perennial.monitoring.counting.edges import NumericEdges
from perennial.monitoring.psi import Counts
from perennial.monitoring.shift.column_drift import HeldColumn, MeasuredColumn, measured_columns
from perennial.monitoring.shift.season import Season


def farthest(columns: Sequence[HeldColumn], season: Season, shift: float, level: float) -> list[MeasuredColumn]:
    """Measure, in the place of each column's night, the one of as many rows that is the least likely without drift.

    Where even that night has a chance above *level*, none of this size could alarm. PSI is convex in the shares of a night, so it
    is greatest where all rows lie in one bin; and the rarer that is in the reference, the greater. The rarest of those that stand
    apart is tried first, and where that would not alarm, the others and the rarest ordinary one: rare bins of a small night are
    joined with their neighbours. Which bins the night of the column has rows in is no matter.

    Args:
        columns: The columns, whose references and numbers of rows count.
        season: Which of the reference's nights show how nights differ.
        shift: The tolerated shift, in reference standard deviations.
        level: The chance up to which a night alarms; of one that does, none further is looked for.
    """
    places = [_rare(column) for column in columns]
    found = measured_columns([_all_in(column, rare[0]) for column, rare in zip(columns, places, strict=True)], season, shift)
    best = list(found)
    left = [(i, place) for i, rare in enumerate(places) if min(best[i].p_values) > level for place in rare[1:]]
    others = measured_columns([_all_in(columns[i], place) for i, place in left], season, shift)
    for (i, _), other in zip(left, others, strict=True):
        best[i] = min(best[i], other, key=lambda night: (min(night.p_values), -night.psi))
    return best


def _rare(column: HeldColumn) -> list[int]:
    """Return bins in which all rows may lie: those that stand apart, the rarest first, and the rarest ordinary one.

    Of numbers, it is one in which of the bins apart they lie that the reference has nothing in; one below or above the range is not
    like the others where the reference has something there.
    """
    ordinary = column.edges.ordinary
    apart = (ordinary + np.argsort(column.before[ordinary:], kind="stable")).tolist()
    if isinstance(column.edges, NumericEdges):
        held = column.before[ordinary:] + column.nights[:, ordinary:].sum(axis=0)
        alike = set(ordinary + np.flatnonzero(held == 0)) - ({ordinary, ordinary + 1} if held[:2].any() else set())
        apart = [place for place in apart if place not in alike or place == min(alike)]
    return [*apart, *([int(column.before[:ordinary].argmin())] if ordinary else [])]


def _all_in(column: HeldColumn, place: int) -> HeldColumn:
    counts: Counts = np.zeros_like(column.now)
    counts[place] = column.now.sum()
    return replace(column, now=counts)
