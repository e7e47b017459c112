"""A few rows whose predictions a loaded model must repeat, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, DataError
from perennial.learning.predict import predict
from perennial.learning.refusals import refusals

MAX_ROWS = 32


def golden(model: BaseEstimator, frame: pd.DataFrame, task: str) -> dict[str, Any]:
    """Return the first rows of *frame* and what *model* predicts for them, as JSON types; floats in hexadecimal.

    Raises:
        DataError: DATA_EMPTY, *frame* has no rows.
    """
    if frame.empty and not len(frame):
        raise DataError(Code.DATA_EMPTY, "must have golden rows, got none", where="model")
    columns = [_written(frame[name].iloc[:MAX_ROWS]) for name in frame.columns]
    rows = {"columns": columns}
    return {**rows, "predictions": [float(one).hex() for one in predict(model, golden_frame(rows), task=task)]}


def golden_frame(rows: dict[str, Any]) -> pd.DataFrame:
    """Return the frame that was written."""
    return pd.DataFrame({column["name"]: _read(column) for column in rows["columns"]})


def check_golden(model: BaseEstimator, rows: dict[str, Any], task: str, where: str) -> None:
    """Predict the golden rows.

    Raises:
        ArtifactError: MODEL_CORRUPT, the model cannot, or predicts another bit, or there are none; ARTIFACT_TOO_LARGE.
    """
    with refusals(Code.MODEL_CORRUPT, "cannot predict its golden rows", where):
        expected = np.array([float.fromhex(one) for one in rows["predictions"]])
        found = predict(model, golden_frame(rows), task=task)
        if not expected.size or found.shape != expected.shape:
            message = f"must have a golden prediction for each golden row, got {expected.size} for {found.size}"
            raise ArtifactError(Code.MODEL_CORRUPT, message, where=where)
    if found.tobytes() != expected.tobytes():
        wrong = int(np.count_nonzero(found.view(np.int64) != expected.view(np.int64)))
        message = f"must repeat its golden predictions, got {wrong} of {len(expected)} that differ"
        raise ArtifactError(Code.MODEL_CORRUPT, message, where=where)


def _written(column: pd.Series[Any]) -> dict[str, Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        values = [None if pd.isna(value) else str(value) for value in column]
        return {"name": column.name, "kind": "category", "values": values}
    return {"name": column.name, "kind": "number", "values": [float(value).hex() for value in column]}


def _read(column: dict[str, Any]) -> pd.Series[Any]:
    values = column["values"]
    if column["kind"] == "number":
        return pd.Series([float.fromhex(value) for value in values], dtype="float64")
    known = sorted({value for value in values if value is not None})
    return pd.Series(values, dtype="object").astype(pd.CategoricalDtype(known))
