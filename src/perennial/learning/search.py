"""Which parameters to take: a random search by time-ordered cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed  # type: ignore[import-untyped]  # it has no types
from sklearn.base import BaseEstimator
from sklearn.model_selection import ParameterGrid, ParameterSampler, TimeSeriesSplit

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.learning.metrics import loss
from perennial.learning.predict import predict
from perennial.learning.threads import steady_threads

Build = Callable[[Mapping[str, Any]], BaseEstimator]
_Fold = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]


def best_parameters(
    build: Build,
    frame: pd.DataFrame,
    labels: npt.NDArray[Any],
    *,
    task: str,
    metric: str,
    candidates: Mapping[str, Sequence[Any]],
    iterations: int,
    folds: int,
    seed: int,
    jobs: int = 1,
) -> Mapping[str, Any]:
    """Return the drawn combination with the lowest mean loss over the folds, the first one of equals.

    Each fold trains on what came before and is judged on what came next; the rows must be in the order of time. What comes out does
    not depend on *jobs*, nor on joblib's backend: threads of this process, unless ``joblib.parallel_config`` names another one.

    Args:
        build: Makes an unfitted estimator from a combination.
        frame: The features.
        labels: Shape (rows,).
        task: ``regression`` or ``binary``.
        metric: The figure that decides.
        candidates: Values to try, by parameter.
        iterations: How many combinations are drawn, at most all there are.
        folds: How many folds.
        seed: Seed of the draw.
        jobs: How many combinations are tried at the same time.

    Raises:
        DataError: TRAIN_DEGENERATE, no fold has enough rows and two different labels.
    """
    splits = _folds(labels, folds)
    space = dict(candidates)
    draws = list(ParameterSampler(space, min(iterations, len(ParameterGrid(space))), random_state=seed))
    build(draws[0])  # imports its module, which may choose a backend of joblib's, before one is asked for
    tried = (delayed(_mean_loss)(build, draw, frame, labels, splits, task=task, metric=metric) for draw in draws)
    losses = Parallel(n_jobs=jobs, prefer="threads")(tried)
    return dict(draws[int(np.argmin(losses))])


def _folds(labels: npt.NDArray[Any], folds: int) -> list[_Fold]:
    if labels.size <= folds:
        raise _degenerate(folds)
    splits = [split for split in TimeSeriesSplit(folds).split(labels) if np.unique(labels[split[0]]).size > 1]
    if not splits:
        raise _degenerate(folds)
    return splits


def _mean_loss(
    build: Build,
    draw: Mapping[str, Any],
    frame: pd.DataFrame,
    labels: npt.NDArray[Any],
    splits: list[_Fold],
    *,
    task: str,
    metric: str,
) -> float:
    losses = []
    with steady_threads(frame.size):  # of a process of joblib's, too
        for before, after in splits:
            model = build(draw).fit(frame.iloc[before], labels[before])
            losses.append(loss(metric, labels[after].astype(np.float64), predict(model, frame.iloc[after], task=task)))
    return float(np.nan_to_num(np.mean(losses), nan=np.inf))


def _degenerate(folds: int) -> DataError:
    return DataError(Code.TRAIN_DEGENERATE, f"must have two different labels in one of {folds} folds", where="target")
