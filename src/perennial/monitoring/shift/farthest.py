"""The night that lies further from the reference than any other of as many rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perennial.monitoring.counting.edges import CategoricalEdges
from perennial.monitoring.psi import Counts
from perennial.monitoring.shift.column_drift import HeldColumn, MeasuredColumn, measured_columns
from perennial.monitoring.shift.season import Season


def farthest(column: HeldColumn, season: Season, shift: float) -> MeasuredColumn:
    """Measure, in the place of the *column*'s night, the one of as many rows that is the least likely without drift.

    Where even that night would not alarm, none could. PSI is convex in the shares of a night, so it is greatest where all rows lie
    in one bin; and the rarer that is in the reference, the greater. Which bins the night of the column has rows in is no matter.

    Args:
        column: The column, whose reference and number of rows count.
        season: Which of the reference's nights show how nights differ.
        shift: The tolerated shift, in reference standard deviations.
    """
    nights = [replace(column, now=_all_in(column, place)) for place in _rare(column)]
    return min(measured_columns(nights, season, shift), key=lambda found: (min(found.p_values), -found.psi))


def _rare(column: HeldColumn) -> list[int]:
    """Return bins in which all rows may lie: the rarest that stands apart; of values also the rarest, and what is unseen."""
    apart = column.edges.ordinary
    found = [apart + int(column.before[apart:].argmin())]
    if isinstance(column.edges, CategoricalEdges):
        found += [apart, int(column.before[:apart].argmin())]
    return found


def _all_in(column: HeldColumn, place: int) -> Counts:
    counts = np.zeros_like(column.now)
    counts[place] = column.now.sum()
    return counts
