"""Figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as reference
from sklearn.linear_model import LogisticRegression

from perennial.core.errors import DefinitionError
from perennial.learning.metrics import as_loss, metric

DRAW = np.random.default_rng(3)
FIGURES = DRAW.normal(100, 20, 300)
GUESSES = FIGURES + DRAW.normal(2, 8, 300)
CLASSES = (DRAW.random(300) < 0.3).astype(np.float64)
CHANCES = np.round(np.clip(0.3 * CLASSES + 0.6 * DRAW.random(300), 0, 1), 2)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mae", 2.0), ("rmse", math.sqrt(5.0)), ("bias", 1.0), ("r2", 1 - 5 / 1.25)],
)
def test_figures_of_a_regression_by_hand(name: str, expected: float) -> None:
    """Errors of 3, -1, 3 and -1 on labels 1 to 4."""
    assert metric(name, [1, 2, 3, 4], [4, 1, 6, 3]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("accuracy", 0.75), ("brier", (0.04 + 0.25 + 0.36 + 0.01) / 4), ("roc_auc", 0.875)],
)
def test_figures_of_a_class_by_hand(name: str, expected: float) -> None:
    """Two rows of each class; a chance of exactly one half is class 1, and a tie counts half."""
    assert metric(name, [1, 1, 0, 0], [0.8, 0.5, 0.6, 0.1]) == pytest.approx(expected if name != "roc_auc" else 0.75)
    assert metric("roc_auc", [1, 1, 0, 0], [0.8, 0.5, 0.5, 0.1]) == 0.875


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("mae", reference.mean_absolute_error),
        ("rmse", reference.root_mean_squared_error),
        ("r2", reference.r2_score),
    ],
)
def test_a_regressions_figures_are_scikit_learns(name: str, theirs: object) -> None:
    """On random data."""
    assert callable(theirs)
    assert metric(name, FIGURES, GUESSES) == pytest.approx(theirs(FIGURES, GUESSES))


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("log_loss", reference.log_loss),
        ("brier", reference.brier_score_loss),
        ("roc_auc", reference.roc_auc_score),
        ("average_precision", reference.average_precision_score),
    ],
)
def test_a_classs_figures_are_scikit_learns(name: str, theirs: object) -> None:
    """On random data with ties."""
    assert callable(theirs)
    chances = np.clip(CHANCES, 0.01, 0.99)
    assert metric(name, CLASSES, chances) == pytest.approx(theirs(CLASSES, chances))


def test_a_certain_and_wrong_chance_has_a_finite_log_loss() -> None:
    """Chances are kept 1e-15 away from 0 and 1."""
    assert metric("log_loss", [1.0], [0.0]) == pytest.approx(-math.log(1e-15))


@pytest.mark.parametrize(
    ("name", "actual", "predicted"),
    [
        ("mae", [], []),
        ("rmse", [1.0, math.nan], [1.0, 1.0]),
        ("mae", [1.0, 1.0], [1.0, math.inf]),
        ("r2", [2.0, 2.0], [1.0, 3.0]),
        ("roc_auc", [1.0, 1.0], [0.1, 0.9]),
        ("average_precision", [1.0, 1.0], [0.1, 0.9]),
        ("average_precision", [0.0, 0.0], [0.1, 0.9]),
    ],
)
def test_what_is_undefined_is_nan(name: str, actual: list[float], predicted: list[float]) -> None:
    """And neither a warning nor a wrong figure."""
    assert math.isnan(metric(name, actual, predicted))


def test_the_loss_of_a_quantile_by_hand() -> None:
    """A label 2 above the prediction costs 0.9 times 2 at the quantile 0.9, one 2 below it 0.1 times 2."""
    assert metric("pinball_0.9", [12.0, 8.0], [10.0, 10.0]) == pytest.approx((1.8 + 0.2) / 2)
    assert metric("pinball_0.5", FIGURES, GUESSES) == pytest.approx(metric("mae", FIGURES, GUESSES) / 2)
    assert metric("pinball_0.9", FIGURES, GUESSES) == pytest.approx(reference.mean_pinball_loss(FIGURES, GUESSES, alpha=0.9))


def test_a_share_of_the_label_is_undefined_where_a_label_is_0() -> None:
    """Elsewhere it is scikit-learn's."""
    assert metric("mape", FIGURES, GUESSES) == pytest.approx(reference.mean_absolute_percentage_error(FIGURES, GUESSES))
    assert math.isnan(metric("mape", [0.0, 1.0], [0.0, 1.0]))


def test_the_calibration_error_by_hand() -> None:
    """Rows of probability 0.12 and 0.18, a half of which are of class 1, lie 0.35 off; those of 0.95, all of class 1, 0.05."""
    assert metric("calibration_error", [1, 0, 1, 1], [0.12, 0.18, 0.95, 0.95]) == pytest.approx((0.35 + 0.05) / 2)
    assert metric("calibration_error", [1, 0], [1.0, 0.0]) == 0.0


def test_the_calibration_slope_is_that_of_a_logistic_regression() -> None:
    """Of probabilities that are twice too extreme it is one half."""
    draw = np.random.default_rng(8)
    true = draw.normal(0, 1.5, 20_000)
    classes = (draw.random(20_000) < 1 / (1 + np.exp(-true))).astype(np.float64)
    extreme = 1 / (1 + np.exp(-2 * true))
    fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(2 * true[:, None], classes)
    assert metric("calibration_slope", classes, extreme) == pytest.approx(fitted.coef_[0, 0], abs=1e-4)
    assert metric("calibration_slope", classes, extreme) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("classes", "chances"),
    [([1, 1, 1], [0.2, 0.5, 0.9]), ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]), ([0, 1, 0, 1], [0.4, 0.4, 0.4, 0.4])],
)
def test_a_calibration_slope_without_a_maximum_is_undefined(classes: list[float], chances: list[float]) -> None:
    """One class, classes that the probabilities separate, and a constant."""
    assert math.isnan(metric("calibration_slope", classes, chances))


def test_a_loss_is_lower_where_a_model_is_better() -> None:
    """Figures of which more is better are turned, and a bias counts by its size."""
    names = ("mae", "rmse", "r2", "log_loss", "brier", "roc_auc", "average_precision", "accuracy", "mape", "pinball_0.9")
    turned = [name for name in names if as_loss(name, np.array([0.25])).tolist() == [0.75]]
    assert turned == ["r2", "roc_auc", "average_precision", "accuracy"]
    assert as_loss("bias", np.array([-2.0])).tolist() == [2.0]
    assert as_loss("calibration_slope", np.array([0.75, 1.25])).tolist() == [0.25, 0.25]
    assert as_loss("mae", np.array([2.0])).tolist() == [2.0]


def test_an_unknown_figure_is_refused() -> None:
    """With the ones that exist."""
    with pytest.raises(DefinitionError) as caught:
        metric("gini", [1.0], [1.0])
    assert str(caught.value) == (
        "metric: must be one of accuracy, average_precision, bias, brier, calibration_error, calibration_slope, log_loss, mae, "
        "mape, pinball_q, r2, rmse, roc_auc, got gini [DEFINITION_RANGE]"
    )
