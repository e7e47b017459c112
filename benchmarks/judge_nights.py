"""References and nights of one column, as counts, and how often the tests alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from judge_columns import NAME, Column, Values
from scipy import stats

from perennial.monitoring.counting.edges import ColumnEdges
from perennial.monitoring.counting.reference import reference_profile
from perennial.monitoring.holm import holm_level
from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.shift.column_drift import HeldColumn, measured_columns
from perennial.monitoring.shift.season import Season, season

NIGHTS = 30
"""Of a reference, unless something else is said."""

SURE = 0.999
"""A count of alarms is within the budget up to this quantile of the binomial distribution, as there are many cells."""

_MOST_ROWS = 300_000
_NIGHTS_A_REFERENCE = 10
_CHUNK = 200


@dataclass(frozen=True)
class Learned:
    """The reference of a column: its bins, and the counts of its nights, shape (nights, bins)."""

    column: Column
    edges: ColumnEdges
    nights: Counts
    season: Season

    def night(self, rng: np.random.Generator, rows: int, column: Column | None = None) -> Counts:
        """Draw the counts of a night, shape (bins,), of this column or of another one over the same bins."""
        if column is None and self.column.steady:
            return rng.multinomial(rows, self._shares)
        return rng.multinomial(rows, _whole((column or self.column).shares(rng, self.edges)))

    @cached_property
    def _shares(self) -> Floats:
        """The share of each bin where all nights have the same."""
        return _whole(self.column.shares(np.random.default_rng(0), self.edges))

    def p_values(self, night: Counts, shift: float) -> tuple[float, ...]:
        """Return the chances of such a night without drift, one for each test."""
        held = HeldColumn(self.edges, self.nights.sum(axis=0), night, self.nights)
        return measured_columns([held], self.season, shift)[0].p_values


def learned(rng: np.random.Generator, column: Column, rows: int, nights: int = NIGHTS) -> Learned:
    """Draw a reference of *nights* nights of *rows* rows.

    The bins are always found in rows. Of large nights some rows are drawn to find the bins, and the counts over these then.
    """
    some = min(rows, _MOST_ROWS // nights)
    cells = pa.concat_arrays([column.rows(rng, some) for _ in range(nights)])
    kind = "categorical" if isinstance(column, Values) else "numeric"
    number = np.repeat(np.arange(nights), some)
    found = reference_profile(pa.table({NAME: cells}), watched={NAME: kind}, nights=number)
    edges, chosen = found.edges.columns[0], season(range(nights), None)
    if some == rows:
        return Learned(column, edges, np.array([night.counts[NAME] for night in found.nights.values()]), chosen)
    empty = Learned(column, edges, np.zeros((nights, edges.bins), np.int64), chosen)
    return Learned(column, edges, np.array([empty.night(rng, rows) for _ in range(nights)]), chosen)


def quiet_alarms(column: Column, *, rows: int, tonight: int, nights: int, trials: int, level: float, seed: Sequence[int]) -> int:
    """Return on how many of *trials* nights without drift the column alarms, without any tolerance.

    Every tenth night has a new reference.
    """
    rng, found = np.random.default_rng(list(seed)), 0
    for trial in range(trials):
        if not trial % _NIGHTS_A_REFERENCE:
            known = learned(rng, column, rows, nights)
        found += alarms(known.p_values(known.night(rng, tonight), 0.0), level)
    return found


def alarms(p_values: Sequence[float], budget: float) -> bool:
    """Return whether any test alarms where all share the budget."""
    return bool(p_values) and min(p_values) <= holm_level(p_values, budget)


def allowed(trials: int, level: float) -> int:
    """Return how many alarms are within the budget."""
    return int(stats.binom.ppf(SURE, trials, level))


def cell(found: int, trials: int, level: float) -> str:
    """Return a count as per cent; what is beyond the budget stands out."""
    said = f"{100 * found / trials:.1f}"
    return said if found <= allowed(trials, level) else f"**{said}**"


def interval(found: int, trials: int) -> str:
    """Return a count as per cent with its exact 95 % interval."""
    bounds = stats.binomtest(found, trials).proportion_ci(0.95)
    return f"{100 * found / trials:.1f} % ({100 * bounds.low:.1f} to {100 * bounds.high:.1f})"


def _whole(shares: Floats) -> Floats:
    """Return shares whose sum is at most 1, as drawing asks for it to the last digit."""
    return np.maximum(shares, 0) / max(float(np.maximum(shares, 0).sum()), 1.0)
