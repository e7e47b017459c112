"""Histogram gradient boosting that predicts as fast as it trains.

scikit-learn grows trees on 8-bit bins, but predicts from the numbers themselves: each tree reads all of them from memory again, and
all threads wait for each other after each tree. Here a block of rows is binned first and stays in the processor's cache for all
trees, and each thread has blocks of its own. The bins are those of the fit, so that each figure is the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, starmap
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

from perennial.learning.shuffled_bins import Bins, Floats, shuffled_sums

BLOCK = 1 << 14
"""The most rows that are binned at a time: with 35 features, half a megabyte."""

LEAST = 1 << 12
"""The least rows that another thread is worth."""


class BinnedBoosting(BaseHistGradientBoosting):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts from bins. The matrix must be one of ``CategoryCodes``: the categorical columns first, as codes from 0 on."""

    def fit(self, X: Floats, y: npt.ArrayLike, **more: Any) -> Self:  # noqa: ANN401, N803 - scikit-learn's
        """Fit to a matrix, every code of which must occur.

        Raises:
            ValueError: A column of categories holds anything but the codes from 0 on.
        """
        super().fit(X, y, **more)
        if any((codes != np.arange(codes.size)).any() for codes in _codes(self)):
            raise ValueError("categories must be codes from 0 on that all occur, and the first columns")
        return self

    def bins(self, X: Floats) -> Bins:  # noqa: N803 - scikit-learn's
        """Return the bin of each figure of a matrix, shape (rows, columns), column after column in memory."""
        return _bins(X, self._bin_mapper.bin_thresholds_, int(self._bin_mapper.missing_values_bin_idx_))

    def shuffled_sums(self, bins: Bins, orders: npt.NDArray[np.int64]) -> Floats:
        """Return what the trees add up to for rows of *bins* of which one column is shuffled, for each column.

        Args:
            bins: Shape (rows, columns), as ``bins`` returns them.
            orders: Shape (times, rows): whose bin each row gets.

        Returns:
            Shape (columns, times, rows).
        """
        return shuffled_sums(
            [tree for (tree,) in self._predictors],
            bins,
            orders,
            start=float(self._baseline_prediction[0, 0]),
            missing=int(self._bin_mapper.missing_values_bin_idx_),
            threads=_openmp_effective_n_threads(),
        )

    def _raw_predict(self, X: Floats, n_threads: int | None = None) -> Floats:  # noqa: N803 - scikit-learn's
        if getattr(self, "_in_fit", False) or not hasattr(self, "_bin_mapper"):  # scikit-learn's own: bins already, or an error
            found: Floats = super()._raw_predict(X, n_threads)
            return found
        if not X.shape[1] == self.n_features_in_ == len(self._bin_mapper.bin_thresholds_):
            raise ValueError("the matrix must have as many columns as the fit's")
        raw: Floats = np.repeat(self._baseline_prediction, len(X), axis=0)
        threads = _openmp_effective_n_threads(n_threads)
        blocks = _blocks(len(X), threads)
        with ThreadPoolExecutor(min(threads, len(blocks))) as pool:
            for _ in pool.map(lambda rows: self._add_trees(X[rows], raw[rows]), blocks):
                pass
        return raw

    def _add_trees(self, block: Floats, raw: Floats) -> None:
        self._predict_iterations(self.bins(block), self._predictors, raw, is_binned=True, n_threads=1)


class BinnedBoostingRegressor(BinnedBoosting, HistGradientBoostingRegressor):  # type: ignore[misc]  # scikit-learn has no types
    """``HistGradientBoostingRegressor`` with the same figures, faster."""

    def figures_of(self, sums: Floats) -> Floats:
        """Return the figures that follow from what the trees add up to, in the same shape."""
        found: Floats = self._loss.link.inverse(sums)
        return found


class BinnedBoostingClassifier(BinnedBoosting, HistGradientBoostingClassifier):  # type: ignore[misc]  # scikit-learn has no types
    """``HistGradientBoostingClassifier`` with the same figures, faster."""

    def figures_of(self, sums: Floats) -> Floats:
        """Return the probabilities of class 1 that follow from what the trees add up to, in the same shape."""
        found: Floats = self._loss.predict_proba(sums.reshape(-1, 1))[:, list(self.classes_).index(1)]
        return found.reshape(sums.shape)


def _codes(model: Any) -> Iterator[npt.NDArray[Any]]:  # noqa: ANN401 - scikit-learn has no types
    """Yield the codes of each categorical column, and before them the positions of these columns."""
    if model.is_categorical_ is None:
        return
    yield np.flatnonzero(model.is_categorical_)
    for codes in model._preprocessor.named_transformers_["encoder"].categories_:  # noqa: SLF001 - fitted by our other parent
        yield codes[~np.isnan(codes)]


def _blocks(rows: int, threads: int) -> list[slice]:
    """Cut *rows* into stretches of the same length, as many for each thread, so that all threads end together."""
    rounds = -(-rows // (BLOCK * threads))
    count = rounds * threads if rounds > 1 else max(min(threads, rows // LEAST), 1)
    ends = [rows * number // count for number in range(count + 1)]
    return list(starmap(slice, pairwise(ends)))


def _bins(block: Floats, thresholds: list[Floats], missing: int) -> Bins:
    """Return the bin of each value, shape (rows, features): how many thresholds lie below it."""
    binned = np.empty(block.shape, dtype=np.uint8, order="F")
    for column, ends in enumerate(thresholds):
        values = block[:, column]
        binned[:, column] = np.searchsorted(ends, values)
        binned[np.isnan(values), column] = missing
    return binned
