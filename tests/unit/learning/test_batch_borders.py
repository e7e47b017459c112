"""A law of every shipped model: a row's figure does not depend on the rows beside it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from perennial.learning.baseline import baseline_columns, fit_baseline
from perennial.learning.features import Columns, feature_frame
from perennial.learning.fit import fit
from perennial.learning.predict import prediction_intervals, raw_predictions

SHIPPED = {
    "hist_gradient_boosting_regressor": "regression",
    "hist_gradient_boosting_interval_regressor": "regression",
    "ridge_regressor": "regression",
    "hist_gradient_boosting_classifier": "binary",
    "logistic_classifier": "binary",
}
BORDERS = (0, 1, 3, 6, 11, 18, 118, 240)
Target = np.ndarray[tuple[int], np.dtype[np.float64]]


@pytest.mark.parametrize(("name", "task"), SHIPPED.items())
def test_one_batch_and_many_give_the_same_bits(
    name: str, task: str, rows: pa.Table, frame: pd.DataFrame, target: Target, columns: Columns
) -> None:
    """Wherever the borders lie; the features of each batch are made of that batch alone."""
    labels = (target > np.median(target)).astype(np.float64) if task == "binary" else target
    path = f"perennial.learning.estimators:{name}"
    few = {"max_iter": 10} if "boosting" in name else {}
    model = fit(frame, labels, path=path, task=task, columns=columns, seed=1, parameters=few)
    whole = raw_predictions(model, frame, task=task)
    parts = [feature_frame(rows.slice(start, end - start), columns) for start, end in pairwise(BORDERS)]
    pieces = [raw_predictions(model, part, task=task) for part in parts]
    assert whole.tobytes() == np.concatenate(pieces).tobytes()
    ends = prediction_intervals(model, frame, whole)
    if ends is not None:
        found = [prediction_intervals(model, part, piece) for part, piece in zip(parts, pieces, strict=True)]
        assert ends.tobytes() == np.concatenate([one for one in found if one is not None]).tobytes()


@pytest.mark.parametrize("kind", ["mean", "median", "seasonal"])
def test_so_do_the_baselines(kind: str, rows: pa.Table, target: Target) -> None:
    """They look at nothing but the clock."""
    model = fit_baseline(kind, rows["event_at"], target, "Europe/Berlin")  # type: ignore[arg-type]  # one of the three
    asked = baseline_columns("event_at", "Europe/Berlin")
    whole = raw_predictions(model, feature_frame(rows, asked), task="regression")
    parts = [feature_frame(rows.slice(start, end - start), asked) for start, end in pairwise(BORDERS)]
    pieces = [raw_predictions(model, part, task="regression") for part in parts]
    assert whole.tobytes() == np.concatenate(pieces).tobytes()
