"""Fitted models to predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from perennial.core.errors import DataError, DefinitionError
from perennial.learning.predict import predict

FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0]})


class Says(DummyRegressor):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts what it was told to."""

    def __init__(self, said: Any = None) -> None:
        """Keep what to say."""
        self.said = said

    def predict(self, X: pd.DataFrame) -> Any:  # noqa: ARG002, N803 - scikit-learn's name
        """Return it."""
        return self.said


def test_a_regression_gives_float64_of_one_figure_a_row() -> None:
    """Whole numbers and columns become floats in a row."""
    found = predict(Says([[1], [2], [3]]), FRAME, task="regression")
    assert (found.tolist(), str(found.dtype), found.shape) == ([1.0, 2.0, 3.0], "float64", (3,))


def test_a_class_gives_the_probability_of_1() -> None:
    """Not of 0, and not the class."""
    model = DummyClassifier(strategy="prior").fit(FRAME, [0, 0, 1])
    assert predict(model, FRAME, task="binary") == pytest.approx([1 / 3] * 3)


def test_no_rows_give_no_predictions() -> None:
    """The model is not even asked."""
    found = predict(Says(), FRAME.iloc[:0], task="regression")
    assert (found.shape, str(found.dtype)) == ((0,), "float64")


def test_a_prediction_that_is_not_finite_is_refused() -> None:
    """It must not reach the database."""
    with pytest.raises(DataError) as caught:
        predict(Says([1.0, np.nan, np.inf]), FRAME, task="regression")
    assert str(caught.value) == "Says: must predict finite figures, got 2 of 3 that are not [PREDICTION_NONFINITE]"


def test_a_wrong_number_of_predictions_is_refused() -> None:
    """One figure a row, or none is trusted."""
    with pytest.raises(DefinitionError) as caught:
        predict(Says([1.0, 2.0]), FRAME, task="regression")
    assert str(caught.value) == "Says: must predict one figure a row, got shape (2,) for 3 rows [DEFINITION_ESTIMATOR]"
