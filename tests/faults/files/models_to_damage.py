"""Small models of many kinds, as they lie in a store, and rows to ask them about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    StackingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, TargetEncoder
from sklearn.tree import DecisionTreeRegressor

from perennial.core.digest import digest_bytes
from perennial.learning.codec import LoadedModel, dump_model, load_model
from perennial.learning.estimators import hist_gradient_boosting_regressor, ridge_regressor
from perennial.learning.features import Columns
from perennial.learning.predict import predict

KEY = b"0123456789abcdef0123456789abcdef"
COLUMNS = Columns(numeric=("a", "b"), categorical=("sky",), time=("hour",), event_at="at", timezone="UTC")
SKIES = ("clear", "grey", "dark", "white")
GOLDEN_ROWS, OTHER_ROWS = 8, 1000


@dataclass(frozen=True)
class Stored:
    """A model as it lies in a store, and what it predicts for the other rows."""

    name: str
    manifest: bytes
    content: bytes
    predictions: bytes


def frame(rows: int, seed: int) -> pd.DataFrame:
    """Return rows of two numbers, some of them missing, an hour and a category."""
    draw = np.random.default_rng(seed)
    a, b = draw.normal(size=(2, rows))
    a[::11] = np.nan
    hour = (np.arange(rows) % 24).astype(np.float64)
    return pd.DataFrame({"a": a, "b": b, "hour": hour, "sky": pd.Categorical(draw.choice(SKIES, rows), SKIES)})


OTHERS = frame(OTHER_ROWS, 9)


def _mixed(categories: BaseEstimator, *last: BaseEstimator) -> BaseEstimator:
    numbers = (SimpleImputer(), make_column_selector(dtype_include="number"))
    return make_pipeline(make_column_transformer((categories, make_column_selector(dtype_include="category")), numbers), *last)


KINDS: dict[str, tuple[str, Callable[[], BaseEstimator]]] = {
    "ridge": ("regression", lambda: ridge_regressor(columns=COLUMNS, seed=1)),
    "boosting on bins": ("regression", lambda: hist_gradient_boosting_regressor(columns=COLUMNS, seed=1, max_iter=3)),
    "boosting by histogram": ("regression", lambda: HistGradientBoostingRegressor(max_iter=3, max_leaf_nodes=8, random_state=1)),
    "boosting": (
        "regression",
        lambda: _mixed(OrdinalEncoder(), GradientBoostingRegressor(n_estimators=3, max_depth=2, random_state=1)),
    ),
    "forest": ("regression", lambda: _mixed(TargetEncoder(cv=2, random_state=1), _forest())),
    "rare categories": ("binary", lambda: _mixed(_rare(), LogisticRegression())),
    "bins": (
        "regression",
        lambda: _mixed(OrdinalEncoder(), KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf", random_state=1), Ridge()),
    ),
    "calibrated": ("binary", lambda: CalibratedClassifierCV(_mixed(_rare(), LogisticRegression()), cv=2, method="isotonic")),
    "stacking": ("regression", lambda: _mixed(_rare(), StackingRegressor(_two(), final_estimator=Ridge(), cv=2))),
}


def _rare() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=3, drop="if_binary")


def _forest() -> RandomForestRegressor:
    return RandomForestRegressor(2, max_leaf_nodes=8, random_state=1)


def _two() -> list[tuple[str, BaseEstimator]]:
    return [("line", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=2, random_state=1))]


def stored(name: str) -> Stored:
    """Fit the model *name* and store it."""
    task, make = KINDS[name]
    rows = frame(120, 1)
    target = rows["b"].to_numpy() + 3 * (rows["sky"] == "dark").to_numpy() + rows["hour"].to_numpy() / 24
    model = make().fit(rows, (target > 1).astype(np.int64) if task == "binary" else target)
    shelf: dict[str, bytes] = {}

    def put(content: bytes) -> str:
        digest = digest_bytes(content)
        shelf[digest] = content
        return digest

    digest = dump_model(model, frame=frame(GOLDEN_ROWS, 2), task=task, columns=COLUMNS, key=KEY, code_version="1", put=put)
    manifest = shelf.pop(digest)
    [content] = shelf.values()
    return Stored(name, manifest, content, predicted(load(manifest, content)))


def load(manifest: bytes, content: bytes, digest: str | None = None) -> LoadedModel:
    """Load a model out of a store that answers with these bytes, whatever digest is asked for."""
    answers: list[bytes] = [manifest, content]
    return load_model(digest or digest_bytes(manifest), key=KEY, get=lambda _: answers.pop(0))


def predicted(loaded: LoadedModel) -> bytes:
    """Return what a model predicts for the other rows."""
    found: Any = predict(loaded.model, OTHERS, task=loaded.task)
    return bytes(found.tobytes())
