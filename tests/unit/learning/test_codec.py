"""Models to signed bytes and back."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.ensemble import (
    GradientBoostingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    LinearRegression,
    Ridge,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    StandardScaler,
)

from perennial.core.errors import ArtifactError, DataError, RejectedError
from perennial.learning.baseline import baseline_columns, fit_baseline
from perennial.learning.codec import artifact_of, dump_model, load_model
from perennial.learning.features import Columns, feature_frame
from perennial.learning.predict import predict

Target = np.ndarray[tuple[int], np.dtype[np.float64]]


class Shelf(Protocol):
    """Bytes by digest."""

    def put(self, content: bytes) -> str:
        """Keep *content*."""

    def get_bytes(self, digest: str) -> bytes:
        """Return what is under *digest*."""

    def __len__(self) -> int:
        """Count."""


class Own(LinearRegression):  # type: ignore[misc]  # scikit-learn has no types
    """An estimator class of a user's own."""


def _encoder(categories: BaseEstimator | None = None) -> ColumnTransformer:
    return make_column_transformer(
        (
            categories or OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            make_column_selector(dtype_include="category"),
        ),
        (make_pipeline(SimpleImputer(), StandardScaler()), make_column_selector(dtype_include="number")),
    )


def _pipe(*steps: BaseEstimator) -> Pipeline:
    return make_pipeline(_encoder(), *steps)


@pytest.mark.parametrize("kind", ["mean", "median", "seasonal"])
def test_a_baseline_comes_back(kind: Any, rows: pa.Table, target: Target, shelf: Shelf, key: bytes) -> None:
    """It is an artifact like any other."""
    columns = baseline_columns("event_at", "UTC")
    frame = feature_frame(rows, columns)
    model = fit_baseline(kind, rows["event_at"], target, "UTC")
    digest = dump_model(model, frame=frame.tail(5), task="regression", columns=columns, key=key, code_version="1.0", put=shelf.put)
    found = predict(load_model(digest, key=key, get=shelf.get_bytes).model, frame, task="regression")
    assert found.tobytes() == predict(model, frame, task="regression").tobytes()


def _dumped(model: BaseEstimator, frame: pd.DataFrame, columns: Columns, shelf: Shelf, **changed: Any) -> str:
    given: dict[str, Any] = {"frame": frame.tail(5), "task": "regression", "key": b"k" * 32, "code_version": "1.0"}
    return dump_model(model, columns=columns, put=shelf.put, **{**given, **changed})


def test_the_same_fit_gives_the_same_bytes(frame: pd.DataFrame, target: Target, columns: Columns, shelf: Shelf) -> None:
    """Neither addresses nor names nor times of the moment are in them."""
    models = [_pipe(GradientBoostingRegressor(n_estimators=5, random_state=1)).fit(frame, target) for _ in range(2)]
    first, second = (_dumped(model, frame, columns, shelf) for model in models)
    assert first == second
    assert len(shelf) == 2


def test_the_manifest_names_the_file_for_garbage_collection(
    frame: pd.DataFrame, target: Target, columns: Columns, shelf: Shelf
) -> None:
    """Both are kept, or neither."""
    manifest = _dumped(_pipe(Ridge()).fit(frame, target), frame, columns, shelf)
    assert shelf.get_bytes(artifact_of(shelf.get_bytes(manifest))).startswith(b"PK")


def test_a_class_that_is_not_on_the_list_is_refused_when_it_is_stored(
    frame: pd.DataFrame, target: Target, columns: Columns, shelf: Shelf
) -> None:
    """The training run fails, by name, and not the night that would load it; nothing is stored."""
    with pytest.raises(ArtifactError) as caught:
        _dumped(_pipe(Own()).fit(frame, target), frame, columns, shelf)
    assert str(caught.value) == (f"Pipeline: must be made of trusted types only, got {__name__}.Own [ARTIFACT_UNTRUSTED_TYPE]")
    assert len(shelf) == 0


def test_promise_16_what_cannot_be_written_without_pickle_is_refused(
    frame: pd.DataFrame, target: Target, columns: Columns, shelf: Shelf
) -> None:
    """A function made on the spot has no name to be stored under."""
    model = _pipe(FunctionTransformer(lambda figures: figures), Ridge()).fit(frame, target)
    with pytest.raises(ArtifactError, match="ARTIFACT_UNTRUSTED_TYPE"):
        _dumped(model, frame, columns, shelf)


def test_a_model_without_golden_rows_is_refused(frame: pd.DataFrame, target: Target, columns: Columns, shelf: Shelf) -> None:
    """It could not be checked when it is loaded."""
    with pytest.raises(DataError) as caught:
        _dumped(_pipe(Ridge()).fit(frame, target), frame.iloc[:0], columns, shelf)
    assert str(caught.value) == "model: must have golden rows, got none [DATA_EMPTY]"


def test_a_short_key_is_refused(frame: pd.DataFrame, target: Target, columns: Columns, shelf: Shelf) -> None:
    """An empty one would sign for everybody."""
    with pytest.raises(RejectedError) as caught:
        _dumped(_pipe(Ridge()).fit(frame, target), frame, columns, shelf, key=b"short")
    assert str(caught.value) == "signing key: the signing key must have at least 32 bytes, got 5 [SETTING_MISSING]"
