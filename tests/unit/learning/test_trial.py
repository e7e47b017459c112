"""What a model may meet at night is tried before it is trusted."""

from __future__ import annotations

import time
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from perennial.learning.codec import LoadedModel
from perennial.learning.estimators import hist_gradient_boosting_regressor, ridge_regressor
from perennial.learning.features import Columns, feature_frame
from perennial.learning.trial import refusals, seconds_for

PLAIN = Columns(numeric=("temperature",), categorical=(), time=(), event_at="event_at", timezone="UTC")
Labels = npt.NDArray[np.float64]


class OneAtATime(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts several rows, and fails at one."""

    def fit(self, X: pd.DataFrame, y: Labels) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Learn nothing."""
        return self

    def predict(self, X: pd.DataFrame) -> Labels:  # noqa: N803 - scikit-learn's name
        """Fail where there is one row."""
        if len(X) == 1:
            raise IndexError
        return np.zeros(len(X))


class Waiting(OneAtATime):
    """Waits as a process does on a busy machine, without working."""

    def predict(self, X: pd.DataFrame) -> Labels:  # noqa: N803 - scikit-learn's name
        """Wait, and predict nothing."""
        time.sleep(0.3)
        return np.zeros(len(X))


def loaded(model: BaseEstimator, rows: pa.Table, columns: Columns, target: Labels) -> LoadedModel:
    """Return *model*, fitted."""
    return LoadedModel(model.fit(feature_frame(rows, columns), target), columns, "regression")


@pytest.mark.parametrize("build", [hist_gradient_boosting_regressor, ridge_regressor])
def test_our_estimators_take_whatever_comes(build: object, rows: pa.Table, columns: Columns, target: Labels) -> None:
    """One row, none, a new category, and no value at all."""
    model = loaded(build(columns=columns, seed=0), rows, columns, target)  # type: ignore[operator]  # either function
    assert refusals(model, rows.slice(5, 1), missing=columns.numeric) == ([], True)


def test_a_new_category_is_asked_for(rows: pa.Table, target: Labels) -> None:
    """An encoder that refuses what it has not seen fails some night."""
    known = Columns(numeric=("temperature",), categorical=("wet",), time=(), event_at="event_at", timezone="UTC")
    encoder = ColumnTransformer([("wet", OneHotEncoder(), ["wet"])], remainder="passthrough")
    model = loaded(Pipeline([("encoder", encoder), ("model", LinearRegression())]), rows, known, target)
    [found], takes_missing = refusals(model, rows.slice(5, 1), missing=())
    assert found.startswith("cannot predict a category that is new (cannot predict: ValueError at _encoders.py:")
    assert found.endswith(" [DEFINITION_ESTIMATOR])")
    assert not takes_missing


def test_a_missing_value_is_asked_for_where_there_are_some(rows: pa.Table, target: Labels) -> None:
    """An estimator that refuses missing values does no harm as long as there are none."""
    model = loaded(LinearRegression(), rows, PLAIN, target)
    assert refusals(model, rows.slice(0, 1), missing=()) == ([], False)
    [found], _ = refusals(model, rows.slice(0, 1), missing=("temperature",))
    assert found.startswith("cannot predict a missing value in a column that has some (cannot predict: ValueError at ")


def test_one_row_is_asked_for(rows: pa.Table, target: Labels) -> None:
    """A night may have one."""
    found, _ = refusals(loaded(OneAtATime(), rows, PLAIN, target), rows.slice(0, 1), missing=())
    assert found[0].startswith("cannot predict one row (cannot predict: IndexError at test_trial.py:")


def test_a_prediction_is_timed(rows: pa.Table, columns: Columns, target: Labels) -> None:
    """More rows take longer, but not nothing."""
    model = loaded(ridge_regressor(columns=columns, seed=0), rows, columns, target)
    many = rows.take(np.arange(60_000) % rows.num_rows)
    assert 0 < seconds_for(model, rows.slice(0, 1)) < seconds_for(model, many) < 10


def test_what_a_busy_machine_lets_a_model_wait_for_is_not_its_own_time(rows: pa.Table, target: Labels) -> None:
    """Or a good one would be refused by a budget whenever something else runs."""
    assert 0 < seconds_for(loaded(Waiting(), rows, PLAIN, target), rows) < 0.15
