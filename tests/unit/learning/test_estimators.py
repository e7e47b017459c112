"""The shipped estimators."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from perennial.learning.features import Columns, feature_frame
from perennial.learning.fit import fit
from perennial.learning.metrics import metric
from perennial.learning.predict import predict

SHIPPED = {
    "hist_gradient_boosting_regressor": "regression",
    "ridge_regressor": "regression",
    "hist_gradient_boosting_classifier": "binary",
    "logistic_classifier": "binary",
}
Target = np.ndarray[tuple[int], np.dtype[np.float64]]


def _labels(target: Target, task: str) -> Target:
    return (target > np.median(target)).astype(np.float64) if task == "binary" else target


@pytest.mark.parametrize(("name", "task"), SHIPPED.items())
def test_it_learns_from_numbers_categories_and_time(
    name: str, task: str, frame: pd.DataFrame, target: Target, columns: Columns
) -> None:
    """Each explains most of labels that follow all three kinds of features."""
    labels = _labels(target, task)
    model = fit(
        frame, labels, path=f"perennial.learning.estimators:{name}", task=task, columns=columns, seed=1, parameters={}, search=None
    )
    figure = metric("roc_auc" if task == "binary" else "r2", labels, predict(model, frame, task=task))
    assert figure > 0.9


@pytest.mark.parametrize(("name", "task"), SHIPPED.items())
def test_unseen_and_missing_values_get_a_prediction(name: str, task: str, rows: pa.Table, target: Target, columns: Columns) -> None:
    """A night may bring a new category, no category at all, and no temperature."""
    model = fit(
        feature_frame(rows, columns),
        _labels(target, task),
        path=f"perennial.learning.estimators:{name}",
        task=task,
        columns=columns,
        seed=1,
        parameters={},
        search=None,
    )
    strange = pa.table(
        {
            "event_at": rows["event_at"].slice(0, 2),
            "temperature": pa.nulls(2),
            "sky": ["purple", None],
            "wet": ["soaked", "1"],
        }
    )
    assert np.isfinite(predict(model, feature_frame(strange, columns), task=task)).all()


@pytest.mark.parametrize(("name", "task"), SHIPPED.items())
def test_numbers_alone_are_enough(name: str, task: str, rows: pa.Table, target: Target, columns: Columns) -> None:
    """No categorical and no time feature is fine."""
    few = replace(columns, categorical=(), time=())
    frame = feature_frame(rows, few)
    path = f"perennial.learning.estimators:{name}"
    model = fit(frame, _labels(target, task), path=path, task=task, columns=few, seed=1, parameters={}, search=None)
    assert predict(model, frame, task=task).shape == (len(frame),)


def test_more_categories_than_bins_are_fine() -> None:
    """Histogram gradient boosting takes 255 codes; the rarer values share one."""
    columns = Columns(numeric=(), categorical=("c",), time=(), event_at="at", timezone="UTC")
    frame = feature_frame(pa.table({"c": [f"v{row % 400}" for row in range(1200)]}), columns)
    target = np.asarray(np.arange(1200) % 7, dtype=np.float64)
    path = "perennial.learning.estimators:hist_gradient_boosting_regressor"
    model = fit(frame, target, path=path, task="regression", columns=columns, seed=1, parameters={"max_iter": 2}, search=None)
    assert predict(model, frame, task="regression").shape == (1200,)


def test_categories_are_split_as_sets_and_not_by_their_order(frame: pd.DataFrame, target: Target, columns: Columns) -> None:
    """The model's splits on the encoded columns are splits by category."""
    path = "perennial.learning.estimators:hist_gradient_boosting_regressor"
    model = fit(frame, target, path=path, task="regression", columns=columns, seed=1, parameters={"max_iter": 5}, search=None)
    nodes = np.concatenate([tree.nodes for stage in model[-1]._predictors for tree in stage])
    splits = nodes[nodes["is_leaf"] == 0]
    by_category = splits["is_categorical"].astype(bool)
    assert by_category.any()
    assert set(splits["feature_idx"][by_category].tolist()) <= {0, 1}
