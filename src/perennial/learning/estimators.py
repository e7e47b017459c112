"""The estimators that Perennial ships. Any other importable function that returns a scikit-learn estimator does as well."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from perennial.learning.features import Columns

MAX_CATEGORIES = 255
"""Values of a categorical column that are told apart; rarer ones share one code. Histogram gradient boosting has as many bins."""

_CYCLES = ("hour", "weekday", "month")


def hist_gradient_boosting_regressor(*, columns: Columns, seed: int, **parameters: Any) -> Pipeline:  # noqa: ANN401 - passed on
    """Return gradient-boosted trees for a figure.

    Args:
        columns: The features. Categorical ones are split by set, not by order; unseen values are treated as missing ones.
        seed: Seed of everything random.
        parameters: Of ``HistGradientBoostingRegressor``. ``early_stopping`` is off unless asked for, as it would keep a random part
            of a time-ordered window from training.
    """
    return _boosted(HistGradientBoostingRegressor, columns, seed, parameters)


def hist_gradient_boosting_classifier(*, columns: Columns, seed: int, **parameters: Any) -> Pipeline:  # noqa: ANN401 - passed on
    """Return gradient-boosted trees for a class of 0 or 1. Arguments as for the regressor."""
    return _boosted(HistGradientBoostingClassifier, columns, seed, parameters)


def ridge_regressor(*, columns: Columns, seed: int, **parameters: Any) -> Pipeline:  # noqa: ANN401 - passed on
    """Return a linear model for a figure, on scaled numbers and one column per category, hour, weekday and month.

    Args:
        columns: The features. Missing numbers become the median; an unseen category belongs to none.
        seed: Seed of everything random.
        parameters: Of ``Ridge``.
    """
    return _linear(Ridge(**{"random_state": seed, **parameters}), columns)


def logistic_classifier(*, columns: Columns, seed: int, **parameters: Any) -> Pipeline:  # noqa: ANN401 - passed on
    """Return a linear model for a class of 0 or 1. Features as for ``ridge_regressor``, parameters of ``LogisticRegression``."""
    return _linear(LogisticRegression(**{"random_state": seed, "max_iter": 1000, **parameters}), columns)


def _boosted(kind: type, columns: Columns, seed: int, parameters: dict[str, Any]) -> Pipeline:
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=min(parameters.get("max_bins", MAX_CATEGORIES), MAX_CATEGORIES),
    )
    encoder = ColumnTransformer(
        [
            ("categorical", codes, list(columns.categorical)),
            ("numeric", "passthrough", [*columns.numeric, *columns.time]),
        ]
    )
    fixed = {"categorical_features": list(range(len(columns.categorical))) or None, "random_state": seed}
    return Pipeline([("encoder", encoder), ("model", kind(**{"early_stopping": False, **parameters, **fixed}))])


def _linear(model: Ridge | LogisticRegression, columns: Columns) -> Pipeline:
    cycles = [name for name in columns.time if name in _CYCLES]
    numbers = [*columns.numeric, *(name for name in columns.time if name not in _CYCLES)]
    scaler = Pipeline([("imputer", SimpleImputer(strategy="median", keep_empty_features=True)), ("scaler", StandardScaler())])
    indicators = OneHotEncoder(handle_unknown="ignore", max_categories=MAX_CATEGORIES, sparse_output=False)
    encoder = ColumnTransformer([("numeric", scaler, numbers), ("categorical", indicators, [*columns.categorical, *cycles])])
    return Pipeline([("encoder", encoder), ("model", model)])
