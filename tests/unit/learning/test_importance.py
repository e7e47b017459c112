"""What a model looks at."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import permutation_importance as peer

from perennial.core.errors import DefinitionError
from perennial.learning.features import Columns
from perennial.learning.fit import fit
from perennial.learning.importance import ROWS, permutation_importance, rows_looked_at
from perennial.learning.metrics import loss

BOOSTED = "perennial.learning.estimators:hist_gradient_boosting_regressor"
LOGISTIC = "perennial.learning.estimators:logistic_classifier"


class Weighted(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts a sum of columns with known weights."""

    def __init__(self, **weights: float) -> None:
        """Keep the weights."""
        self.weights = weights

    def fit(self, X: pd.DataFrame, y: Any) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Learn nothing."""
        return self

    def predict(self, X: pd.DataFrame) -> Any:  # noqa: N803 - scikit-learn's name
        """Return the sum."""
        return sum(weight * X[name].to_numpy() for name, weight in self.weights.items())


@pytest.fixture
def numbers() -> pd.DataFrame:
    """Three columns of independent numbers."""
    draw = np.random.default_rng(3)
    return pd.DataFrame({name: draw.normal(size=4000) for name in ("much", "little", "unused")})


def test_a_column_that_the_model_does_not_use_has_none_at_all(numbers: pd.DataFrame) -> None:
    """Every shuffle leaves the predictions as they are."""
    model = Weighted(much=2.0)
    found = permutation_importance(model, numbers, 2 * numbers["much"].to_numpy(), task="regression", metric="mae", seed=0)
    assert (found["unused"].mean, found["unused"].low, found["unused"].high) == (0.0, 0.0, 0.0)
    assert list(found) == ["much", "little", "unused"]


def test_a_perfect_model_loses_what_two_independent_values_differ_by(numbers: pd.DataFrame) -> None:
    """A shuffled value is an independent one of the same kind: their difference has twice the variance."""
    model = Weighted(much=3.0, little=0.5)
    labels = model.predict(numbers)
    found = permutation_importance(model, numbers, labels, task="regression", metric="rmse", seed=0)
    expected = {name: float(np.sqrt(2) * weight * numbers[name].std()) for name, weight in model.weights.items()}
    assert {name: found[name].mean for name in expected} == pytest.approx(expected, rel=0.03)
    assert all(one.low <= one.mean <= one.high for one in found.values())


def test_it_is_what_scikit_learn_finds(frame: pd.DataFrame, target: Any, columns: Columns) -> None:
    """Only the shuffles are other ones."""
    model = fit(frame, target, path=BOOSTED, task="regression", columns=columns, seed=0, parameters={"max_iter": 20})
    found = permutation_importance(model, frame, target, task="regression", metric="mae", seed=0)
    score = "neg_mean_absolute_error"
    theirs = peer(model, frame, target, scoring=score, n_repeats=30, random_state=1).importances_mean
    assert [found[name].mean for name in frame.columns] == pytest.approx(theirs, abs=0.15 * theirs.max())
    assert {name for name, one in found.items() if one.mean > 0.5} == {"temperature", "hour", "sky"}


def test_a_class_is_judged_by_its_own_loss(frame: pd.DataFrame, columns: Columns) -> None:
    """The growth is that of the log loss, beside what it is with the columns as they are."""
    labels = (frame["temperature"].to_numpy() > 10).astype(np.float64)
    model = fit(frame, labels, path=LOGISTIC, task="binary", columns=columns, seed=0, parameters={})
    found = permutation_importance(model, frame, labels, task="binary", metric="log_loss", seed=0)
    by_chance = loss("log_loss", labels, np.full(labels.size, labels.mean()))
    assert max(found, key=lambda name: found[name].mean) == "temperature"
    assert found["temperature"].mean > by_chance


def test_the_same_seed_gives_the_same_figures(numbers: pd.DataFrame) -> None:
    """And the frame is left as it was."""
    model, before = Weighted(much=1.0, little=1.0), numbers.copy()
    labels = numbers["much"].to_numpy()
    one, same, other = (
        permutation_importance(model, numbers, labels, task="regression", metric="mae", seed=seed) for seed in (5, 5, 6)
    )
    assert one == same
    assert one != other
    pd.testing.assert_frame_equal(numbers, before)


def test_what_is_undefined_is_not_told(numbers: pd.DataFrame) -> None:
    """R² of labels that are all the same is no figure, so its growth is none either."""
    labels = np.ones(len(numbers))
    assert permutation_importance(Weighted(much=1.0), numbers, labels, task="regression", metric="r2", seed=0) == {}


def test_a_model_that_cannot_predict_the_frame_is_the_definitions_fault(numbers: pd.DataFrame) -> None:
    """As for any prediction."""
    labels = numbers["much"].to_numpy()
    with pytest.raises(DefinitionError, match=r"^Weighted: cannot predict: KeyError at "):
        permutation_importance(Weighted(gone=1.0), numbers, labels, task="regression", metric="mae", seed=0)


@pytest.mark.parametrize("rows", [1, 240, ROWS])
def test_few_rows_are_all_looked_at(rows: int) -> None:
    """In their order."""
    assert rows_looked_at(rows, 5, seed=0).tolist() == list(range(rows))


def test_of_many_rows_one_out_of_each_stretch_is_looked_at() -> None:
    """So all of the time is among them, evenly, and the same rows each time."""
    found = rows_looked_at(1_000_000, 10, seed=0)
    assert found.tolist() == rows_looked_at(1_000_000, 10, seed=0).tolist()
    assert (found // 50).tolist() == list(range(ROWS))


def test_rows_that_repeat_in_a_rhythm_are_all_met() -> None:
    """A hundred stations an hour, of which each fiftieth row would always be the same two."""
    found = rows_looked_at(1_000_000, 10, seed=0)
    assert set((found % 100).tolist()) == set(range(100))


@pytest.mark.parametrize(("columns", "rows"), [(10, 20_000), (40, 5000), (1000, 1000)])
def test_of_a_wide_frame_fewer_rows_are_looked_at(columns: int, rows: int) -> None:
    """Each column costs as many predictions as there are rows, so that all of them cost about as much as those of ten columns."""
    assert rows_looked_at(1_000_000, columns, seed=0).size == rows
