"""The loss told before labels come: near the truth where the predictions alone have moved, and marked as an estimate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from perennial.core.receipts import Signal, SignalState
from perennial.monitoring.loss.curve import Curve, curve
from perennial.monitoring.loss.decay import Evaluated
from perennial.monitoring.loss.estimated import Estimated, estimate_signal, estimated_class
from perennial.monitoring.psi import Floats

NIGHTS, ROWS = 30, 300


def drawn(seed: int, rows: int, mean: float) -> tuple[Floats, Floats]:
    """Return probabilities that are too timid, and the classes: the true chance is the square of the probability."""
    rng = np.random.default_rng(seed)
    told = rng.beta(4 * mean, 4 * (1 - mean), rows)
    return told, (rng.random(rows) < told**2).astype(np.float64)


@pytest.fixture(scope="module")
def calibrated() -> Curve:
    """What is learnt of them on a holdout of 30 nights."""
    told, classes = drawn(1, NIGHTS * ROWS, 0.4)
    found = curve(told, classes, np.repeat(np.arange(NIGHTS), ROWS))
    assert found is not None
    return found


@pytest.mark.parametrize("mean", [0.2, 0.4, 0.6])
def test_the_loss_of_probabilities_that_have_moved_is_foretold(calibrated: Curve, mean: float) -> None:
    """Of 20 000 rows with other probabilities than the holdout's: log-loss, Brier score and area as scikit-learn computes them."""
    told, classes = drawn(2, 20_000, mean)
    logarithmic, squared = (estimated_class(calibrated, told, loss=loss) for loss in ("log", "squared"))
    assert logarithmic.value == pytest.approx(log_loss(classes, told), rel=0.06)
    assert squared.value == pytest.approx(float(np.mean((classes - told) ** 2)), rel=0.06)
    assert squared.area == pytest.approx(roc_auc_score(classes, told), abs=0.02)


def test_probabilities_that_are_right_lose_what_they_say() -> None:
    """A calibration that changes nothing: the mean of p (1 - p) twice for the Brier score, and the entropy for the log-loss."""
    knots = np.linspace(0, 1, 11)
    rows = np.full((4, 11), 10)
    right = Curve(knots=tuple(knots), rows=tuple(map(tuple, rows.tolist())), sums=tuple([tuple(10 * knots)] * 4))
    told = np.array([0.25, 0.5, 0.9])
    squared = estimated_class(right, told, loss="squared")
    assert squared.value == pytest.approx(float(np.mean(told * (1 - told))))
    entropy = -told * np.log(told) - (1 - told) * np.log(1 - told)
    assert estimated_class(right, told, loss="log").value == pytest.approx(float(np.mean(entropy)))
    chance = np.mean(told * (1 - told) * (1 - 2 * told) ** 2) / 3
    assert squared.error == pytest.approx(math.sqrt(float(chance)))


def test_the_interval_holds_what_comes_true(calibrated: Curve) -> None:
    """In at least 90 of 100 nights of 300 rows, and it is no wider than need be: not in every one."""
    inside = []
    for seed in range(120):
        told, classes = drawn(1000 + seed, ROWS, 0.5)
        low, high = estimated_class(calibrated, told, loss="squared").interval
        inside.append(low <= float(np.mean((classes - told) ** 2)) <= high)
    assert 0.9 <= np.mean(inside) < 1


def test_rows_that_hang_together_make_it_less_sure(calibrated: Curve) -> None:
    """By the design effect: what chance adds counts ten times."""
    told, _ = drawn(4, 50, 0.4)
    alone, together = (estimated_class(calibrated, told, loss="squared", weight=weight).error for weight in (1.0, 0.1))
    assert 2 < together / alone <= math.sqrt(10)


def signal(found: Estimated | None, rows: int = 720, alpha: float = 1e-3) -> Signal:
    """Return what is said beside an evaluated loss of 0.1, of which a tenth more is tolerated."""
    return estimate_signal(
        found, evaluated=Evaluated(loss=0.1), tolerance=0.1, alpha=alpha, rows=rows, minimum_rows=20, loss_name="Brier score"
    )


def test_an_estimate_says_that_it_is_one() -> None:
    """With its interval, beside what is tolerated."""
    assert signal(Estimated(value=0.2, error=0.01, area=0.75)) == Signal(
        name="estimated loss",
        kind="estimate",
        state=SignalState.ALARM,
        value=0.2,
        threshold=0.1 * 1.1,
        n=720,
        sentence="an estimate from 720 predictions without labels: Brier score 0.2 (0.18 to 0.22), 0.11 tolerated,"
        " area under the ROC curve 0.75",
    )


@pytest.mark.parametrize(("sigmas", "state"), [(3.0, SignalState.QUIET), (3.2, SignalState.ALARM)])
def test_an_alarm_needs_to_be_as_sure_as_the_budget_asks(sigmas: float, state: SignalState) -> None:
    """One in a thousand is 3.09 standard errors."""
    assert signal(Estimated(value=0.11 + sigmas * 0.01, error=0.01)).state is state


@pytest.mark.parametrize(
    ("found", "rows", "sentence"),
    [
        (None, 720, "too few nights of the holdout to estimate a loss from"),
        (Estimated(value=9.0, error=0.1), 19, "19 predictions are too few to estimate their loss, 20 are needed"),
    ],
)
def test_without_enough_there_is_no_estimate(found: Estimated | None, rows: int, sentence: str) -> None:
    """It is neither well nor ill."""
    said = signal(found, rows)
    assert (said.state, said.value, said.sentence) == (SignalState.INSUFFICIENT, None, sentence)
