"""A figure with the interval in which it should lie, by gradient-boosted trees."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin

from perennial.learning.binned_boosting import BinnedBoostingRegressor
from perennial.learning.category_codes import CategoryCodes


class BoostedInterval(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Three models on one matrix: of the figure, and of the lower and the upper quantile.

    Args:
        encoder: Makes the matrix.
        middle: The model of the figure.
        low: The model of the lower end.
        high: The model of the upper end.
    """

    def __init__(
        self, encoder: CategoryCodes, middle: BinnedBoostingRegressor, low: BinnedBoostingRegressor, high: BinnedBoostingRegressor
    ) -> None:
        """Keep the parts."""
        self.encoder = encoder
        self.middle = middle
        self.low = low
        self.high = high

    def fit(self, X: pd.DataFrame, y: npt.NDArray[np.float64]) -> Self:  # noqa: N803 - scikit-learn's name
        """Fit all three to *X* and *y*."""
        matrix = self.encoder.fit_transform(X)
        for model in (self.middle, self.low, self.high):
            model.fit(matrix, y)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:  # noqa: N803 - scikit-learn's name
        """Return the figures, shape (rows,)."""
        return np.asarray(self.middle.predict(self.encoder.transform(X)), dtype=np.float64)

    def predict_interval(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:  # noqa: N803 - as scikit-learn names it
        """Return the ends of the intervals, shape (rows, 2). Three models seldom agree, so the figure may lie outside."""
        matrix = self.encoder.transform(X)
        return np.stack([self.low.predict(matrix), self.high.predict(matrix)], axis=-1)
