"""From a fitted model and a frame of features to one figure a row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator

from perennial.core.codes import Code
from perennial.core.errors import DataError, DefinitionError
from perennial.learning.estimator_faults import estimator_faults
from perennial.learning.threads import steady_threads


def predict(model: BaseEstimator, frame: pd.DataFrame, *, task: str) -> npt.NDArray[np.float64]:
    """Return the predictions of *model*.

    Args:
        model: A fitted estimator.
        frame: The features, as ``feature_frame`` makes them.
        task: ``regression``, or ``binary`` for the probability of class 1. A model of a mean (a baseline) needs no
            ``predict_proba``: the mean of classes 0 and 1 is that probability.

    Returns:
        Shape (rows,), float64, in the label's unit or a probability.

    Raises:
        DataError: PREDICTION_NONFINITE.
        DefinitionError: DEFINITION_ESTIMATOR, the model cannot predict the frame.
    """
    if not len(frame):
        return np.empty(0, dtype=np.float64)
    where = type(model).__name__
    with steady_threads(frame.size), estimator_faults(where, "predict"):
        figures = np.asarray(_figures(model, frame, task), dtype=np.float64)
    if figures.size != len(frame):
        message = f"must predict one figure a row, got shape {figures.shape} for {len(frame)} rows"
        raise DefinitionError(Code.DEFINITION_ESTIMATOR, message, where=where)
    if bad := int(np.count_nonzero(~np.isfinite(figures))):
        message = f"must predict finite figures, got {bad} of {len(frame)} that are not"
        raise DataError(Code.PREDICTION_NONFINITE, message, where=where)
    return figures.reshape(len(frame))


def _figures(model: BaseEstimator, frame: pd.DataFrame, task: str) -> npt.ArrayLike:
    if task == "binary" and hasattr(model, "predict_proba"):
        return model.predict_proba(frame)[:, list(model.classes_).index(1)]  # type: ignore[no-any-return]  # scikit-learn has no types
    return model.predict(frame)  # type: ignore[no-any-return]  # scikit-learn has no types
