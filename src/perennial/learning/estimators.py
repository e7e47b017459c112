"""The estimators that Perennial ships. Any other importable function that returns a scikit-learn estimator does as well."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from perennial.learning.binned_boosting import BinnedBoostingClassifier, BinnedBoostingRegressor
from perennial.learning.boosted_interval import BoostedInterval
from perennial.learning.category_codes import CategoryCodes
from perennial.learning.features import Columns
from perennial.learning.row_by_row import RowByRowLogistic, RowByRowRidge

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
    return _boosted(BinnedBoostingRegressor, columns, seed, parameters)


def hist_gradient_boosting_classifier(*, columns: Columns, seed: int, **parameters: Any) -> Pipeline:  # noqa: ANN401 - passed on
    """Return gradient-boosted trees for a class of 0 or 1. Arguments as for the regressor."""
    return _boosted(BinnedBoostingClassifier, columns, seed, parameters)


def hist_gradient_boosting_interval_regressor(
    *,
    columns: Columns,
    seed: int,
    coverage: float = 0.9,
    **parameters: Any,  # noqa: ANN401 - passed on
) -> BoostedInterval:
    """Return gradient-boosted trees for a figure and for the interval in which it should lie.

    Three models are fitted: of the figure, and of the two quantiles that leave out ``1 - coverage`` together. Nothing corrects the
    interval afterwards, so on new rows it holds somewhat fewer labels than *coverage*: the more so, the fewer rows there were to
    learn from and the more trees learnt from them. It takes three times as long as the regressor.

    Args:
        columns: The features, as for ``hist_gradient_boosting_regressor``.
        seed: Seed of everything random.
        coverage: The share of labels that should lie in the interval, above 0 and below 1.
        parameters: Of ``HistGradientBoostingRegressor``, for all three; ``loss`` (and ``quantile``) only for that of the figure.

    Raises:
        ValueError: *coverage* is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must be above 0 and below 1, got {coverage}")
    outside = (1 - coverage) / 2
    shapes = [parameters, *({**parameters, "loss": "quantile", "quantile": tail} for tail in (outside, 1 - outside))]
    middle, low, high = (_unfitted(BinnedBoostingRegressor, columns, seed, shape) for shape in shapes)
    return BoostedInterval(_encoder(columns, parameters), middle, low, high)


def ridge_regressor(*, columns: Columns, seed: int, **parameters: Any) -> Pipeline:  # noqa: ANN401 - passed on
    """Return a linear model for a figure, on scaled numbers and one column per category, hour, weekday and month.

    Args:
        columns: The features. Missing numbers become the median; an unseen category belongs to none.
        seed: Seed of everything random.
        parameters: Of ``Ridge``.
    """
    return _linear(RowByRowRidge(**{"random_state": seed, **parameters}), columns)


def logistic_classifier(*, columns: Columns, seed: int, **parameters: Any) -> Pipeline:  # noqa: ANN401 - passed on
    """Return a linear model for a class of 0 or 1. Features as for ``ridge_regressor``, parameters of ``LogisticRegression``."""
    return _linear(RowByRowLogistic(**{"random_state": seed, "max_iter": 1000, **parameters}), columns)


def _boosted(kind: type, columns: Columns, seed: int, parameters: dict[str, Any]) -> Pipeline:
    return Pipeline([("encoder", _encoder(columns, parameters)), ("model", _unfitted(kind, columns, seed, parameters))])


def _encoder(columns: Columns, parameters: dict[str, Any]) -> CategoryCodes:
    most = min(parameters.get("max_bins", MAX_CATEGORIES), MAX_CATEGORIES)
    return CategoryCodes(list(columns.categorical), [*columns.numeric, *columns.time], most)


def _unfitted(kind: type, columns: Columns, seed: int, parameters: dict[str, Any]) -> BaseEstimator:
    fixed = {"categorical_features": list(range(len(columns.categorical))) or None, "random_state": seed}
    return kind(**{"early_stopping": False, **parameters, **fixed})


def _linear(model: BaseEstimator, columns: Columns) -> Pipeline:
    cycles = [name for name in columns.time if name in _CYCLES]
    numbers = [*columns.numeric, *(name for name in columns.time if name not in _CYCLES)]
    scaler = Pipeline([("imputer", SimpleImputer(strategy="median", keep_empty_features=True)), ("scaler", StandardScaler())])
    indicators = OneHotEncoder(handle_unknown="ignore", max_categories=MAX_CATEGORIES, sparse_output=False)
    encoder = ColumnTransformer([("numeric", scaler, numbers), ("categorical", indicators, [*columns.categorical, *cycles])])
    return Pipeline([("encoder", encoder), ("model", model)])
