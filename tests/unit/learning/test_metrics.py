"""Figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as reference

from perennial.core.errors import DefinitionError
from perennial.learning.metrics import as_loss, greater_is_better, loss, metric, row_loss

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
    ],
)
def test_what_is_undefined_is_nan(name: str, actual: list[float], predicted: list[float]) -> None:
    """And neither a warning nor a wrong figure."""
    assert math.isnan(metric(name, actual, predicted))


@pytest.mark.parametrize("name", ["mae", "log_loss", "brier", "accuracy"])
def test_the_mean_of_row_losses_is_the_loss(name: str) -> None:
    """Where the figure is a mean."""
    actual, predicted = (FIGURES, GUESSES) if name == "mae" else (CLASSES, CHANCES)
    assert row_loss(name, actual, predicted).mean() == pytest.approx(loss(name, actual, predicted))


def test_the_row_loss_of_rmse_is_squared() -> None:
    """Its mean's root is the figure."""
    assert math.sqrt(row_loss("rmse", FIGURES, GUESSES).mean()) == pytest.approx(metric("rmse", FIGURES, GUESSES))


@pytest.mark.parametrize("name", ["r2", "bias", "roc_auc"])
def test_a_figure_that_is_no_mean_of_losses_has_none(name: str) -> None:
    """Nobody sums what has no sum."""
    with pytest.raises(DefinitionError) as caught:
        row_loss(name, [1.0], [1.0])
    assert str(caught.value) == f"metric: has no loss per row, got {name} [DEFINITION_RANGE]"


def test_a_loss_is_lower_where_a_model_is_better() -> None:
    """Figures of which more is better are turned, and a bias counts by its size."""
    assert [
        name for name in ("mae", "rmse", "r2", "bias", "log_loss", "brier", "roc_auc", "accuracy") if greater_is_better(name)
    ] == [
        "r2",
        "roc_auc",
        "accuracy",
    ]
    assert as_loss("accuracy", np.array([0.75])).tolist() == [0.25]
    assert as_loss("bias", np.array([-2.0])).tolist() == [2.0]
    assert as_loss("mae", np.array([2.0])).tolist() == [2.0]


def test_an_unknown_figure_is_refused() -> None:
    """With the ones that exist."""
    with pytest.raises(DefinitionError) as caught:
        metric("mape", [1.0], [1.0])
    assert str(caught.value) == (
        "metric: must be one of accuracy, bias, brier, log_loss, mae, r2, rmse, roc_auc, got mape [DEFINITION_RANGE]"
    )
