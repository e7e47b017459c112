"""Every kind of model that can be stored comes back and predicts the same to the bit."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LassoCV,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    RidgeClassifier,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from perennial.learning import estimators
from perennial.learning.archive import SCHEMA, nodes
from perennial.learning.baseline import SeasonalMean
from perennial.learning.codec import Opened, read_model, write_model
from perennial.learning.features import Columns
from perennial.learning.predict import predict, prediction_intervals
from perennial.learning.trusted import TRUSTED

pytestmark = pytest.mark.xdist_group("kinds")  # each is fitted once, for both tests
ROWS = 160
COLUMNS = Columns(numeric=("heat",), categorical=("sky", "wet"), time=("hour", "weekday"), event_at="at", timezone="UTC")
SEEDED: dict[str, Any] = {"columns": COLUMNS, "seed": 1}


def _frame() -> pd.DataFrame:
    """Return numbers, some of them missing, an hour, a weekday and two categories, one of them rare."""
    draw = np.random.default_rng(7)
    heat = draw.normal(10, 5, ROWS)
    heat[::13] = np.nan
    sky = pd.Series(["clear", "grey", "dark", "grey", "rare"], dtype="object").iloc[np.minimum(np.arange(ROWS) % 29, 4)]
    hours = np.arange(ROWS)
    return pd.DataFrame(
        {
            "heat": heat,
            "hour": (hours % 24).astype(np.float64),
            "weekday": (hours // 24 % 7).astype(np.float64),
            "sky": pd.Categorical(sky.to_numpy()),
            "wet": pd.Categorical(np.where(draw.random(ROWS) < 0.5, "no", "yes")),
        }
    )


FRAME = _frame()
TARGET = 20 + 3 * np.sin(FRAME["hour"].to_numpy()) + 5 * (FRAME["sky"] == "dark").to_numpy() + FRAME["weekday"].to_numpy()


def _encoder(categories: BaseEstimator | None = None, *, add_indicator: bool = False) -> ColumnTransformer:
    return make_column_transformer(
        (
            categories or OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            make_column_selector(dtype_include="category"),
        ),
        (make_pipeline(SimpleImputer(add_indicator=add_indicator), StandardScaler()), make_column_selector(dtype_include="number")),
    )


def _codes() -> OrdinalEncoder:
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)


def _pipe(*steps: BaseEstimator) -> Pipeline:
    return make_pipeline(_encoder(), *steps)


FIGURES: dict[str, Any] = {
    "hist": make_pipeline(_encoder(_codes()), HistGradientBoostingRegressor(categorical_features=[0, 1], max_iter=5)),
    "hist_dtype": HistGradientBoostingRegressor(categorical_features="from_dtype", max_iter=5, early_stopping=True),
    "hist_absolute": HistGradientBoostingRegressor(loss="absolute_error", max_iter=3, max_features=0.5),
    "hist_poisson": _pipe(HistGradientBoostingRegressor(loss="poisson", max_iter=5)),
    "hist_quantile": _pipe(HistGradientBoostingRegressor(loss="quantile", quantile=0.9, max_iter=5)),
    "hist_gamma": _pipe(HistGradientBoostingRegressor(loss="gamma", max_iter=5)),
    "boosting": _pipe(GradientBoostingRegressor(n_estimators=5)),
    "boosting_huber": _pipe(GradientBoostingRegressor(n_estimators=5, loss="huber")),
    "boosting_quantile": _pipe(GradientBoostingRegressor(n_estimators=5, loss="quantile", alpha=0.9)),
    "boosting_zero": _pipe(GradientBoostingRegressor(n_estimators=5, init="zero")),
    "boosting_start": _pipe(GradientBoostingRegressor(n_estimators=5, init=Ridge())),
    "extra_trees": _pipe(ExtraTreesRegressor(5)),
    "forest": make_pipeline(_encoder(TargetEncoder(cv=2)), RandomForestRegressor(5, criterion="poisson")),
    "forest_missing": RandomForestRegressor(5).set_params(random_state=np.random.RandomState(1)),
    "tree": _pipe(DecisionTreeRegressor(max_leaf_nodes=7, monotonic_cst=None)),
    "extra_tree": _pipe(ExtraTreeRegressor()),
    "bagging": _pipe(BaggingRegressor(n_estimators=3, max_features=0.5)),
    "ada": _pipe(AdaBoostRegressor(n_estimators=3)),
    "stacking": _pipe(StackingRegressor([("ridge", Ridge()), ("lasso", Lasso())], passthrough=True)),
    "stacking_trees": _pipe(StackingRegressor([("forest", RandomForestRegressor(2)), ("ridge", RidgeCV())], cv=2)),
    "voting": _pipe(VotingRegressor([("ridge", Ridge()), ("lasso", Lasso())])),
    "target_encoder": make_pipeline(_encoder(TargetEncoder()), LinearRegression()),
    "sparse": make_pipeline(make_column_transformer((OneHotEncoder(), ["sky", "wet"]), sparse_threshold=1), Ridge()),
    "rare": make_pipeline(_encoder(OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=3)), Ridge()),
    "rare_codes": make_pipeline(_encoder(OrdinalEncoder(min_frequency=9)), Ridge()),
    "dropped": make_pipeline(_encoder(OneHotEncoder(drop="if_binary", handle_unknown="ignore", min_frequency=0.1)), Ridge()),
    "missing": make_pipeline(_encoder(add_indicator=True), Ridge()),
    "named": make_pipeline(_encoder(OneHotEncoder(sparse_output=False)).set_output(transform="pandas"), LinearRegression()),
    "union": _pipe(make_union(MaxAbsScaler(), Binarizer(), "passthrough"), Normalizer(), ElasticNet()),
    "log_target": TransformedTargetRegressor(_pipe(Ridge()), func=np.log1p, inverse_func=np.expm1),
    "root_target": TransformedTargetRegressor(
        _pipe(GradientBoostingRegressor(n_estimators=3)), func=np.sqrt, inverse_func=np.square
    ),
    "scaled_target": TransformedTargetRegressor(_pipe(Ridge()), transformer=StandardScaler()),
    "poisson": _pipe(PoissonRegressor()),
    "gamma": _pipe(GammaRegressor()),
    "tweedie": _pipe(TweedieRegressor(power=1.5)),
    "tweedie_identity": _pipe(TweedieRegressor(power=0, link="identity")),
    "tweedie_one": _pipe(TweedieRegressor(power=1.2, link="identity", max_iter=1000)),
    "quantile_linear": _pipe(QuantileRegressor(alpha=0.01)),
    "elastic": _pipe(RobustScaler(), ElasticNetCV(cv=3)),
    "lasso": _pipe(LassoCV(cv=3)),
    "bayes": _pipe(VotingRegressor([("ridge", BayesianRidge()), ("relevance", ARDRegression())])),
    "huber": _pipe(MinMaxScaler(), HuberRegressor(max_iter=1000)),
    "sgd_figure": _pipe(SGDRegressor(loss="epsilon_insensitive")),
    "sgd_square": _pipe(SGDRegressor(loss="squared_epsilon_insensitive")),
    "transformers": _pipe(FunctionTransformer(np.tanh), PowerTransformer(), QuantileTransformer(n_quantiles=20), Ridge()),
    "seasonal": SeasonalMean(),
    "shipped_ridge": estimators.ridge_regressor(**SEEDED),
    "shipped_boosting": estimators.hist_gradient_boosting_regressor(**SEEDED, max_iter=5),
    "shipped_interval": estimators.hist_gradient_boosting_interval_regressor(**SEEDED, max_iter=5),
}
CLASSES: dict[str, Any] = {
    "hist_class": _pipe(HistGradientBoostingClassifier(max_iter=5)),
    "boosting_class": _pipe(GradientBoostingClassifier(n_estimators=5)),
    "boosting_exponential": _pipe(GradientBoostingClassifier(n_estimators=5, loss="exponential")),
    "forest_class": _pipe(RandomForestClassifier(5)),
    "extra_trees_class": _pipe(ExtraTreesClassifier(5, class_weight="balanced")),
    "extra_tree_class": _pipe(ExtraTreeClassifier()),
    "bagging_class": _pipe(BaggingClassifier(n_estimators=3)),
    "ada_class": _pipe(AdaBoostClassifier(n_estimators=3)),
    "voting_class": _pipe(VotingClassifier([("line", LogisticRegression()), ("none", DummyClassifier())], voting="soft")),
    "logistic": _pipe(KBinsDiscretizer(n_bins=3, quantile_method="averaged_inverted_cdf"), LogisticRegression()),
    "logistic_cv": _pipe(LogisticRegressionCV(Cs=3, cv=2, l1_ratios=(0,), scoring="neg_log_loss", use_legacy_attributes=False)),
    "ridge_class": _pipe(RidgeClassifier()),
    "sgd": _pipe(SGDClassifier(loss="log_loss")),
    "sgd_huber": _pipe(SGDClassifier(loss="modified_huber")),
    "sgd_hinge": _pipe(SGDClassifier(loss="hinge")),
    "sgd_squared": _pipe(SGDClassifier(loss="squared_hinge")),
    "sigmoid": CalibratedClassifierCV(_pipe(LogisticRegression()), cv=2),
    "isotonic": CalibratedClassifierCV(_pipe(LogisticRegression()), cv=2, method="isotonic"),
    "isotonic_trees": CalibratedClassifierCV(_pipe(HistGradientBoostingClassifier(max_iter=3)), cv=2, method="isotonic"),
    "stacking_class": _pipe(StackingClassifier([("logistic", LogisticRegression()), ("tree", DecisionTreeClassifier())])),
    "shipped_logistic": estimators.logistic_classifier(**SEEDED),
    "shipped_boosting_class": estimators.hist_gradient_boosting_classifier(**SEEDED, max_iter=5),
}
NUMBERS_ONLY = {"forest_missing"}


@cache
def _stored(name: str) -> tuple[BaseEstimator, pd.DataFrame, str, Opened]:
    task, model = ("binary", CLASSES[name]) if name in CLASSES else ("regression", FIGURES[name])
    frame = FRAME.select_dtypes("number") if name in NUMBERS_ONLY else FRAME
    free = [seed for seed, value in model.get_params().items() if seed.endswith("random_state") and value is None]
    model.set_params(**dict.fromkeys(free, 1))
    model.fit(frame, (np.median(TARGET) < TARGET).astype(np.int64) if task == "binary" else TARGET)
    written = write_model(model, frame=frame.tail(5), task=task, columns=COLUMNS, code_version="1.0")
    return model, frame, task, Opened(written.content, written.body, name)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", [*FIGURES, *CLASSES])
def test_a_model_comes_back_and_predicts_the_same_to_the_bit(name: str) -> None:
    """Pipelines, encoders, scalers, imputers, linear models, trees, boosting, calibration, stacking."""
    model, frame, task, opened = _stored(name)
    loaded = read_model(opened)
    found = predict(loaded.model, frame, task=task)
    assert found.tobytes() == predict(model, frame, task=task).tobytes()
    assert np.unique(found).size > 1
    assert (loaded.columns, loaded.task) == (COLUMNS, task)


def test_the_ends_of_an_interval_come_back_too() -> None:
    """To the bit, from models that no golden row asks."""
    model, frame, task, opened = _stored("shipped_interval")
    figures = predict(model, frame, task=task)
    ends = [prediction_intervals(one, frame, figures) for one in (model, read_model(opened).model)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[0].tobytes() == ends[1].tobytes()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_promise_16_nothing_is_on_the_list_that_no_model_needs() -> None:
    """Each class that a file may hold is held by a model above."""
    held: set[tuple[str, str]] = set()
    for name in [*FIGURES, *CLASSES]:
        with ZipFile(io.BytesIO(_stored(name)[-1].content)) as file:
            schema = json.loads(file.read(SCHEMA))
        held |= {(node["__loader__"], f"{node['__module__']}.{node['__class__']}") for node in nodes(schema)}
    listed = {(loader, kind) for loader in ("ObjectNode", "TreeNode", "LossNode") for kind in TRUSTED[loader]}
    assert sorted(listed - held) == []
