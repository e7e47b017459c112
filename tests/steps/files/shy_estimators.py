"""Estimators that are well behaved until they meet one thing."""

from __future__ import annotations

import os
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression

Labels = npt.NDArray[np.float64]
HOT = 34.5


class Shy(LinearRegression):  # type: ignore[misc]  # scikit-learn has no types
    """Crashes where it is fitted with a column of noise."""

    def fit(self, X: pd.DataFrame, y: Labels) -> Self:  # noqa: N803 - scikit-learn's name
        """Look at the columns."""
        if "noise" in X.columns:
            os.abort()
        return super().fit(X, y)  # type: ignore[no-any-return]  # scikit-learn has no types


class Fading(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts the mean of the hour, and has no figure for a hot one."""

    def fit(self, X: pd.DataFrame, y: Labels) -> Self:  # noqa: N803 - scikit-learn's names
        """Remember the means."""
        hours = X["hour"].to_numpy(dtype=np.intp)
        self.means_ = np.bincount(hours, y, 24) / np.maximum(np.bincount(hours, minlength=24), 1)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> Labels:  # noqa: N803 - scikit-learn's name
        """Leave hot hours out."""
        figures: Labels = np.where(X["temperature"] > HOT, np.nan, self.means_[X["hour"].to_numpy(dtype=np.intp)])
        return figures


def shy() -> Shy:
    """Return an estimator that crashes at noise."""
    return Shy()


def fading() -> Fading:
    """Return an estimator that cannot take heat."""
    return Fading()
