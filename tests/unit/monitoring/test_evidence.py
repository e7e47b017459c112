"""The e-detector on rows: exact where losses are 0 or 1, never above what any rows can show, and quick where it may be."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from perennial.monitoring.loss.evidence import Nights, evidence_by_night, row_growth
from perennial.monitoring.loss.variation import Variation
from perennial.monitoring.psi import Floats

ALPHA = 0.05
ROWS = 20_000
TOLERATED = 0.12
INDEPENDENT = Variation(nights=30, spread=(1 - TOLERATED) / TOLERATED, alike=0.0)
BETS: Floats = np.array([0.05, 0.4, 0.9])


def errors(shares: Floats, rows: int) -> Nights:
    """Return the nights of so many rows with these shares of errors, over a tolerated share of 12 %."""
    means = shares / TOLERATED
    return Nights(rows=np.full(shares.shape, float(rows)), means=means, squares=means / TOLERATED)


def of_rows(rows: Floats) -> Nights:
    """Return one night of these losses."""
    return Nights(rows=np.array([float(rows.size)]), means=np.array([rows.mean()]), squares=np.array([(rows**2).mean()]))


def judged(rows: int, shares: Floats, variation: Variation = INDEPENDENT) -> npt.NDArray[np.bool_]:
    """Return which nights raise an alarm, with a chance of 5 % for 20 000 rows of looking every night."""
    threshold = ROWS / rows / ALPHA
    return evidence_by_night(errors(shares, rows), threshold=threshold, variation=variation) >= threshold


@pytest.mark.parametrize("rows", [25, 100, 400])
def test_a_rise_from_12_to_17_percent_of_errors_is_found_within_800_rows(rows: int) -> None:
    """In the median, where a false alarm within 20 000 rows has a chance of 5 %."""
    rng = np.random.default_rng(11)
    before = rng.binomial(rows, 0.12, (1000, 4000 // rows)) / rows
    after = rng.binomial(rows, 0.17, (1000, 2000 // rows)) / rows
    alarms = judged(rows, np.concatenate([before, after], axis=1))[:, before.shape[1] :]
    delays = np.where(alarms.any(axis=1), (alarms.argmax(axis=1) + 1) * rows, math.inf)
    assert np.median(delays) <= 800


@pytest.mark.parametrize("rows", [25, 100, 400])
def test_false_alarms_keep_to_the_budget_over_20_000_rows(rows: int) -> None:
    """At exactly what is tolerated, looked at every night."""
    shares = np.random.default_rng(12).binomial(rows, TOLERATED, (1000, ROWS // rows)) / rows
    assert judged(rows, shares).any(axis=1).sum() <= stats.binom.ppf(0.999, 1000, ALPHA)


@pytest.mark.parametrize("rows", [100, 400])
def test_false_alarms_keep_to_the_budget_where_the_rows_of_a_night_are_alike(rows: int) -> None:
    """Each night has an error rate of its own, with a correlation of 2 % between its rows, which is known."""
    rng, alike = np.random.default_rng(13), 0.02
    known = Variation(nights=30, spread=INDEPENDENT.spread, alike=alike)
    rates = rng.beta(TOLERATED * (1 - alike) / alike, (1 - TOLERATED) * (1 - alike) / alike, (1000, ROWS // rows))
    shares = rng.binomial(rows, rates) / rows
    assert judged(rows, shares, known).any(axis=1).sum() <= stats.binom.ppf(0.999, 1000, ALPHA)
    assert judged(rows, shares).any(axis=1).mean() > 2 * ALPHA


def test_rows_that_say_the_same_count_as_one() -> None:
    """Ten copies of each of 40 rows are worth what the 40 are."""
    rng = np.random.default_rng(14)
    losses = rng.exponential(1.0, 40)
    once, copied = row_growth(of_rows(losses), BETS), row_growth(of_rows(np.repeat(losses, 10)), BETS)
    tenfold = Variation(nights=30, spread=1.0, alike=(10 - 1) / (400 - 1))
    assert copied * tenfold.weight(np.array([400.0]))[:, None] == pytest.approx(once)


@given(errors=st.integers(0, 30), right=st.integers(0, 30))
def test_the_bet_on_errors_is_the_capital_of_the_gambler(errors: int, right: int) -> None:
    """Where a loss is 0 or 1, the bound is the product over the rows: the capital process of Waudby-Smith and Ramdas."""
    if errors + right == 0:
        return
    rows = np.array([1.0] * errors + [0.0] * right) / TOLERATED
    capital = [float(np.sum(np.log1p(bet * (rows - 1)))) for bet in BETS]
    assert row_growth(of_rows(rows), BETS)[0] == pytest.approx(capital)


def test_a_mixture_of_such_bets_is_the_published_beta_binomial_one() -> None:
    """135 errors of 625 against 20 %, bets by a beta prior above 20 %: -0.07134019 as in the unit tests of the package confseq.

    Their ``BetaBinomialMixture(100, 0.05, 0.2, 0.8, true)`` at s = 10, v = 100, from a reference implementation in R.
    """
    tolerated, rows, wrong = 0.2, 625, 135
    doubt = 2 * math.log(1 / 0.1)
    size = 100 / (doubt + math.log(1 + doubt)) - tolerated * (1 - tolerated)
    prior = stats.beta(size / (1 - tolerated), size / tolerated)

    def weighed(rate: float) -> float:
        bets = np.array([(rate - tolerated) / (1 - tolerated)])
        share = wrong / rows / tolerated
        night = Nights(rows=np.array([float(rows)]), means=np.array([share]), squares=np.array([share / tolerated]))
        return math.exp(row_growth(night, bets)[0, 0]) * float(prior.pdf(rate))

    whole, _ = integrate.quad(weighed, tolerated, 1, points=[0.25, 0.3, 0.4])
    assert math.log(whole / prior.sf(tolerated)) == pytest.approx(-0.07134019, abs=1e-8)


@given(st.lists(st.floats(0, 50), min_size=1, max_size=40))
def test_the_bet_on_rows_is_never_more_than_the_rows_show(losses: list[float]) -> None:
    """Whatever they are: otherwise the evidence would be more than a fair bet could win."""
    rows = np.array(losses)
    exact = np.array([float(np.sum(np.log1p(bet * (rows - 1)))) for bet in BETS])
    assert (row_growth(of_rows(rows), BETS)[0] <= exact + 1e-9 * rows.size).all()


def test_little_is_lost_by_knowing_only_mean_and_square() -> None:
    """Of a normal model's absolute errors, with the bets for rises by 5 and 35 %: a fiftieth, and less than a third."""
    rows = 1.3 * np.abs(np.random.default_rng(15).normal(size=4000)) / math.sqrt(2 / math.pi)
    spread = math.pi / 2 - 1
    bets = np.array([0.05 / (spread + 0.05), 0.35 / (spread + 0.35)])
    exact = np.array([float(np.sum(np.log1p(bet * (rows - 1)))) for bet in bets])
    kept = row_growth(of_rows(rows), bets)[0] / exact
    assert (kept > (0.98, 0.67)).all()


@pytest.mark.parametrize("bad", [4.0, 8.0, 1e300, math.inf])
def test_no_single_night_raises_an_alarm_however_many_rows_it_has(bad: float) -> None:
    """After sixty good ones, nor where good ones follow."""
    means = np.array([0.9] * 60 + [bad] + [0.9] * 10)
    with np.errstate(over="ignore"):
        nights = Nights(rows=np.full(71, 400.0), means=means, squares=1.5 * means**2)
    found = evidence_by_night(nights, threshold=365.0, variation=Variation(nights=30, spread=0.5, alike=0.0))
    assert found.max() < 365.0
    assert np.isfinite(found).all()


def test_two_bad_nights_of_many_rows_do() -> None:
    """The evidence of rows grows with their number."""
    means = np.array([0.9] * 60 + [2.0, 2.0])
    nights = Nights(rows=np.full(62, 400.0), means=means, squares=1.5 * means**2)
    known = Variation(nights=30, spread=0.5, alike=0.01)
    found = evidence_by_night(nights, threshold=365.0, variation=known)
    assert found[-1] >= 365.0
    assert evidence_by_night(nights, threshold=365.0)[-1] < 100


def test_nights_whose_square_is_not_known_count_as_one_row() -> None:
    """The same bets on the mean of the night alone."""
    means = np.array([1.3])
    unknown = Nights(rows=np.array([400.0]), means=means, squares=np.array([math.nan]))
    alone = Nights(rows=np.array([1.0]), means=means, squares=means**2)
    known = Variation(nights=30, spread=0.5, alike=0.0)
    assert evidence_by_night(unknown, threshold=365.0, variation=known) == pytest.approx(
        evidence_by_night(alone, threshold=365.0, variation=known)
    )
