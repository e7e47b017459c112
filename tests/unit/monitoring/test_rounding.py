"""Rounded cuts share rows out nearly as evenly as quantiles, or are left alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from perennial.monitoring.counting.at_least import Ends
from perennial.monitoring.counting.binning import numeric_edges
from perennial.monitoring.psi import Floats

ROWS = 100_000
WORLDS: dict[str, Callable[[np.random.Generator], Floats]] = {
    "normal": lambda rng: rng.normal(size=ROWS),
    "far from 0": lambda rng: 290 + rng.normal(size=ROWS),
    "skewed": lambda rng: rng.lognormal(size=ROWS),
    "heavy-tailed": lambda rng: rng.standard_t(1.5, ROWS),
    "cents": lambda rng: rng.lognormal(3, 1, ROWS).round(2),
    "large": lambda rng: rng.integers(0, 10**9, ROWS).astype(np.float64),
    "tiny": lambda rng: rng.normal(size=ROWS) * 1e-200,
}


@pytest.mark.parametrize("name", WORLDS)
def test_the_tests_bins_stay_even_and_most_cuts_lie_on_a_grid(name: str) -> None:
    """Each of the 32 holds its 32nd of the rows to within a fifth."""
    values = WORLDS[name](np.random.default_rng(1))
    edges = numeric_edges("x", values, np.zeros(ROWS, np.int64))
    shares = edges.test_counts(edges.count_numbers(values))[: edges.test_ordinary] / ROWS
    assert edges.test_ordinary == 32
    assert np.abs(shares * 32 - 1).max() < 0.2
    ends = Ends(edges.runs[0])
    assert ends.grid is not None
    assert ends.single.size < 20


def test_cuts_that_rounding_would_spoil_are_left_alone() -> None:
    """Nine values in ten within a millionth, the others far away on both sides."""
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(size=ROWS) * 1e-6, rng.normal(size=ROWS // 10) * 1e6])
    edges = numeric_edges("x", values, np.zeros(values.size, np.int64))
    shares = edges.test_counts(edges.count_numbers(values))[: edges.test_ordinary] / values.size
    assert np.abs(shares * edges.test_ordinary - 1).max() < 0.01


def test_the_least_and_the_greatest_value_stay_the_range() -> None:
    """Whatever the cuts between are rounded to."""
    values = np.random.default_rng(3).normal(size=ROWS)
    cuts = numeric_edges("x", values, np.zeros(ROWS, np.int64)).cuts
    assert (cuts[0], cuts[-1]) == (values.min(), values.max())
