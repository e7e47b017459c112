"""What a model predicts when a column is shuffled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

from perennial.learning import shuffled_bins
from perennial.learning.binned_boosting import BinnedBoosting, BinnedBoostingRegressor
from perennial.learning.features import Columns
from perennial.learning.fit import fit
from perennial.learning.predict import raw_predictions
from perennial.learning.shuffled import Places, shuffled_predictions
from perennial.learning.shuffled_bins import Bins, Floats

ESTIMATORS = "perennial.learning.estimators:"


class Counted(BinnedBoostingRegressor):
    """Counts how many figures it bins."""

    binned = 0

    def bins(self, X: Floats) -> Bins:  # noqa: N803 - scikit-learn's
        """Count them."""
        Counted.binned += X.size
        return super().bins(X)


def _orders(rows: int) -> Places:
    draw = np.random.default_rng(8)
    return np.stack([draw.permutation(rows) for _ in range(3)])


def _one_by_one(model: Any, frame: pd.DataFrame, orders: Places, task: str) -> dict[str, list[bytes]]:
    """Shuffle each column of the frame itself, and predict that."""
    found: dict[str, list[bytes]] = {}
    for name in frame.columns:
        shuffled = [frame.assign(**{name: frame[name].array.take(order)}) for order in orders]
        found[name] = [raw_predictions(model, one, task=task).tobytes() for one in shuffled]
    return found


@pytest.mark.parametrize(
    ("path", "task"),
    [
        ("hist_gradient_boosting_regressor", "regression"),
        ("hist_gradient_boosting_classifier", "binary"),
        ("hist_gradient_boosting_interval_regressor", "regression"),
        ("ridge_regressor", "regression"),
    ],
)
def test_the_figures_are_those_of_a_shuffled_frame_to_the_bit(
    frame: pd.DataFrame, target: Any, columns: Columns, path: str, task: str
) -> None:
    """Whatever is shuffled within: a frame, or bins. Values are missing, and categories come that were never seen."""
    labels = target if task == "regression" else (target > np.median(target)).astype(np.float64)
    parameters = {} if path.startswith("ridge") else {"max_iter": 10}
    model = fit(frame, labels, path=ESTIMATORS + path, task=task, columns=columns, seed=0, parameters=parameters)
    gaps = np.random.default_rng(9).random(frame.shape) < 0.1
    met = frame.mask(pd.DataFrame(gaps, columns=frame.columns, index=frame.index))
    met["sky"] = met["sky"].cat.rename_categories({met["sky"].cat.categories[0]: "never seen"})
    orders = _orders(len(met))
    found = {name: [once.tobytes() for once in told] for name, told in shuffled_predictions(model, met, orders, task=task)}
    assert found == _one_by_one(model, met, orders, task)


def test_boosted_trees_bin_a_frame_once(
    frame: pd.DataFrame, target: Any, columns: Columns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many columns there are, and however often each is shuffled."""
    model = fit(
        frame,
        target,
        path=f"{ESTIMATORS}hist_gradient_boosting_regressor",
        task="regression",
        columns=columns,
        seed=0,
        parameters={"max_iter": 3},
    )
    assert isinstance(model, Pipeline)
    assert isinstance(model.steps[-1][1], BinnedBoosting)
    model.steps[-1][1].__class__ = Counted
    monkeypatch.setattr(Counted, "binned", 0)
    told = dict(shuffled_predictions(model, frame, _orders(len(frame)), task="regression"))
    assert list(told) == list(frame.columns)
    assert Counted.binned == frame.size


def _fitted_trees(rows: int = 600, **more: Any) -> tuple[BinnedBoostingRegressor, Floats]:
    """Return boosted trees, and rows of two columns of categories and two of numbers, with gaps."""
    draw = np.random.default_rng(4)
    matrix = np.asfortranarray(
        np.stack([*(draw.integers(0, 5, rows) for _ in "ab"), *(draw.normal(size=rows) for _ in "ab")], axis=1)
    )
    matrix[draw.random(matrix.shape) < 0.05] = np.nan
    labels = np.nan_to_num(matrix).sum(axis=1) + 2 * (matrix[:, 0] == 3) * np.nan_to_num(matrix[:, 2])
    shape = {"categorical_features": [0, 1], "random_state": 0, "early_stopping": False, "max_iter": 5, **more}
    return BinnedBoostingRegressor(**shape).fit(matrix, labels), matrix


def _expected(model: BinnedBoostingRegressor, matrix: Floats, orders: Places) -> Floats:
    """Shuffle each column of the matrix itself, and predict that."""
    found = np.empty((matrix.shape[1], *orders.shape))
    for column, time in np.ndindex(found.shape[:2]):
        shuffled = matrix.copy(order="F")
        shuffled[:, column] = matrix[orders[time], column]
        found[column, time] = model.predict(shuffled)
    return found


@pytest.mark.parametrize(("at_once", "threads"), [(shuffled_bins._AT_ONCE, 1), (100, 1), (1, 3), (1500, 3)])
def test_parts_and_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch, at_once: int, threads: int) -> None:
    """A row's sum depends on that row alone; 200 of them, as some are told one by one."""
    model, matrix = _fitted_trees(200)
    monkeypatch.setattr(shuffled_bins, "_AT_ONCE", at_once)
    orders = _orders(len(matrix))
    with threadpool_limits(threads, "openmp"):
        found = model.figures_of(model.shuffled_sums(model.bins(matrix), orders))
    assert found.tobytes() == _expected(model, matrix, orders).tobytes()


@pytest.mark.parametrize("more", [{"min_samples_leaf": 400}, {"max_leaf_nodes": None, "min_samples_leaf": 1}, {"max_bins": 9}])
def test_trees_of_any_shape_are_told(more: Any) -> None:
    """Some that split nothing, some with a leaf for almost every row, some with few bins."""
    model, matrix = _fitted_trees(**more)
    orders = _orders(len(matrix))
    found = model.figures_of(model.shuffled_sums(model.bins(matrix), orders))
    assert found.tobytes() == _expected(model, matrix, orders).tobytes()


def test_a_large_tree_is_told_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of an answer for each bin it keeps one for all of them, and is asked more often."""
    model, matrix = _fitted_trees()
    monkeypatch.setattr(shuffled_bins, "_LARGEST", 1)
    orders = _orders(len(matrix))
    found = model.figures_of(model.shuffled_sums(model.bins(matrix), orders))
    assert found.tobytes() == _expected(model, matrix, orders).tobytes()


def test_a_tree_is_asked_again_only_for_rows_that_may_leave_it_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows are asked twice for each tree; of the shuffled ones only a few."""
    model, matrix = _fitted_trees(max_leaf_nodes=4)
    asked: list[int] = []
    real = TreePredictor.predict_binned

    def counted(tree: TreePredictor, rows: Bins, *more: Any) -> Any:
        asked.append(len(rows))
        return real(tree, rows, *more)

    monkeypatch.setattr(TreePredictor, "predict_binned", counted)
    model.shuffled_sums(model.bins(matrix), _orders(len(matrix)))
    rows, cells = len(matrix), matrix.size * 3
    assert sum(asked) < 5 * (2 * rows + cells / 3)
