"""Nights of a few dozen rows: one row an hour, all of them in the same weather."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from perennial.monitoring.counting.binning import numeric_edges
from perennial.monitoring.counting.numeric import NumericEdges
from perennial.monitoring.psi import Floats
from perennial.monitoring.shift import column_drift
from perennial.monitoring.shift.column_drift import HeldColumn, MeasuredColumn, ends_joined, measured_columns
from perennial.monitoring.shift.season import season

HOURS, NIGHTS, TRIALS = 24, 27, 500
MONTH = season(range(NIGHTS), NIGHTS)
"""A night is held against the nights of its weekday."""

RARE = 0.5 / 365.25
"""What one column may alarm with a night, where half a false alarm a year is for it alone."""


def weather(rng: np.random.Generator) -> Floats:
    """Return the temperatures of a month and of the night after it, shape (nights, hours): warm afternoons, and warm days."""
    day = np.sin(2 * np.pi * np.arange(HOURS) / HOURS)
    return day + 0.3 * rng.normal(size=(NIGHTS + 1, 1)) + 0.1 * rng.normal(size=(NIGHTS + 1, HOURS))


def held(values: Floats) -> HeldColumn:
    """Return the last of the nights, held against the others."""
    edges = numeric_edges("x", values[:-1].ravel(), np.repeat(np.arange(NIGHTS), HOURS))
    counts = np.array([edges.count_numbers(night) for night in values])
    return HeldColumn(edges, counts[:-1][MONTH.alike].sum(axis=0), counts[-1], counts[:-1])


def measured(columns: list[HeldColumn]) -> tuple[MeasuredColumn, ...]:
    """Hold each column's night against the reference, as a definition has it where it says nothing."""
    return measured_columns(columns, MONTH, 0.2)


def test_the_warmest_afternoon_so_far_is_no_drift() -> None:
    """A quarter of the night is warmer than ever; nights without drift alarm no more often than they may."""
    rng = np.random.default_rng(1)
    found = [column.p_values[0] for column in measured([held(weather(rng)) for _ in range(TRIALS)])]
    assert np.count_nonzero(np.array(found) <= 0.001) <= stats.binom.ppf(0.999, TRIALS, 0.001)


@pytest.mark.parametrize("moved", [np.nan, np.inf, 3.0])
def test_what_is_no_weather_is_found_in_a_night_of_few_rows(moved: float) -> None:
    """Nearly all of it missing or infinite, or three degrees warmer, which is four standard deviations."""
    values = weather(np.random.default_rng(2))
    values[-1, 2:] = values[-1, 2:] + 3.0 if moved == 3.0 else moved
    [column] = measured([held(values)])
    assert column.p_values[0] <= RARE


def test_what_lies_outside_the_range_counts_at_its_ends_where_rows_are_few() -> None:
    """Below in the first bin, above in the last; what is infinite or missing stays apart."""
    edges = NumericEdges(column="x", cuts=(0.0, 1.0, 2.0, 3.0), atoms=())
    counts = np.array([[1, 2, 3, 10, 20, 5, 6, 7], [4, 0, 0, 0, 1, 0, 0, 0]])
    assert column_drift.tested(edges, counts, joined=True).tolist() == [[11, 2, 23, 0, 0, 5, 6, 7], [4, 0, 1, 0, 0, 0, 0, 0]]
    assert column_drift.tested(edges, counts, joined=False).tolist() == counts.tolist()


@pytest.mark.parametrize(
    ("before", "inside", "outside", "joined"),
    [(1000, 14, 0, True), (1000, 15, 0, False), (14, 1000, 0, True), (1000, 8, 6, True), (1000, 7, 7, False)],
)
def test_ends_are_joined_where_bins_have_less_than_five_rows_each(before: int, inside: int, outside: int, *, joined: bool) -> None:
    """Of the night, or of the reference; unless half of the night lies outside."""
    edges = NumericEdges(column="x", cuts=(0.0, 1.0, 2.0, 3.0), atoms=())
    known, nights = np.array([before, *[0] * 7]), np.array([[inside, 0, 0, outside, 0, 0, 0, 0], [9, *[0] * 7]])
    assert ends_joined(edges, known, nights).tolist() == [joined, True]
