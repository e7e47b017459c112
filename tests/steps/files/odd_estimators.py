"""Estimators of somebody who did not think of the night."""

from __future__ import annotations

import ctypes
import os
import signal
from collections import deque
from itertools import repeat
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

Labels = npt.NDArray[np.float64]


class Hungry(LinearRegression):  # type: ignore[misc]  # scikit-learn has no types
    """Asks for eight gigabytes."""

    def fit(self, X: pd.DataFrame, y: Labels) -> Self:  # noqa: N803 - scikit-learn's name
        """Ask."""
        np.ones(1 << 30)
        return super().fit(X, y)  # type: ignore[no-any-return]  # scikit-learn has no types


class Crashing(LinearRegression):  # type: ignore[misc]  # scikit-learn has no types
    """Crashes the interpreter."""

    def fit(self, X: pd.DataFrame, y: Labels) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Read where nothing is."""
        ctypes.string_at(0)
        return self


class Endless(LinearRegression):  # type: ignore[misc]  # scikit-learn has no types
    """Never ends."""

    def fit(self, X: pd.DataFrame, y: Labels) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Loop in C."""
        deque(repeat(0), maxlen=0)
        return self


class Fragile(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts the mean of a few rows, and crashes the interpreter at a single one."""

    def fit(self, X: pd.DataFrame, y: Labels) -> Self:  # noqa: N803 - scikit-learn's names
        """Remember the mean."""
        self.mean_ = float(np.mean(y))
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> Labels:  # noqa: N803 - scikit-learn's name
        """Crash at one row."""
        if len(X) == 1:
            os.abort()
        return np.full(len(X), self.mean_)


class Frugal(LinearRegression):  # type: ignore[misc]  # scikit-learn has no types
    """Cannot be fitted to more than 150 rows."""

    def fit(self, X: pd.DataFrame, y: Labels) -> Self:  # noqa: N803 - scikit-learn's names
        """Count."""
        if len(X) > 150:
            message = "too many rows"
            raise ValueError(message)
        return super().fit(X, y)  # type: ignore[no-any-return]  # scikit-learn has no types


class Unlucky(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts the mean; at a single row the next line of a file happens to it: ``kill``, ``loop`` or ``hold``."""

    def __init__(self, path: str = "") -> None:
        """Look into the file *path*."""
        self.path = path

    def fit(self, X: pd.DataFrame, y: Labels) -> Self:  # noqa: N803 - scikit-learn's names
        """Remember the mean."""
        self.mean_ = float(np.mean(y))
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> Labels:  # noqa: N803 - scikit-learn's name
        """Let it happen."""
        if len(X) == 1:
            self._meet()
        return np.full(len(X), self.mean_)

    def _meet(self) -> None:
        what, *others = [*Path(self.path).read_text().split(), ""]
        Path(self.path).write_text(" ".join(others))
        if what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == "loop":
            deque(repeat(0), maxlen=0)
        elif what == "hold":
            np.ones(1 << 30)


class Crowded(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts the mean of the hour, and a little more the more rows it is asked for at once, and the later a row comes."""

    def fit(self, X: pd.DataFrame, y: Labels) -> Self:  # noqa: N803 - scikit-learn's name
        """Remember the means."""
        hours = X["hour"].to_numpy(dtype=np.intp)
        self.means_ = np.bincount(hours, y, 24) / np.maximum(np.bincount(hours, minlength=24), 1)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> Labels:  # noqa: N803 - scikit-learn's name
        """Count them."""
        figures: Labels = self.means_[X["hour"].to_numpy(dtype=np.intp)] + 1e-9 * len(X) + 1e-12 * np.arange(len(X))
        return figures


def crowded() -> Crowded:
    """Return an estimator that sees how rows are cut."""
    return Crowded()


def unlucky(path: str) -> Unlucky:
    """Return an estimator to which something happens."""
    return Unlucky(path)


def hungry() -> Hungry:
    """Return an estimator that asks for too much memory."""
    return Hungry()


def crashing() -> Crashing:
    """Return an estimator whose fit crashes."""
    return Crashing()


def endless() -> Endless:
    """Return an estimator whose fit never ends."""
    return Endless()


def fragile() -> Fragile:
    """Return an estimator that crashes at one row."""
    return Fragile()


def frugal() -> Frugal:
    """Return an estimator that refuses many rows."""
    return Frugal()


def plain() -> LinearRegression:
    """Return an estimator that refuses missing values."""
    return LinearRegression()


def stubborn(columns: Any) -> Pipeline:
    """Return an estimator that refuses categories that it has not seen."""
    encoder = ColumnTransformer(
        [("known", OneHotEncoder(), list(columns.categorical)), ("plain", "passthrough", [*columns.numeric, *columns.time])]
    )
    return Pipeline([("encoder", encoder), ("model", Ridge())])
