"""The trivial model beside every challenger."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.utils.validation import check_is_fitted

from perennial.learning.features import Columns, feature_frame
from perennial.learning.target import checked_target

_HOURS_A_DAY = 24
_CELLS = 7 * _HOURS_A_DAY


def baseline_columns(event_at: str, timezone: str) -> Columns:
    """Return the features of a baseline: the hour and the weekday of *event_at* in *timezone*."""
    return Columns(numeric=(), categorical=(), time=("weekday", "hour"), event_at=event_at, timezone=timezone)


def fit_baseline(
    kind: Literal["mean", "median", "seasonal"],
    event_at: pa.Array | pa.ChunkedArray | npt.NDArray[np.datetime64],
    target: npt.ArrayLike,
    timezone: str,
) -> BaseEstimator:
    """Return a fitted baseline, to be predicted on a frame of ``baseline_columns``.

    Args:
        kind: The mean label, the median label, or the mean label of the same weekday and hour.
        event_at: Shape (rows,), timestamps with a timezone; a numpy array is in UTC.
        target: Shape (rows,), finite.
        timezone: The IANA timezone of weekday and hour.

    Raises:
        DataError: DATA_EMPTY, DATA_NONFINITE.
    """
    labels = checked_target(target)
    frame = feature_frame(pa.table({"event_at": _moments(event_at)}), baseline_columns("event_at", timezone))
    model = SeasonalMean() if kind == "seasonal" else DummyRegressor(strategy=kind)
    return model.fit(frame, labels)


class SeasonalMean(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts the mean label of the same weekday and hour; the mean of all where there was no such row.

    Attributes:
        means_: Shape (168,), by weekday times 24 plus hour, in the label's unit.
    """

    def fit(self, X: pd.DataFrame, y: npt.NDArray[np.float64]) -> Self:  # noqa: N803 - scikit-learn's name
        """Take the means of *y* over the columns ``weekday`` and ``hour`` of *X*."""
        cells = _cells(X)
        rows = np.bincount(cells, minlength=_CELLS)
        sums = np.bincount(cells, weights=y, minlength=_CELLS)
        self.means_ = np.where(rows > 0, sums / np.maximum(rows, 1), np.mean(y))
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:  # noqa: N803 - scikit-learn's name
        """Return the mean of each row's weekday and hour, shape (rows,)."""
        check_is_fitted(self)
        return np.asarray(self.means_[_cells(X)], dtype=np.float64)


def _cells(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    cells = frame["weekday"].to_numpy() * _HOURS_A_DAY + frame["hour"].to_numpy()
    return np.asarray(cells, dtype=np.int64)


def _moments(event_at: pa.Array | pa.ChunkedArray | npt.NDArray[np.datetime64]) -> pa.Array | pa.ChunkedArray:
    if isinstance(event_at, np.ndarray):
        return pa.array(event_at.astype("datetime64[us]"), pa.timestamp("us", "UTC"))
    return event_at
