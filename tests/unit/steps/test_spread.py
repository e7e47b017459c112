"""Mean and spread of numbers that come in parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.steps.scoring.spread import spread_of

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


@given(NUMBERS, st.integers(1, 7))
def test_parts_give_what_the_whole_gives(numbers: list[float], size: int) -> None:
    """However the numbers are cut."""
    whole = np.array(numbers)
    found = spread_of(whole[start : start + size] for start in range(0, whole.size, size))
    assert (found.rows, found.low, found.high) == (whole.size, whole.min(), whole.max())
    assert found.mean == pytest.approx(whole.mean(), rel=1e-9, abs=1e-6)
    assert found.deviation == pytest.approx(whole.std(), rel=1e-6, abs=1e-6)


def test_a_small_spread_far_from_zero_keeps_its_digits() -> None:
    """The sum of squares minus the square of the sum would be lost in rounding."""
    found = spread_of([np.array([1e9, 1e9 + 1]), np.array([1e9 + 2])])
    assert found.deviation == pytest.approx(np.sqrt(2 / 3), rel=1e-6)
