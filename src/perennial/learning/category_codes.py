"""The matrix that histogram gradient boosting is fitted on: categories as codes, then figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class CategoryCodes(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Turns a frame of features into one matrix of float64.

    A category becomes a code from 0 on. Where a column has more values than codes, the rarer ones share the last code. A missing
    value, and one that was not there when the codes were learnt, is NaN. A value is looked up once for each batch, not for each
    row.

    Args:
        categorical: The columns of pandas' category type; they come first in the matrix.
        figures: The columns of numbers, which follow.
        most: How many codes a column may have.

    Attributes:
        values_: The known values of each categorical column, sorted, as one text of JSON (skops would write each as an object).
        codes_: Of each categorical column the codes of its values, shape (values,).
    """

    def __init__(self, categorical: Sequence[str] = (), figures: Sequence[str] = (), most: int = 255) -> None:
        """Keep what to take."""
        self.categorical = categorical
        self.figures = figures
        self.most = most

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Learn the values of *X*."""
        learnt = [_learnt(X[name], self.most) for name in self.categorical]
        self.values_ = json.dumps([values for values, _ in learnt])
        self.codes_ = [codes for _, codes in learnt]
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:  # noqa: N803 - scikit-learn's name
        """Return the matrix, shape (rows, categorical + figures), column after column in memory: trees look at one at a time."""
        check_is_fitted(self)
        matrix = np.empty((len(X), len(self.categorical) + len(self.figures)), order="F")
        known = zip(json.loads(self.values_), self.codes_, strict=True)
        for place, (name, (values, codes)) in enumerate(zip(self.categorical, known, strict=True)):
            matrix[:, place] = _coded(X[name], values, codes)
        for place, name in enumerate(self.figures, start=len(self.categorical)):
            matrix[:, place] = X[name].to_numpy()
        return matrix


def _learnt(column: pd.Series[Any], most: int) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return the values that occur in *column*, sorted, and the code of each."""
    rows = np.bincount(column.cat.codes.to_numpy() + 1, minlength=len(column.cat.categories) + 1)[1:]
    values = [str(value) for value in column.cat.categories[rows > 0]]
    rows = rows[rows > 0]
    if len(values) <= most:
        return values, np.arange(len(values))
    frequent = np.sort(np.argsort(rows, kind="stable")[len(values) - most + 1 :])
    codes = np.full(len(values), most - 1)
    codes[frequent] = np.arange(most - 1)
    return values, codes


def _coded(column: pd.Series[Any], values: list[str], codes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    places = pd.Index(values, dtype="object").get_indexer(column.cat.categories.astype("object"))
    of_category = np.append(np.append(codes, np.nan)[places], np.nan)  # what has no place, and no category, is at the end
    return np.asarray(of_category[column.cat.codes.to_numpy()], dtype=np.float64)
