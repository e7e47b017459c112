"""Training runs."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

from perennial.core.errors import DataError, DefinitionError
from perennial.learning.features import Columns
from perennial.learning.fit import fit
from perennial.learning.predict import predict

BOOSTED = "perennial.learning.estimators:hist_gradient_boosting_regressor"
RIDGE = "perennial.learning.estimators:ridge_regressor"
LOGISTIC = "perennial.learning.estimators:logistic_classifier"
Target = np.ndarray[tuple[int], np.dtype[np.float64]]

FOREST = """
from sklearn.dummy import DummyRegressor
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline

def forest(jobs):
    numbers = make_column_transformer(("passthrough", make_column_selector(dtype_include="number")))
    return make_pipeline(numbers, RandomForestRegressor(30, n_jobs=jobs))

def picky():
    class Picky(DummyRegressor):
        def fit(self, X, y):
            raise ValueError(f"could not convert {X.iloc[0].tolist()}")
    return Picky()

class Witness(DummyRegressor):
    def __init__(self, guess=0.0, seen=None):
        self.guess, self.seen = guess, seen

    def fit(self, X, y):
        self.seen.append(("fit", X["elapsed_days"]))
        return self

    def predict(self, X):
        self.seen.append(("predict", X["elapsed_days"]))
        return [self.guess] * len(X)

def witness(guess=0.0, seen=None):
    return Witness(guess, seen)

class Meeting(DummyRegressor):
    def __init__(self, meet=None, strategy="mean"):
        super().__init__(strategy=strategy)
        self.meet = meet

    def fit(self, X, y):
        if len(X) < 150:  # one of the folds
            self.meet.wait(120)
        return super().fit(X, y)

def meeting(meet=None, strategy="mean"):
    return Meeting(meet, strategy)
"""

BACKEND = """
from joblib import parallel_config, register_parallel_backend
from joblib._parallel_backends import ThreadingBackend
from sklearn.dummy import DummyRegressor

asked = []

class Own(ThreadingBackend):
    def configure(self, n_jobs=1, **others):
        asked.append(n_jobs)
        return super().configure(n_jobs=n_jobs, **others)

register_parallel_backend("own", Own)
chosen = parallel_config(backend="own")

def dummy(strategy="mean"):
    return DummyRegressor(strategy=strategy)
"""


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of a user's own."""
    (tmp_path / "own_forest.py").write_text(FOREST)
    monkeypatch.syspath_prepend(tmp_path)


def _fit(frame: pd.DataFrame, target: Target, columns: Columns, **changed: Any) -> BaseEstimator:
    given: dict[str, Any] = {"path": BOOSTED, "task": "regression", "seed": 3, "parameters": {}, "search": None}
    return fit(frame, target, columns=columns, **{**given, **changed})


@pytest.mark.parametrize("path", [BOOSTED, RIDGE])
def test_the_same_seed_gives_the_same_predictions_to_the_bit(
    path: str, frame: pd.DataFrame, target: Target, columns: Columns
) -> None:
    """Also when the surrounding process uses another number of threads."""
    first = predict(_fit(frame, target, columns, path=path), frame, task="regression")
    with threadpool_limits(limits=2):
        second = predict(_fit(frame, target, columns, path=path), frame, task="regression")
    assert first.tobytes() == second.tobytes()


@pytest.mark.usefixtures("own_module")
def test_the_number_of_jobs_does_not_change_a_prediction(frame: pd.DataFrame, target: Target, columns: Columns) -> None:
    """A forest on two jobs is the forest on one, and predicts on one, where the order of its sum is fixed."""
    one = _fit(frame, target, columns, path="own_forest:forest", parameters={"jobs": 1})
    two = _fit(frame, target, columns, path="own_forest:forest", parameters={"jobs": 2})
    assert two[-1].n_jobs is None
    assert predict(one, frame, task="regression").tobytes() == predict(two, frame, task="regression").tobytes()


def test_another_seed_gives_another_model(frame: pd.DataFrame, target: Target, columns: Columns) -> None:
    """The seed is really used."""
    few = {"max_features": 0.3}
    first = predict(_fit(frame, target, columns, seed=1, parameters=few), frame, task="regression")
    second = predict(_fit(frame, target, columns, seed=2, parameters=few), frame, task="regression")
    assert not np.array_equal(first, second)


def test_a_search_takes_the_best_of_what_it_tries(frame: pd.DataFrame, target: Target, columns: Columns) -> None:
    """An absurd penalty loses against a sensible one, and the draw is never larger than the grid."""
    search = {"parameters": {"alpha": [1e9, 1.0]}, "iterations": 50, "folds": 3}
    model = _fit(frame, target, columns, path=RIDGE, search=search)
    assert model[-1].alpha == 1.0


@pytest.mark.usefixtures("own_module")
def test_a_search_is_judged_on_what_comes_after(frame: pd.DataFrame, target: Target, columns: Columns) -> None:
    """Every fold trains on earlier rows than it predicts; the last fit sees all of them."""
    search = {"parameters": {"guess": [1.0, 2.0]}, "iterations": 2, "folds": 3}
    seen: list[tuple[str, pd.Series[float]]] = []
    model = _fit(frame, target, columns, path="own_forest:witness", parameters={"seen": seen}, search=search)
    fits, predictions = [at for kind, at in seen if kind == "fit"], [at for kind, at in seen if kind == "predict"]
    assert [kind for kind, _ in seen] == ["fit", "predict"] * 6 + ["fit"]
    assert all(trained.max() < judged.min() for trained, judged in zip(fits, predictions, strict=False))
    assert len(fits[-1]) == len(frame)
    assert model.guess in {1.0, 2.0}


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_search_finds_the_same_with_any_number_of_jobs(frame: pd.DataFrame, target: Target, columns: Columns, jobs: int) -> None:
    """To the bit: the last draw is the best one, and the others end before or after it."""
    search = {"parameters": {"max_iter": [1, 2, 20, 40]}, "iterations": 4, "folds": 2, "jobs": jobs}
    model = _fit(frame, target, columns, path=BOOSTED, search=search)
    alone = _fit(frame, target, columns, path=BOOSTED, parameters={"max_iter": model[-1].max_iter})
    assert model[-1].max_iter in {20, 40}
    assert np.array_equal(predict(model, frame, task="regression"), predict(alone, frame, task="regression"))


@pytest.mark.usefixtures("own_module")
def test_jobs_of_a_search_run_at_the_same_time(frame: pd.DataFrame, target: Target, columns: Columns) -> None:
    """Two fits wait for each other."""
    search = {"parameters": {"strategy": ["mean", "median"]}, "iterations": 2, "folds": 2, "jobs": 2}
    meet = Barrier(2)
    model = _fit(frame, target, columns, path="own_forest:meeting", parameters={"meet": meet}, search=search)
    assert model.strategy in {"mean", "median"}
    assert not meet.broken


def test_the_module_of_an_estimator_may_choose_where_jobs_run(
    frame: pd.DataFrame, target: Target, columns: Columns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By joblib's own means."""
    (tmp_path / "own_backend.py").write_text(BACKEND)
    monkeypatch.syspath_prepend(str(tmp_path))
    search = {"parameters": {"strategy": ["mean", "median"]}, "iterations": 2, "folds": 2, "jobs": 2}
    try:
        _fit(frame, target, columns, path="own_backend:dummy", search=search)
        assert sys.modules["own_backend"].asked == [2]
    finally:
        sys.modules.pop("own_backend").chosen.unregister()


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        ([], "regression", "target: must have labels, got none [DATA_EMPTY]"),
        ([1.0] * 9, "regression", "target: must have at least 10 rows, got 9 [TRAIN_DEGENERATE]"),
        ([1.0] * 12, "regression", "target: must vary, got the same value in 12 rows [TRAIN_DEGENERATE]"),
        ([1.0] * 12, "binary", "target: must have two classes, got one in 12 rows [TRAIN_DEGENERATE]"),
        ([0.0, 2.0] * 6, "binary", "target: must be 0 or 1 for the task binary, got other values [SCHEMA_TYPE]"),
        (
            [1.0, float("nan"), float("inf")] * 4,
            "regression",
            "target: must be finite, got 8 of 12 rows that are not [DATA_NONFINITE]",
        ),
    ],
)
def test_labels_that_teach_nothing_are_refused(
    values: list[float], task: str, message: str, frame: pd.DataFrame, columns: Columns
) -> None:
    """Before any estimator sees them."""
    path = LOGISTIC if task == "binary" else RIDGE
    with pytest.raises(DataError) as caught:
        _fit(frame.iloc[: len(values)], np.array(values), columns, path=path, task=task)
    assert str(caught.value) == message


def test_a_search_without_two_labels_in_any_fold_is_refused(frame: pd.DataFrame, columns: Columns) -> None:
    """The classes are told apart only in the last rows."""
    late = np.zeros(20)
    late[-1] = 1
    search = {"parameters": {"C": [1.0]}, "iterations": 1, "folds": 2}
    with pytest.raises(DataError) as caught:
        _fit(frame.iloc[:20], late, columns, path=LOGISTIC, task="binary", search=search)
    assert str(caught.value) == "target: must have two different labels in one of 2 folds [TRAIN_DEGENERATE]"


def test_a_parameter_out_of_range_is_told_as_scikit_learn_tells_it(frame: pd.DataFrame, target: Target, columns: Columns) -> None:
    """The definition's author must act, and reads what is allowed."""
    with pytest.raises(DefinitionError) as caught:
        _fit(frame, target, columns, path=RIDGE, parameters={"alpha": -1.0})
    assert str(caught.value) == (
        f"{RIDGE}: cannot fit: InvalidParameterError: The 'alpha' parameter of RowByRowRidge must be a float in the range "
        "[0.0, inf) or an array-like. Got -1.0 instead. [DEFINITION_ESTIMATOR]"
    )


@pytest.mark.usefixtures("own_module")
def test_an_estimators_own_error_is_told_without_a_rows_value(frame: pd.DataFrame, target: Target, columns: Columns) -> None:
    """The message names the line, and neither it nor its cause repeats what the library said."""
    with pytest.raises(DefinitionError) as caught:
        _fit(frame, target, columns, path="own_forest:picky")
    assert str(caught.value) == "own_forest:picky: cannot fit: ValueError at own_forest.py:14 [DEFINITION_ESTIMATOR]"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
