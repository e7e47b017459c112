"""What came true on the holdout by the size of the prediction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.monitoring.loss.curve import Curve, curve, rising
from perennial.monitoring.psi import Counts, Floats


def holdout(seed: int, nights: int = 20, rows: int = 100) -> tuple[Floats, Floats, Counts]:
    """Return probabilities, classes that come true as often as they say, and nights."""
    rng = np.random.default_rng(seed)
    chances = rng.beta(1, 4, nights * rows)
    return chances, (rng.random(chances.size) < chances).astype(np.float64), np.repeat(np.arange(nights), rows)


def learnt(seed: int) -> Curve:
    """Return the curve of a holdout."""
    found = curve(*holdout(seed))
    assert found is not None
    return found


def test_the_bins_hold_every_row_once() -> None:
    """By night and over all."""
    found = learnt(1)
    assert np.array(found.rows).sum() == 2000
    assert np.array(found.sums).sum() == holdout(1)[1].sum()
    assert np.array(found.rows).sum(axis=1).tolist() == [100] * 20
    assert (np.diff(found.knots) > 0).all()


def test_shares_times_a_curve_are_the_sum_over_the_curve() -> None:
    """Interpolated between the knots, and level beyond them."""
    found = learnt(2)
    rng = np.random.default_rng(3)
    predictions, values, heights = rng.random(50), rng.normal(size=50), rng.normal(size=len(found.knots))
    expected = float(values @ np.interp(predictions, found.knots, heights))
    assert float(found.shares(predictions, values) @ heights) == pytest.approx(expected)


def test_the_draws_vary_as_other_holdouts_would() -> None:
    """The standard deviation over draws, beside that over three hundred holdouts, of the mean over all bins."""
    drawn = learnt(4).draws()[1:].mean(axis=1).std()
    others = np.std([learnt(seed).draws()[0].mean() for seed in range(100, 400)])
    assert drawn == pytest.approx(others, rel=0.35)


def test_long_holdouts_are_kept_in_forty_blocks() -> None:
    """Of successive nights; the record stays small."""
    predictions, classes, nights = holdout(5, nights=90, rows=20)
    found = curve(predictions, classes, nights)
    assert found is not None
    assert (found.blocks, len(found.model_dump_json()) < 20_000) == (40, True)


def test_three_nights_are_too_few() -> None:
    """Nobody could say how sure the curve is."""
    assert curve(*holdout(6, nights=3)) is None


def test_equal_predictions_are_one_bin() -> None:
    """A model that predicts the same for all has a curve of one point."""
    _, classes, nights = holdout(8)
    found = curve(np.full(classes.size, 0.2), classes, nights)
    assert found is not None
    assert found.shares(np.array([0.1, 0.9]), np.array([1.0, 2.0])).tolist() == [3.0]


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 9)), min_size=1, max_size=12))
def test_the_isotonic_fit_rises_and_is_nearest(bins: list[tuple[float, int]]) -> None:
    """It keeps the weighted mean, and no pooling of neighbours is nearer: both hold of the least squares among rising curves."""
    means, weights = np.array([mean for mean, _ in bins]), np.array([float(weight) for _, weight in bins])
    fitted = rising(means, weights)
    assert (np.diff(fitted) >= -1e-12).all()
    assert float(weights @ fitted) == pytest.approx(float(weights @ means))
    assert float(weights @ ((means - fitted) * fitted)) == pytest.approx(0, abs=1e-9)
