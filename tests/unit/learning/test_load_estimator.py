"""Import paths to estimators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from perennial.core.errors import DefinitionError
from perennial.learning.features import Columns
from perennial.learning.fit import fit
from perennial.learning.load_estimator import load_estimator
from perennial.learning.predict import predict

MODULE = """
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NUMBER = 3

def plain():
    return HistGradientBoostingRegressor(categorical_features="from_dtype", max_iter=20)

def sized(*, trees):
    return make_pipeline(StandardScaler(), RandomForestRegressor(trees))

def told(columns, seed, **more):
    return Ridge(alpha=len(columns.features), random_state=seed + 1, **more)

def swallows(**more):
    assert not more
    return Ridge()

def classifier():
    return make_pipeline(StandardScaler(), LogisticRegression())

def nothing():
    return None

def a_class():
    return Ridge

def breaks():
    raise RuntimeError("no licence")
"""


@pytest.fixture(autouse=True)
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of a user's own, and one that cannot be imported."""
    (tmp_path / "own_estimators.py").write_text(MODULE)
    (tmp_path / "broken_estimators.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)


def _load(path: str, columns: Columns, task: str | None = None, **parameters: Any) -> BaseEstimator:
    return load_estimator(path, columns=columns, seed=5, parameters=parameters, task=task)


def test_a_function_that_takes_nothing_works_on_the_frames_types_alone(
    frame: pd.DataFrame, target: np.ndarray[tuple[int], np.dtype[np.float64]], columns: Columns
) -> None:
    """An estimator that goes by the frame's types sees the categories as such."""
    model = fit(frame, target, path="own_estimators:plain", task="regression", columns=columns, seed=5, parameters={}, search=None)
    assert model.is_categorical_.tolist() == [False, True, True, False, False, False]
    assert predict(model, frame, task="regression").shape == target.shape


def test_columns_and_seed_are_passed_where_the_function_names_them(columns: Columns) -> None:
    """Ridge gets its alpha from the columns and its seed from the seed."""
    found = _load("own_estimators:told", columns, fit_intercept=False).get_params()
    assert (found["alpha"], found["random_state"], found["fit_intercept"]) == (6, 6, False)


def test_a_function_that_takes_anything_is_not_given_what_it_did_not_name(columns: Columns) -> None:
    """``**parameters`` alone asks for neither columns nor seed."""
    assert type(_load("own_estimators:swallows", columns)).__name__ == "Ridge"


def test_every_random_state_that_is_left_open_gets_the_seed(columns: Columns) -> None:
    """Otherwise the fit could not be repeated."""
    found = _load("own_estimators:sized", columns, trees=3).get_params()
    assert (found["randomforestregressor__n_estimators"], found["randomforestregressor__random_state"]) == (3, 5)


def test_a_class_of_scikit_learn_does_as_a_function(columns: Columns) -> None:
    """A class is called like a function that returns its instance."""
    assert _load("sklearn.linear_model:Lasso", columns, alpha=2.0).get_params()["alpha"] == 2.0


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("plain", {}, "must be package.module:function"),
        ("not_there:f", {}, "cannot import not_there (ModuleNotFoundError: No module named 'not_there')"),
        (
            "broken_estimators:f",
            {},
            "cannot import broken_estimators (ModuleNotFoundError: No module named 'not_there_at_all')",
        ),
        ("own_estimators:gone", {}, "own_estimators has no function gone"),
        ("own_estimators:NUMBER", {}, "NUMBER must be a function, got int"),
        (
            "own_estimators:sized",
            {"tree": 3},
            "cannot be called with its parameters (TypeError: sized() got an unexpected keyword argument 'tree')",
        ),
        ("own_estimators:breaks", {}, "cannot be called with its parameters (RuntimeError: no licence)"),
        (
            "own_estimators:nothing",
            {},
            "must return a scikit-learn estimator (with fit, predict, get_params, set_params), got NoneType",
        ),
        (
            "own_estimators:a_class",
            {},
            "must return a scikit-learn estimator (with fit, predict, get_params, set_params), got the class Ridge",
        ),
        (
            "sklearn.preprocessing:StandardScaler",
            {},
            "must return a scikit-learn estimator (with fit, predict, get_params, set_params), got StandardScaler",
        ),
    ],
)
def test_what_is_no_estimator_is_refused(path: str, parameters: dict[str, Any], message: str, columns: Columns) -> None:
    """Each fault has its own sentence, at the path."""
    with pytest.raises(DefinitionError) as caught:
        _load(path, columns, **parameters)
    assert str(caught.value) == f"{path}: {message} [DEFINITION_ESTIMATOR]"


def test_a_classifier_is_refused_for_a_regression(columns: Columns) -> None:
    """The last step of a pipeline says what it is."""
    with pytest.raises(DefinitionError) as caught:
        _load("own_estimators:classifier", columns, "regression")
    assert str(caught.value) == (
        "own_estimators:classifier: must return a regressor for the task regression, got the classifier LogisticRegression "
        "[DEFINITION_ESTIMATOR]"
    )


def test_a_regressor_is_refused_for_a_class(columns: Columns) -> None:
    """A class needs probabilities."""
    with pytest.raises(DefinitionError) as caught:
        _load("own_estimators:plain", columns, "binary")
    assert str(caught.value) == (
        "own_estimators:plain: must return a classifier for the task binary, got the regressor HistGradientBoostingRegressor "
        "[DEFINITION_ESTIMATOR]"
    )
