"""How losses vary, learnt from nights without decay."""

from __future__ import annotations

import numpy as np
import pytest

from perennial.monitoring.loss.variation import Variation, variation
from perennial.monitoring.psi import Floats


def learnt(losses: Floats) -> Variation | None:
    """Return what is learnt from losses of shape (nights, rows)."""
    return variation(np.full(len(losses), losses.shape[1]), losses.mean(axis=1), (losses**2).mean(axis=1))


def drawn(seed: int, nights: int, rows: int, alike: float) -> Floats:
    """Return losses of mean 10 and variance 4, of which the rows of a night share a part."""
    rng = np.random.default_rng(seed)
    of_night, own = rng.normal(size=(nights, 1)), rng.normal(size=(nights, rows))
    losses: Floats = 10 + 2 * (np.sqrt(alike) * of_night + np.sqrt(1 - alike) * own)
    return losses


def test_the_spread_is_the_variance_over_the_squared_mean() -> None:
    """Whatever the nights."""
    found = learnt(np.array([[1.0, 3.0], [2.0, 2.0], [0.0, 4.0], [5.0, 7.0]]))
    assert found is not None
    assert found.spread == pytest.approx(np.var([1, 3, 2, 2, 0, 4, 5, 7]) / 9)


@pytest.mark.parametrize("alike", [0.0, 0.05, 0.5])
def test_what_is_said_of_how_alike_rows_are_is_above_the_truth_three_times_of_four(alike: float) -> None:
    """In two hundred holdouts of 20 nights, of 50 rows each."""
    found = [learnt(drawn(seed, 20, 50, alike)) for seed in range(200)]
    above = np.mean([one is not None and one.alike >= alike for one in found])
    assert above >= 0.75 - 3 * np.sqrt(0.75 * 0.25 / 200)


def test_many_nights_make_it_sure() -> None:
    """Of 500 nights it is within a few thousandths."""
    found = learnt(drawn(1, 500, 50, 0.05))
    assert found is not None
    assert found.alike == pytest.approx(0.05, abs=0.01)


def test_a_night_weighs_what_its_design_effect_leaves() -> None:
    """All of 100 rows, 100 / (1 + 99 / 10) of them, one."""
    rows = np.array([100.0])
    weights = [float(Variation(nights=9, spread=1.0, alike=alike).weight(rows)[0]) for alike in (0.0, 0.1, 1.0)]
    assert weights == pytest.approx([1.0, 1 / 10.9, 0.01])


@pytest.mark.parametrize("losses", [np.ones((3, 9)), np.zeros((9, 9)), np.ones((0, 1))])
def test_nothing_is_learnt_from_too_little(losses: Floats) -> None:
    """Three nights, or no loss at all."""
    assert variation(np.full(len(losses), losses.shape[1]), losses.sum(axis=1), losses.sum(axis=1)) is None


def test_nights_of_one_row_say_nothing_of_rows() -> None:
    """A night is the unit then."""
    found = learnt(np.array([[1.0], [3.0], [2.0], [4.0], [1.0]]))
    assert found is not None
    assert found.alike == 1.0
