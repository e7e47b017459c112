"""From a fitted model and a frame of features to one figure a row, and to its interval where the model gives one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator

from perennial.core.codes import Code
from perennial.core.errors import DataError, DefinitionError
from perennial.learning.binned_boosting import BinnedBoosting
from perennial.learning.boosted_interval import BoostedInterval
from perennial.learning.estimator_faults import estimator_faults
from perennial.learning.threads import steady_threads

Floats = npt.NDArray[np.float64]

ROWS_AT_ONCE = 25_000
"""Rows that an estimator which may blow up its features (an indicator for each category) gets at a time."""


def predict(model: BaseEstimator, frame: pd.DataFrame, *, task: str) -> Floats:
    """Return the predictions of *model*.

    Args:
        model: A fitted estimator.
        frame: The features, as ``feature_frame`` makes them.
        task: ``regression``, or ``binary`` for the probability of class 1; that of class 0 is the rest to 1. A model of a mean (a
            baseline) needs no ``predict_proba``: the mean of classes 0 and 1 is that probability.

    Returns:
        Shape (rows,), float64, in the label's unit or a probability.

    Raises:
        DataError: PREDICTION_NONFINITE.
        DefinitionError: DEFINITION_ESTIMATOR, the model cannot predict the frame.
    """
    figures = raw_predictions(model, frame, task=task)
    require_finite(model, nonfinite(figures), len(figures))
    return figures


def raw_predictions(model: BaseEstimator, frame: pd.DataFrame, *, task: str) -> Floats:
    """Return what *predict* does, whether it is finite or not.

    Raises:
        DefinitionError: DEFINITION_ESTIMATOR, the model cannot predict the frame.
    """
    return _asked(model, frame, lambda part: _figures(model, part, task), ())


def prediction_intervals(model: BaseEstimator, frame: pd.DataFrame, figures: Floats) -> Floats | None:
    """Return the ends of each row's interval, widened where it must be to hold the figure; None where *model* gives none.

    A model gives intervals by a method ``predict_interval``, which takes the frame and returns the lower and the upper ends,
    shape (rows, 2).

    Args:
        model: A fitted estimator.
        frame: The features.
        figures: Shape (rows,), what *model* predicts for them.

    Returns:
        Shape (rows, 2), float64; they may be infinite or NaN.

    Raises:
        DefinitionError: DEFINITION_ESTIMATOR, the model cannot predict the frame.
    """
    if not gives_intervals(model):
        return None
    ends = _asked(model, frame, model.predict_interval, (2,))
    return np.stack([np.minimum(ends[:, 0], figures), np.maximum(ends[:, 1], figures)], axis=-1)


def gives_intervals(model: BaseEstimator) -> bool:
    """Return whether *model* has a method ``predict_interval``."""
    return callable(getattr(model, "predict_interval", None))


def nonfinite(figures: Floats) -> int:
    """Return how many rows of *figures*, shape (rows,) or (rows, ends), are not finite."""
    finite = np.isfinite(figures) if figures.ndim == 1 else np.isfinite(figures).all(axis=1)
    return len(figures) - int(np.count_nonzero(finite))


def require_finite(model: BaseEstimator, bad: int, rows: int) -> None:
    """Refuse predictions of *rows* rows of which *bad* are not finite.

    Raises:
        DataError: PREDICTION_NONFINITE.
    """
    if bad:
        message = f"must predict finite figures, got {bad} of {rows} that are not"
        raise DataError(Code.PREDICTION_NONFINITE, message, where=type(model).__name__)


def _asked(
    model: BaseEstimator, frame: pd.DataFrame, ask: Callable[[pd.DataFrame], npt.ArrayLike], shape: tuple[int, ...]
) -> Floats:
    found = np.empty((len(frame), *shape))
    step = max(len(frame), 1) if _takes_all(model) else ROWS_AT_ONCE
    for start in range(0, len(frame), step):
        part = frame.iloc[start : start + step]
        found[start : start + step] = _of_part(model, part, ask, shape)
    return found


def _takes_all(model: Any) -> bool:  # noqa: ANN401 - any estimator
    """Return whether *model* cuts rows into blocks itself."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    return isinstance(last, BinnedBoosting | BoostedInterval)


def _of_part(
    model: BaseEstimator, part: pd.DataFrame, ask: Callable[[pd.DataFrame], npt.ArrayLike], shape: tuple[int, ...]
) -> Floats:
    where = type(model).__name__
    with steady_threads(part.size), estimator_faults(where, "predict"):
        found = np.asarray(ask(part), dtype=np.float64)
    if found.size != len(part) * int(np.prod(shape, initial=1)):
        wanted = "two ends of an interval" if shape else "one figure"
        message = f"must predict {wanted} a row, got shape {found.shape} for {len(part)} rows"
        raise DefinitionError(Code.DEFINITION_ESTIMATOR, message, where=where)
    return found.reshape(len(part), *shape)


def _figures(model: BaseEstimator, frame: pd.DataFrame, task: str) -> npt.ArrayLike:
    if task == "binary" and hasattr(model, "predict_proba"):
        return model.predict_proba(frame)[:, list(model.classes_).index(1)]  # type: ignore[no-any-return]  # scikit-learn has no types
    return model.predict(frame)  # type: ignore[no-any-return]  # scikit-learn has no types
