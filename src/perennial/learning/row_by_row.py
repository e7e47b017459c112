"""Linear models whose figure for a row depends on that row alone, to the last bit.

The product of a matrix and a vector in BLAS adds up a row in another order at the edge of a block than inside, so that the same row
gets another last bit when it comes in another batch. Here each row is added up by itself, in the order of its columns, as fast.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.validation import check_is_fitted, validate_data

Floats = npt.NDArray[np.float64]


class RowByRowRidge(Ridge):  # type: ignore[misc]  # scikit-learn has no types
    """``Ridge`` of one target."""

    def predict(self, X: Floats) -> Floats:  # noqa: N803 - scikit-learn's name
        """Return the figures, shape (rows,)."""
        check_is_fitted(self)
        return _sums(validate_data(self, X, reset=False), self.coef_, self.intercept_)


class RowByRowLogistic(LogisticRegression):  # type: ignore[misc]  # scikit-learn has no types
    """``LogisticRegression`` of two classes."""

    def decision_function(self, X: Floats) -> Floats:  # noqa: N803 - scikit-learn's name
        """Return the logarithm of the odds of the second class, shape (rows,)."""
        check_is_fitted(self)
        return _sums(validate_data(self, X, reset=False), self.coef_, self.intercept_)


def _sums(matrix: Floats, coefficients: Floats, intercept: Floats | float) -> Floats:
    rows = np.ascontiguousarray(matrix, dtype=np.float64)
    sums: Floats = np.einsum("ij,j->i", rows, np.ravel(coefficients)) + np.ravel(intercept)
    return sums
