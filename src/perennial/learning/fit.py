"""One training run: from a frame and labels to a fitted estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator

from perennial.learning.estimator_faults import estimator_faults
from perennial.learning.features import Columns
from perennial.learning.load_estimator import load_estimator
from perennial.learning.object_graph import estimators_in
from perennial.learning.search import Build, best_parameters
from perennial.learning.target import trainable_target
from perennial.learning.threads import steady_threads


def fit(
    frame: pd.DataFrame,
    target: npt.NDArray[np.float64],
    *,
    path: str,
    task: str,
    columns: Columns,
    seed: int,
    parameters: Mapping[str, Any],
    search: Mapping[str, Any] | None = None,
    metric: str | None = None,
) -> BaseEstimator:
    """Return the estimator at *path*, fitted. The same arguments give a model that predicts the same, bit for bit.

    Args:
        frame: The features, rows in the order of time.
        target: Shape (rows,), the labels in the same order.
        path: ``package.module:function``.
        task: ``regression``, or ``binary`` for labels of 0 and 1.
        columns: What the frame's columns are.
        seed: Seed of everything random.
        parameters: Keyword arguments of the function.
        search: ``parameters`` (values to try, by keyword), ``iterations``, ``folds``, ``jobs``; None for no search.
        metric: What the search goes by; without one, mae for a regression and log_loss for a class.

    Raises:
        DataError: DATA_EMPTY, DATA_NONFINITE, TRAIN_DEGENERATE, SCHEMA_TYPE.
        DefinitionError: DEFINITION_ESTIMATOR.
    """
    labels = trainable_target(target, task)

    def build(drawn: Mapping[str, Any]) -> BaseEstimator:
        return load_estimator(path, columns=columns, seed=seed, parameters={**parameters, **drawn}, task=task)

    with steady_threads(frame.size), estimator_faults(path, "fit"):
        drawn = _drawn(build, frame, labels, task=task, seed=seed, search=search, metric=metric)
        return _one_thread(build(drawn).fit(frame, labels))


def _drawn(
    build: Build,
    frame: pd.DataFrame,
    labels: npt.NDArray[Any],
    *,
    task: str,
    seed: int,
    search: Mapping[str, Any] | None,
    metric: str | None,
) -> Mapping[str, Any]:
    if search is None:
        return {}
    return best_parameters(
        build,
        frame,
        labels,
        task=task,
        metric=metric or ("log_loss" if task == "binary" else "mae"),
        candidates=search["parameters"],
        iterations=search.get("iterations", 10),
        folds=search.get("folds", 3),
        seed=seed,
        jobs=search.get("jobs", 1),
    )


def _one_thread(model: BaseEstimator) -> BaseEstimator:
    """Let the model predict on one thread: a forest adds up its trees in the order in which its threads end."""
    for estimator in estimators_in(model):
        if getattr(estimator, "n_jobs", None) is not None:
            estimator.n_jobs = None
    return model
