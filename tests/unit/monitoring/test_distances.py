"""Figures beside the test: the same as those that SciPy computes, where it computes them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.shift.distances import Below, jensen_shannon
from perennial.monitoring.shift.false_discovery import false_discovery_level
from perennial.monitoring.shift.homogeneity import homogeneity

COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=40)


@given(COUNTS)
@settings(max_examples=50)
def test_homogeneity_is_what_scipy_says(pairs: list[tuple[int, int]]) -> None:
    """For any 2 x k table in which both rows and two columns have something."""
    table = np.array(pairs).T
    used = table[:, table.sum(axis=0) > 0]
    found = homogeneity(*table)
    if used.shape[1] < 2 or not used.sum(axis=1).all():
        assert np.isnan([found.statistic, found.p_value]).all()
        return
    expected = stats.chi2_contingency(used, correction=False)
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert found.freedom == expected.dof
    assert found.p_value == pytest.approx(expected.pvalue)


def test_homogeneity_by_hand() -> None:
    """Of 10 and 30 against 20 and 20 one expects 15 and 25 twice: 25 / 15 + 25 / 25, twice."""
    found = homogeneity(np.array([10, 30]), np.array([20, 20]))
    assert (found.statistic, found.freedom, found.p_value) == pytest.approx((16 / 3, 1, 0.020921335))


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_kolmogorov_smirnov_is_what_scipy_says_of_the_values(shift: float) -> None:
    """But for the rows of one bin, of which there are 200 here."""
    rng = np.random.default_rng(1)
    before, now = rng.standard_t(3, 20_000), rng.standard_t(3, 5_000) + shift
    ends = np.concatenate(([-np.inf], np.quantile(before, np.arange(1, 200) / 200), [np.inf]))
    found = Below.of(np.histogram(before, ends)[0], np.histogram(now, ends)[0]).kolmogorov_smirnov
    expected = stats.ks_2samp(before, now).statistic
    assert expected - 1 / 200 <= found <= expected


def test_wasserstein_is_what_scipy_says_of_the_bins() -> None:
    """In standard deviations, where the tails hold too little to be cut off."""
    places, before, now = np.array([0.0, 1.0, 3.0, 7.0]), np.array([10, 20, 30, 40]), np.array([40, 30, 20, 10])
    values = np.repeat(places, before)
    expected = stats.wasserstein_distance(places, places, before, now) / values.std()
    assert Below.of(before, now).wasserstein(places) == pytest.approx(expected)


def test_one_wild_value_does_not_make_the_wasserstein_distance() -> None:
    """It counts as lying on the reference's quantile 0.999."""
    places, before = np.array([0.0, 1.0, 1e9]), np.array([500_000, 499_999, 1])
    assert Below.of(before, np.array([500, 499, 1])).wasserstein(places) < 0.01


def test_wasserstein_of_a_shift_is_the_shift() -> None:
    """Half a standard deviation, over bins that are fine enough."""
    ends = stats.norm.ppf(np.arange(1, 1000) / 1000)
    places = np.concatenate(([ends[0]], (ends[1:] + ends[:-1]) / 2, [ends[-1]]))
    before, now = np.full(1000, 1000), np.diff(np.concatenate(([0], stats.norm.cdf(ends - 0.5), [1]))) * 10**6
    assert Below.of(before, now.astype(np.int64)).wasserstein(places) == pytest.approx(0.5, rel=0.02)


def test_distances_of_equal_shares_are_zero_and_of_nothing_not_a_number() -> None:
    """However many rows there are."""
    before, now, nothing = np.array([1, 2, 3]), np.array([10, 20, 30]), np.zeros(3, np.int64)
    found = jensen_shannon(before, now), Below.of(before, now).kolmogorov_smirnov, Below.of(before, now).wasserstein(np.arange(3.0))
    assert found == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)
    assert np.isnan([jensen_shannon(before, nothing), jensen_shannon(nothing, before)]).all()
    for either in (Below.of(before, nothing), Below.of(nothing, before)):
        assert np.isnan([either.kolmogorov_smirnov, either.wasserstein(np.arange(3.0))]).all()


def test_the_wasserstein_distance_has_no_unit_where_the_reference_does_not_vary() -> None:
    """All its rows lie in one bin."""
    assert np.isnan(Below.of(np.array([0, 9, 0]), np.array([1, 2, 3])).wasserstein(np.arange(3.0)))


@given(st.lists(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=6, max_size=6), min_size=1, max_size=5))
@settings(max_examples=50)
def test_figures_of_many_columns_are_those_of_each(tables: list[list[tuple[int, int]]]) -> None:
    """Also where some of them have no rows."""
    before, now = np.moveaxis(np.array(tables), -1, 0)
    places = np.arange(before.size, dtype=np.float64).reshape(before.shape) ** 2

    def figures(before: Counts, now: Counts, places: Floats) -> list[Floats | Counts]:
        found, below = homogeneity(before, now), Below.of(before, now)
        told = jensen_shannon(before, now), found.statistic, found.p_value, found.freedom
        return [*told, below.kolmogorov_smirnov, below.wasserstein(places)]

    each = [figures(*column) for column in zip(before, now, places, strict=True)]
    np.testing.assert_allclose(np.array(figures(before, now, places)).T, np.array(each), rtol=1e-12, atol=1e-15)


def test_jensen_shannon_by_hand() -> None:
    """Half of the rows moved from one bin to an empty one: 1.5 ln(4/3) / 2 + ... as SciPy's squared distance."""
    before, now = np.array([10, 0, 10]), np.array([5, 5, 10])
    p, q = before / 20, now / 20
    middle = (p + q) / 2
    expected = (stats.entropy(p, middle) + stats.entropy(q, middle)) / 2
    assert jensen_shannon(before, now) == pytest.approx(expected)


def test_benjamini_and_hochberg_by_hand() -> None:
    """.03 passes .05 * 3 / 4 although .02 fails nothing before it; with none found the level is the least one."""
    assert false_discovery_level([0.5, 0.01, 0.03, 0.02], 0.05) == pytest.approx(0.0375)
    assert false_discovery_level([0.5, 0.6], 0.05) == 0.025
    assert false_discovery_level([], 0.05) == 0.05


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_discoveries_are_those_that_scipy_adjusts_below_the_rate(p_values: list[float]) -> None:
    """Exactly the tests at or below the level."""
    level = false_discovery_level(p_values, 0.05)
    adjusted = stats.false_discovery_control(p_values)
    clear = [(p, a) for p, a in zip(p_values, adjusted, strict=True) if abs(a - 0.05) > 1e-12]
    assert [p <= level for p, _ in clear] == [a <= 0.05 for _, a in clear]
