"""The population stability index: laws, and figures worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from perennial.core.errors import DataError
from perennial.monitoring.psi import Counts, psi, psi_by_row, sampling_scale

COUNTS = hnp.arrays(np.int64, 6, elements=st.integers(0, 10**9))


@given(COUNTS)
def test_nothing_lies_away_from_itself(counts: Counts) -> None:
    """The index of counts against themselves is exactly 0."""
    assert psi(counts, counts) == 0.0


@given(COUNTS, COUNTS)
def test_is_symmetric_and_never_negative(a: Counts, b: Counts) -> None:
    """Both directions give the same figure, bit for bit, and it is at least 0."""
    assert psi(a, b) == psi(b, a)
    assert psi(a, b) >= 0


def test_equals_the_formula_worked_out_by_hand() -> None:
    """With half a row added, [9, 0] is .95 and .05, [4, 5] is .45 and .55."""
    expected = (0.45 - 0.95) * math.log(0.45 / 0.95) + (0.55 - 0.05) * math.log(0.55 / 0.05)
    assert psi(np.array([9, 0]), np.array([4, 5])) == pytest.approx(expected, rel=1e-12)


def test_many_rows_of_counts_give_one_figure_each() -> None:
    """The index by row is the index of each row."""
    reference, nights = np.array([5, 6, 7]), np.array([[1, 2, 3], [3, 2, 1]])
    assert psi_by_row(reference, nights).tolist() == [psi(reference, nights[0]), psi(reference, nights[1])]


def test_different_edges_are_refused() -> None:
    """Counts over another number of bins are no comparison."""
    with pytest.raises(DataError) as caught:
        psi(np.array([1, 2]), np.array([1, 2, 3]))
    assert str(caught.value) == "psi: both must have the same number of bins, got 2 and 3 [PROFILE_EDGES]"


def test_without_drift_its_mean_is_the_scale_times_bins_less_one() -> None:
    """Over 4000 draws of 1000 and 3000 rows the mean of PSI / scale is 9 for 10 bins, within four standard errors."""
    rng = np.random.default_rng(5)
    shares = np.full(10, 0.1)
    found = psi_by_row(rng.multinomial(3000, shares, 4000), rng.multinomial(1000, shares, 4000)) / sampling_scale(1000, 3000)
    assert abs(found.mean() - 9) < 4 * math.sqrt(18 / 4000)
