"""Columns with more values than have a place of their own: those that have one were lucky, which must not look like drift."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from perennial.monitoring.counting.profile import profile
from perennial.monitoring.counting.reference import Reference, reference_profile
from perennial.monitoring.psi import Floats
from perennial.monitoring.shift.drift import moved_columns

NIGHTS, ROWS = 12, 5000
EQUAL = np.full(20_000, 1 / 20_000)
FALLING = 1 / np.arange(1, 100_001) / np.sum(1 / np.arange(1, 100_001))


def night(rng: np.random.Generator, shares: Floats) -> pa.Table:
    """Return the rows of a night of values with these shares."""
    return pa.table({"x": pa.array(np.searchsorted(np.cumsum(shares), rng.random(ROWS))).cast(pa.string())})


def learned(rng: np.random.Generator, shares: Floats) -> Reference:
    """Return a reference of nights of such values."""
    rows = pa.concat_tables([night(rng, shares) for _ in range(NIGHTS)])
    return reference_profile(rows, categorical=("x",), nights=np.repeat(np.arange(NIGHTS), ROWS))


@pytest.mark.parametrize("shares", [pytest.param(EQUAL, id="20000-equal"), pytest.param(FALLING, id="100000-falling")])
def test_quiet_nights_bring_as_many_values_without_a_place_as_the_reference_leads_one_to_expect(shares: Floats) -> None:
    """Of six nights none has a chance below one in a thousand, without any tolerance; and none moves with the usual one."""
    rng = np.random.default_rng(11)
    reference = learned(rng, shares)
    for _ in range(6):
        counted = profile(reference.edges, night(rng, shares))
        exact, tolerant = (moved_columns(reference, counted, input_shift=shift, minimum_rows=20).columns[0] for shift in (0, 0.2))
        assert exact.p_values[1] > 0.001
        assert min(tolerant.p_values) > 0.001


def test_values_without_a_place_still_show_when_they_move() -> None:
    """A third of the rows of one night holds values that no night of the reference does, another third its most frequent one."""
    rng = np.random.default_rng(12)
    reference = learned(rng, FALLING)
    drawn = night(rng, FALLING)["x"].to_pylist()
    new = pa.table({"x": [f"new {i}" if i % 3 == 0 else value for i, value in enumerate(drawn)]})
    often = pa.table({"x": ["0" if i % 3 == 0 else value for i, value in enumerate(drawn)]})
    for rows in (new, often):
        moved = moved_columns(reference, profile(reference.edges, rows), input_shift=0.2, minimum_rows=20)
        assert min(moved.p_values) < 1e-6
