"""Nights that differ for innocent reasons: what is learnt of them, and that the budget holds far out in the tail."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from perennial.monitoring.psi import Counts, Floats, sampling_scale
from perennial.monitoring.shift.night_null import night_null
from perennial.monitoring.shift.nights_differ import nights_differ

BINS, ROWS = 32, 720
CUTS = special.ndtri(np.arange(1, BINS) / BINS)
RARE = 0.5 / 365.25 / 30
"""What one of thirty columns may alarm with a night, where half a false alarm a year is for all of them."""

SPREAD = np.linspace(-9, 9, 181)
WEIGHT = stats.norm.pdf(SPREAD) / stats.norm.pdf(SPREAD).sum()


def shares(moved: Floats) -> Floats:
    """Return the share of each bin where the mean of a normal column is *moved*, shape (..., bins)."""
    return np.diff(special.ndtr(CUTS - moved[..., None]), axis=-1, prepend=0, append=1)


def learned(rng: np.random.Generator, nights: int | tuple[int, int], deviation: float) -> Counts:
    """Return the counts of nights whose means differ by a normal distribution, shape (..., nights, bins)."""
    return rng.multinomial(ROWS, shares(deviation * rng.normal(size=nights)))


def chances(thresholds: Floats, nights: int, deviation: float) -> Floats:
    """Return how often a new night without drift lies at each of *thresholds* or above, over all that its mean may be."""
    moved = shares(deviation * SPREAD)
    usual = WEIGHT @ moved
    away = ((moved - usual) * np.log(np.maximum(moved, 1 / (4 * ROWS)) / usual)).sum(axis=1)
    scale = sampling_scale(ROWS, ROWS * nights)
    found: Floats = WEIGHT @ stats.ncx2.sf(thresholds / scale, BINS - 1, away[:, None] / scale)
    return found


@pytest.mark.parametrize(("deviation", "nights"), [(0.1, 30), (0.1, 60), (0.3, 30), (0.3, 120)])
@pytest.mark.parametrize("shift", [0.0, 0.2])
def test_nights_that_differ_in_their_mean_stay_inside_the_budget_of_a_model(deviation: float, nights: int, shift: float) -> None:
    """At a chance of 1 in 22 000 a column, in the mean of 150 references: what one of thirty columns may spend."""
    rng, night = np.random.default_rng([nights, int(10 * deviation)]), np.full(BINS, ROWS // BINS)
    references = learned(rng, (150, nights), deviation)
    allowed = night_null(references.sum(axis=1), night, references, shift).threshold(RARE)
    assert np.mean(chances(allowed, nights, deviation)) <= 1.5 * RARE


def test_nights_that_do_not_differ_leave_a_shift_to_be_found() -> None:
    """Half a standard deviation is found on 95 % of nights, in the mean of 40 references of 30 nights."""
    rng, moved = np.random.default_rng(2), shares(np.array(0.5))
    scale, away = sampling_scale(ROWS, 30 * ROWS), float(((moved - 1 / BINS) * np.log(moved * BINS)).sum())
    references = learned(rng, (40, 30), 0.0)
    allowed = night_null(references.sum(axis=1), np.full(BINS, ROWS // BINS), references, 0.2).threshold(RARE)
    assert np.mean(stats.ncx2.sf(allowed / scale, BINS - 1, away / scale)) >= 0.95


def test_a_column_that_goes_missing_stands_out_where_nights_differ() -> None:
    """Nine tenths of it, where the means of nights differ by 0.3 standard deviations."""
    rng = np.random.default_rng(3)
    reference = np.pad(learned(rng, 60, 0.3), ((0, 0), (0, 1)))
    night = np.append(rng.multinomial(72, shares(np.array(0.0))), 648)
    null = night_null(reference.sum(axis=0), night, reference, 0.2)
    before, now = ((counts + 0.5) / (counts + 0.5).sum() for counts in (reference.sum(axis=0), night))
    assert null.p_value(float(((now - before) * np.log(now / before)).sum())) < RARE


def test_few_nights_show_nothing() -> None:
    """Six of them, or a column that is always the same."""
    rng = np.random.default_rng(4)
    few = nights_differ(learned(rng, 6, 0.3), np.zeros(6, np.int64), BINS - 1)
    constant = nights_differ(np.full((30, 1), 100), np.zeros(30, np.int64), 0)
    assert [(float(found.excess), float(found.degrees)) for found in (few, constant)] == [(0.0, 0.0)] * 2


def test_heavy_tails_are_learnt_from_the_nights() -> None:
    """Means that differ by a normal distribution, and the same with one night in thirty far away."""
    even, rng = special.ndtri((np.arange(60) + 0.5) / 60), np.random.default_rng(5)
    far = np.where(np.arange(60) % 30 == 0, 6.0, 0.5 * even)
    normal, heavy = (
        nights_differ(rng.multinomial(ROWS, shares(0.3 * means)), np.zeros(60, np.int64), BINS - 1) for means in (even, far)
    )
    assert heavy.degrees < 6
    assert 9 < normal.degrees <= 59
    assert normal.excess == pytest.approx(0.09, rel=0.25)
