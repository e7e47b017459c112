"""Counting numbers over many ends: whatever way is taken, the counts are those of comparing each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.monitoring.counting.at_least import AtLeast, Ends, Grid, Scratch
from perennial.monitoring.psi import Counts, Floats

MOST = np.finfo(np.float64).max


def compared(values: Floats, ends: Floats) -> Counts:
    """Return what the words say."""
    return np.array([np.count_nonzero(values >= end) for end in ends], dtype=np.int64)


def at_least(values: Floats, ends: Floats) -> Counts:
    """Return what is counted of values that come in two pieces."""
    counting = AtLeast(Ends(ends))
    for piece in np.array_split(values, [values.size // 7]):
        counting.add(piece, Scratch(piece.size))
    return counting.counts


def drawn(rows: int = 10_000) -> Floats:
    """Return normal, missing, infinite, tiny and huge numbers."""
    rng = np.random.default_rng(1)
    odd = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, MOST, -MOST, 1e300], rows)
    return np.where(rng.random(rows) < 0.2, odd, rng.normal(size=rows))


ENDS = {
    "few": np.array([-np.inf, -1.0, 0.0, np.inf]),
    "regular": np.array([-np.inf, -MOST, *np.arange(-3.0, 3.0, 2.0**-8), np.inf]),
    "regular and some others": np.sort([-np.inf, -2.9, 0.3, 1e-320, *np.arange(-3.0, 3.0, 2.0**-8), 7e7, np.inf]),
    "regular with tails": np.concatenate([-np.geomspace(4e9, 4, 7), np.arange(-3.0, 3.0, 2.0**-8), np.geomspace(3.1, 4e9, 5)]),
    "irregular": np.sort(np.random.default_rng(2).normal(size=300)),
    "wide apart": np.arange(-100.0, 100.0, 2) * 2.0**600,
    "close together": np.arange(-100.0, 100.0) * 2.0**-1070,
    "wider than one": np.arange(-1024.0, 1024.0, 8),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("rows", [0, 1, 1000, 140_000])
def test_every_way_counts_what_comparing_counts(name: str, rows: int) -> None:
    """Few ends, ends on a grid, near it, and none of these; few rows and several blocks of them."""
    values = drawn(max(rows, 1))
    values = np.concatenate([values, values * 0.5, values[:-1] * 2.0**-600])[:rows]
    assert compared(values, ENDS[name]).tolist() == at_least(values, ENDS[name]).tolist()


@given(
    st.integers(-40, 40), st.lists(st.integers(-200, 200), min_size=20, max_size=60, unique=True), st.lists(st.floats(), min_size=1)
)
def test_a_grid_of_any_width_is_exact(exponent: int, places: list[int], values: list[float]) -> None:
    """Also for the numbers next to an end."""
    ends = np.sort(np.ldexp(np.array(places, dtype=np.float64), exponent))
    with np.errstate(over="ignore"):
        near = np.concatenate([ends, np.nextafter(ends, np.inf), np.nextafter(ends, -np.inf), values])
    many = np.resize(near, 3000)
    assert Ends(ends).grid is not None
    assert compared(many, ends).tolist() == at_least(many, ends).tolist()


@pytest.mark.parametrize("name", ENDS)
def test_nothing_but_missing_numbers_reaches_no_end(name: str) -> None:
    """Not even minus infinity."""
    assert not at_least(np.full(20_000, np.nan), ENDS[name]).any()


def test_the_grid_is_the_narrowest_that_holds_most_ends() -> None:
    """Ends that lie elsewhere are compared one by one."""
    ends = Ends(ENDS["regular and some others"])
    assert ends.grid == Grid(exponent=-8, first=-768, cells=1536)
    assert ends.single.size == 6


@pytest.mark.parametrize("name", ["few", "irregular", "wide apart", "close together"])
def test_some_ends_have_no_grid(name: str) -> None:
    """It would not pay, or would take more cells than fit the processor's cache; or the numbers are extreme."""
    assert (Ends(ENDS[name]).grid is None) is (name != "wide apart")
